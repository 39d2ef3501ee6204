package bootstrap

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func exporting(path string, force bool) *exportFile {
	return &exportFile{path: path, force: force, interrupts: make(chan os.Signal), release: func() {}}
}

func text(content string) func(io.Writer) error {
	return func(out io.Writer) error {
		_, err := io.WriteString(out, content)
		return err
	}
}

func holds(t *testing.T, path, want string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil || string(content) != want {
		t.Errorf("%s holds %q (%v), want %q", filepath.Base(path), content, err, want)
	}
}

// alone checks that a directory holds the given files and nothing else.
func alone(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var found []string
	for _, entry := range entries {
		found = append(found, entry.Name())
	}
	if strings.Join(found, " ") != strings.Join(names, " ") {
		t.Errorf("the directory holds %q, want %q", found, names)
	}
}

func TestExportReplacesARegularFileWithForceOnly(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "archive")
	must(t, os.WriteFile(path, []byte("former"), 0o640))
	if err := exporting(path, false).write(text("new")); err == nil || !strings.Contains(err.Error(), "--force") {
		t.Errorf("without force: %v", err)
	}
	holds(t, path, "former")
	must(t, exporting(path, true).write(text("new")))
	holds(t, path, "new")
	about, err := os.Stat(path)
	must(t, err)
	if about.Mode().Perm() != 0o640 {
		t.Errorf("the permissions are %v, want those of the former file", about.Mode().Perm())
	}
	alone(t, dir, "archive")
}

func TestExportThatFailsLeavesWhatWasThere(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "archive")
	half := func(out io.Writer) error { return errors.Join(text("half")(out), io.ErrUnexpectedEOF) }
	if err := exporting(path, false).write(half); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a new file: %v", err)
	}
	alone(t, dir)
	must(t, os.WriteFile(path, []byte("former"), 0o600))
	if err := exporting(path, true).write(half); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a former file: %v", err)
	}
	holds(t, path, "former")

	e := exporting(path, true)
	signals := make(chan os.Signal, 1)
	signals <- syscall.SIGINT
	e.interrupts = signals
	if err := e.write(text("new")); !errors.Is(err, errInterrupted) {
		t.Errorf("interrupted: %v", err)
	}
	holds(t, path, "former")
	alone(t, dir, "archive")
}

func TestExportReplacesNoFileThatAppearedMeanwhile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "archive")
	err := exporting(path, false).write(func(out io.Writer) error {
		must(t, os.WriteFile(path, []byte("another's"), 0o600))
		return text("ours")(out)
	})
	if err == nil {
		t.Error("it ended cleanly")
	}
	holds(t, path, "another's")
}

func TestExportFollowsALinkAndKeepsIt(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "elsewhere"), 0o700))
	target, link := filepath.Join(dir, "elsewhere", "archive"), filepath.Join(dir, "link")
	must(t, os.Symlink("elsewhere/archive", link))
	must(t, exporting(link, false).write(text("one")))
	holds(t, target, "one")
	if err := exporting(link, false).write(text("two")); err == nil {
		t.Error("without force the target was replaced")
	}
	must(t, exporting(link, true).write(text("two")))
	holds(t, target, "two")
	alone(t, filepath.Dir(target), "archive")
	if to, err := os.Readlink(link); err != nil || to != "elsewhere/archive" {
		t.Errorf("the link is %q (%v)", to, err)
	}
	loop := filepath.Join(dir, "loop")
	must(t, os.Symlink("loop", loop))
	if err := exporting(loop, true).write(text("three")); err == nil {
		t.Error("a link to itself was written")
	}
}

// TestExportWritesToADeviceOrAFIFODirectly: they are not replaced.
func TestExportWritesToADeviceOrAFIFODirectly(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	must(t, syscall.Mkfifo(fifo, 0o600))
	read := make(chan string, 1)
	go func() {
		content, _ := os.ReadFile(fifo) // an error fails the test, too: content is empty then
		read <- string(content)
	}()
	must(t, exporting(fifo, false).write(text("through")))
	if got := <-read; got != "through" {
		t.Errorf("the reader of the FIFO got %q", got)
	}
	if about, err := os.Lstat(fifo); err != nil || about.Mode()&fs.ModeNamedPipe == 0 {
		t.Errorf("the FIFO is %v (%v)", about, err)
	}
	alone(t, dir, "fifo")

	// A link protects the device: if the code were wrong and ran as root, it would replace the link only.
	full := filepath.Join(dir, "full")
	must(t, os.Symlink("/dev/full", full))
	if err := exporting(full, true).write(text("nothing")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("/dev/full: %v", err)
	}
	if about, err := os.Stat("/dev/full"); err != nil || about.Mode()&fs.ModeDevice == 0 {
		t.Fatalf("/dev/full is %v (%v)", about, err)
	}

	if err := exporting(dir, true).write(text("nothing")); err == nil || !strings.Contains(err.Error(), "directory") {
		t.Errorf("a directory: %v", err)
	}
}

// TestExportAppendsToAnOpenDescriptor: others write to the file behind /dev/fd/N, too.
func TestExportAppendsToAnOpenDescriptor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "opened")
	file, err := os.Create(path)
	must(t, err)
	defer file.Close()
	_, err = file.WriteString("before ")
	must(t, err)
	descriptor := filepath.Join("/proc/self/fd", fdOf(file))
	if _, err := os.Stat(descriptor); err != nil {
		t.Skip("no /proc here")
	}
	must(t, exporting(descriptor, false).write(text("after")))
	holds(t, path, "before after")
}
