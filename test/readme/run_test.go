package readme

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// environments are where a block can run, in the order in which they come.
var environments = []string{"running", "stopped", "clone", "checkout"}

// directory is the directory in which a block runs. Blocks of a page share it.
func (w *world) directory(t *testing.T, b *block) string {
	t.Helper()
	key := b.info["env"] + " " + b.page
	switch b.info["env"] {
	case "checkout":
		return root
	case "stopped":
		return w.home
	case "clone":
		key = "clone"
	}
	if w.directories[key] == "" {
		dir := w.temporary(t)
		w.directories[key] = dir
		if key == "clone" {
			clone(t, dir)
		} else {
			copyFile(t, filepath.Join(root, "configs", "hegemonydetector.conf"), dir)
		}
	}
	return w.directories[key]
}

// clone copies the source tree as git sees it, with changes that are not committed yet.
func clone(t *testing.T, dir string) {
	t.Helper()
	copied := exec.Command("bash", "-c", `set -o pipefail; git ls-files -z -co --exclude-standard | tar --null -T - --ignore-failed-read -cf - | tar -C "$0" -xf -`, dir)
	copied.Dir = root
	if out, err := copied.CombinedOutput(); err != nil {
		t.Fatalf("copy the source: %v\n%s", err, out)
	}
}

func copyFile(t *testing.T, from, dir string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, filepath.Base(from)), content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// patience is the longest time of a block. The longest is make check.
const patience = 40 * time.Minute

func TestCommandsOfThePagesWork(t *testing.T) {
	if os.Getenv("README_COMMANDS") == "" {
		t.Skip("README_COMMANDS is not set: make readme runs the commands")
	}
	// make check is one of the commands, and would run all of them again.
	if err := os.Unsetenv("README_COMMANDS"); err != nil {
		t.Fatal(err)
	}
	all := everyBlock(t)
	w := start(t)
	for _, env := range environments {
		if env == "stopped" {
			w.stop(t)
		}
		for _, b := range all {
			if b.info["env"] == env {
				t.Run(strings.ReplaceAll(b.String(), "/", "-"), func(t *testing.T) { w.run(t, b, w.directory(t, b)) })
			}
		}
	}
}

// known is an ASN of the golden stream; 64524 is one of the demo's.
const known = "245281"

var brokers = regexp.MustCompile(`kafka1:9092(,kafka[234]:9092)*`)

// prelude makes a refused question an error, and shows each command in the log of a failed test.
const prelude = "set -euo pipefail\ncurl() { command curl -f \"$@\"; }\n"

// run runs a block in a directory, and compares its output.
func (w *world) run(t *testing.T, b *block, dir string) {
	text := strings.ReplaceAll(strings.ReplaceAll(b.text, "localhost:8080", w.page), "64524", known)
	text = brokers.ReplaceAllString(strings.ReplaceAll(text, "CONF", "hegemonydetector.conf"), w.brokers)
	limit := patience
	until, err := time.ParseDuration(b.info["until"])
	if endless := err == nil; endless {
		limit = until
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	command := exec.CommandContext(ctx, "bash", "-c", prelude+text)
	command.Dir = dir
	command.Env = append(os.Environ(), w.env...)
	// All that the block has started ends with it.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGTERM) }
	command.WaitDelay = 30 * time.Second
	out, err := command.CombinedOutput()
	got := strings.ReplaceAll(string(out), w.page, "localhost:8080")
	if err != nil && (until == 0 || ctx.Err() == nil) {
		t.Fatalf("%v:\n%s\n%s", err, b.text, got)
	}
	if _, quiet := b.info["quiet"]; strings.TrimSpace(got) == "" && !quiet {
		t.Fatalf("it prints nothing:\n%s", b.text)
	}
	if missing := differs(got, b.want); missing != "" {
		t.Errorf("the page shows %q, which is not in the output, or not in this order:\n%s", missing, got)
	}
}

// differs returns the first part of what a page shows that an output lacks; three dots stand for anything.
func differs(got, want string) string {
	got = strings.ReplaceAll(got, "127.0.0.1:8080", "localhost:8080")
	for part := range strings.SplitSeq(strings.ReplaceAll(want, "127.0.0.1:8080", "localhost:8080"), "...") {
		part = strings.Trim(part, "\n ")
		_, rest, found := strings.Cut(got, part)
		if !found {
			return part
		}
		got = rest
	}
	return ""
}

func TestOutputIsComparedInOrderWithDotsForAnything(t *testing.T) {
	for name, c := range map[string]struct{ got, want, missing string }{
		"equal":     {"a\nb\n", "a\nb\n", ""},
		"dots":      {"a 1\nx\nb 2\n", "a ...\nb 2\n", ""},
		"any":       {"a", "", ""},
		"other":     {"a 1\n", "a 2\n", "a 2"},
		"order":     {"b\na\n", "a\n...\nb\n", "b"},
		"addresses": {"at http://localhost:8080/", "at http://127.0.0.1:8080/", ""},
	} {
		if missing := differs(c.got, c.want); missing != c.missing {
			t.Errorf("%s: %q is missing, want %q", name, missing, c.missing)
		}
	}
}
