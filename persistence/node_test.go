package persistence

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func open(t *testing.T, dir, wanted string) *Node {
	t.Helper()
	node, err := OpenNode(dir, wanted)
	if err != nil {
		t.Fatal(err)
	}
	return node
}

func TestNodeKeepsItsIDAcrossRestarts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "when missing")
	first := open(t, dir, "")
	id := first.ID
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := open(t, dir, "")
	defer second.Close()
	if id == "" || second.ID != id {
		t.Errorf("the id was %q and is %q", id, second.ID)
	}
}

func TestDirectoryServesOneProcess(t *testing.T) {
	dir := t.TempDir()
	node := open(t, dir, "")
	if _, err := OpenNode(dir, ""); !errors.Is(err, ErrLocked) {
		t.Errorf("a second one opened it with %v, want ErrLocked", err)
	}
	if err := node.Close(); err != nil {
		t.Fatal(err)
	}
	if err := open(t, dir, "").Close(); err != nil {
		t.Errorf("after the first has closed it: %v", err)
	}
}

func TestWantedIDReplacesTheStoredOne(t *testing.T) {
	dir := t.TempDir()
	for _, wanted := range []string{"a", "b", ""} {
		node := open(t, dir, wanted)
		if want := map[string]string{"a": "a", "b": "b", "": "b"}[wanted]; node.ID != want {
			t.Errorf("asked for %q, the id is %q", wanted, node.ID)
		}
		if err := node.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := OpenNode(dir, "not legal/"); err == nil {
		t.Error("an id with a slash was accepted")
	}
}

func TestTornIDIsReplaced(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "node-id"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	node := open(t, dir, "")
	defer node.Close()
	if node.ID == "" || node.Lost != Damaged {
		t.Errorf("the id is %q, lost: %q", node.ID, node.Lost)
	}
}

// TestNoOtherIDIsUsedSilently, whichever byte of the file is damaged, cut off or zeroed.
func TestNoOtherIDIsUsedSilently(t *testing.T) {
	for _, wanted := range []string{"", "a", "node-1.example"} {
		dir := quickDir(t)
		path := filepath.Join(dir, "node-id")
		node := open(t, dir, wanted)
		id := node.ID
		if err := node.Close(); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		try := func(what string, at int, changed []byte) {
			t.Helper()
			if err := os.WriteFile(path, changed, 0o644); err != nil {
				t.Fatal(err)
			}
			node := open(t, dir, "")
			defer node.Close()
			if node.ID != id && node.Lost != Damaged {
				t.Errorf("%q %s at %d is used as the id %q, and nothing is said", content, what, at, node.ID)
			}
			if node.ID == id && node.Lost != Kept {
				t.Errorf("%q %s at %d: the id is the same, and the log says that it is lost", content, what, at)
			}
		}
		for at := range content {
			for bit := range 8 {
				changed := bytes.Clone(content)
				changed[at] ^= 1 << bit
				try("flipped", at, changed)
			}
			changed := bytes.Clone(content)
			changed[at] = 0
			try("zeroed", at, changed)
			try("cut", at, content[:at])
		}
	}
}

// TestMissingIDIsSaid if the directory has stored state.
func TestMissingIDIsSaid(t *testing.T) {
	dir := filled(t)
	node := open(t, dir, "")
	defer node.Close()
	if node.ID == "" || node.Lost != Missing {
		t.Errorf("the id is %q, lost: %q", node.ID, node.Lost)
	}
	another := open(t, t.TempDir(), "")
	defer another.Close()
	if another.Lost != Kept {
		t.Errorf("a new directory has lost its id: %q", another.Lost)
	}
	named := filled(t)
	if node := open(t, named, "a"); node.Lost != Kept || node.Close() != nil {
		t.Errorf("an id that was asked for is lost: %q", node.Lost)
	}
}

// TestIDOfAnOlderVersionIsKept: its file has no checksum, and gets one.
func TestIDOfAnOlderVersionIsKept(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "node-id")
	if err := os.WriteFile(path, []byte("0123456789abcdef\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	node := open(t, dir, "")
	defer node.Close()
	content, err := os.ReadFile(path)
	if node.ID != "0123456789abcdef" || node.Lost != Kept || err != nil || string(content) != encodeNodeID(node.ID) {
		t.Errorf("the id is %q, lost: %q; the file has %q, %v", node.ID, node.Lost, content, err)
	}
}
