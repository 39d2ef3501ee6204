package persistence

import (
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
	if node.ID == "" || !node.Damaged {
		t.Errorf("the id is %q, damaged: %v", node.ID, node.Damaged)
	}
}
