package persistence

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestDirectoriesAreForTheirOwnerOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	node := open(t, dir, "")
	defer node.Close()
	openState(t, dir, Options{})
	for _, path := range []string{dir, filepath.Join(dir, "state")} {
		about, err := os.Stat(path)
		if err != nil || about.Mode().Perm() != 0o700 {
			t.Errorf("%s has the permissions %v, %v; want 0700", path, about.Mode().Perm(), err)
		}
	}
}

func TestDirectoryInUseIsNotLookedAt(t *testing.T) {
	dir := t.TempDir()
	node := open(t, dir, "")
	if _, err := Lock(dir); !errors.Is(err, ErrLocked) {
		t.Errorf("%v, want ErrLocked", err)
	}
	if err := node.Close(); err != nil {
		t.Fatal(err)
	}
	unlock, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenNode(dir, ""); !errors.Is(err, ErrLocked) {
		t.Errorf("a node opened what is looked at: %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
}

// TestStateOfAKilledProcessCanBeLookedAt copies the files of an open database,
// which is what a killed process leaves.
func TestStateOfAKilledProcessCanBeLookedAt(t *testing.T) {
	dir := t.TempDir()
	store := openState(t, dir, Options{Journal: 50})
	fill(t, store, "d", 0, 10, 10)
	want := export(t, store, "d", 0)
	summaries, err := store.Summaries()
	if err != nil || len(summaries) != 1 || summaries[0].Err != nil {
		t.Fatalf("summaries %+v, %v", summaries, err)
	}
	killed, closed := t.TempDir(), t.TempDir()
	copyFiles(t, dir, killed)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	copyFiles(t, dir, closed)
	for name, dir := range map[string]string{"killed": killed, "closed": closed} {
		files := listing(t, dir)
		for range 2 { // the first look may mend it
			store := openState(t, dir, Options{ReadOnly: true})
			got := export(t, store, "d", 0)
			again, err := store.Summaries()
			if err != nil || len(again) != 1 || again[0].Points != summaries[0].Points || again[0].Entities != summaries[0].Entities || again[0].Head != summaries[0].Head {
				t.Errorf("%s: summary %+v, %v; want %+v", name, again, err, summaries)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s: the windows differ", name)
			}
			if err := store.update(func(*update) error { return nil }); !errors.Is(err, errReadOnly) {
				t.Errorf("%s: something could be written: %v", name, err)
			}
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if name == "closed" && listing(t, dir) != files {
			t.Errorf("a look has changed the files of a database that was closed: %s, before %s", listing(t, dir), files)
		}
	}
}

func copyFiles(t *testing.T, from, to string) {
	t.Helper()
	if out, err := exec.Command("cp", "-a", from+"/.", to).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func listing(t *testing.T, dir string) string {
	t.Helper()
	out, err := exec.Command("ls", "-l", "--full-time", filepath.Join(dir, "state")).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestLessMemoryAfterACrash: a store with a small memtable reads the log of a large one.
func TestLessMemoryAfterACrash(t *testing.T) {
	dir := t.TempDir()
	store := openState(t, dir, Options{Memory: 256 << 20})
	fill(t, store, "d", 0, 300_000, 1) // more than the smallest memtable takes
	want := export(t, store, "d", 0)
	killed := t.TempDir()
	copyFiles(t, dir, killed)
	small := openState(t, killed, Options{Memory: LeastMemory})
	if !bytes.Equal(export(t, small, "d", 0), want) {
		t.Error("the windows differ")
	}
	// Killed once more, with a log that was cut.
	again := t.TempDir()
	copyFiles(t, killed, again)
	if !bytes.Equal(export(t, openState(t, again, Options{Memory: LeastMemory}), "d", 0), want) {
		t.Error("the windows differ after the second crash")
	}
}

// TestLookNeedsNoFileThatIsMadeAnew: a look reads the windows even if a file is damaged that
// nothing depends on. The log says what is lost.
func TestLookNeedsNoFileThatIsMadeAnew(t *testing.T) {
	dir := filled(t)
	files := save(t, dir)
	for _, name := range []string{"KEYREGISTRY", "DISCARD"} {
		for _, readOnly := range []bool{true, false} {
			dir := quickDir(t)
			files.write(t, dir)
			for _, at := range []int64{3, 20} {
				damage{name, "flipped", at}.do(t, filepath.Join(dir, "state"))
			}
			damage{name, "cut", 24}.do(t, filepath.Join(dir, "state"))
			var log bytes.Buffer
			store, err := OpenStore(dir, Options{ReadOnly: readOnly, StopOnDamage: readOnly, Log: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Errorf("%s, read only %v: %v", name, readOnly, err)
				continue
			}
			summaries, err := store.Summaries()
			if err != nil || len(summaries) != 1 || summaries[0].Err != nil {
				t.Errorf("%s, read only %v: %+v, %v", name, readOnly, summaries, err)
			}
			if text := log.String(); !strings.Contains(text, madeAnew) || strings.Contains(text, readAgain) {
				t.Errorf("%s, read only %v: the log says %s", name, readOnly, text)
			}
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
