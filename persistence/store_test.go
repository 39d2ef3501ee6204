package persistence

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dgraph-io/badger/v4"
)

// filled is a directory with some state, closed: 10 entities with chunks and
// journal blocks.
func filled(t *testing.T) string {
	t.Helper()
	m := newModel(t, 3, Options{Journal: 40, Seen: true})
	for range 10 {
		for range 20 {
			m.observe()
		}
		m.p.SetState([]byte("state"), 0)
		if err := m.checkpoint(); err != nil {
			t.Fatal(err)
		}
	}
	m.p.Close()
	if err := m.store.Close(); err != nil {
		t.Fatal(err)
	}
	return m.dir
}

// change rewrites the values whose keys begin with a kind; nil deletes.
func change(t *testing.T, store *Store, kind byte, how func(i int, value []byte) []byte) {
	t.Helper()
	err := store.db.Update(func(txn *badger.Txn) error {
		var keys, values [][]byte
		err := each(txn, []byte{kind}, func(item *badger.Item) error {
			value, err := item.ValueCopy(nil)
			keys, values = append(keys, item.KeyCopy(nil)), append(values, value)
			return err
		})
		for i, key := range keys {
			if value := how(i, values[i]); value == nil {
				err = errors.Join(err, txn.Delete(key))
			} else {
				err = errors.Join(err, txn.Set(key, value))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func damaged(_ int, value []byte) []byte {
	value[len(value)-1] ^= 1
	return value
}

// TestDamagedPartitionBeginsAnew: without its head or its journal a partition is empty.
func TestDamagedPartitionBeginsAnew(t *testing.T) {
	for name, how := range map[string]struct {
		kind byte
		how  func(int, []byte) []byte
	}{
		"head":          {headKind, damaged},
		"journal block": {blockKind, damaged},
		"journal block that is gone": {blockKind, func(i int, value []byte) []byte {
			if i == 1 {
				return nil
			}
			return value
		}},
		"page of last seen, or part of the owner's state": {sectionKind, damaged},
		"page of last seen": {sectionKind, func(i int, value []byte) []byte {
			if i == 0 {
				return damaged(i, value)
			}
			return value
		}},
		"part of the owner's state that is gone": {sectionKind, func(i int, value []byte) []byte {
			if i == 0 {
				return value
			}
			return nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			store := openState(t, filled(t), Options{Seen: true})
			change(t, store, how.kind, how.how)
			p, err := store.Partition("d", 0)
			if err != nil {
				t.Fatal(err)
			}
			if head, stored := p.Head(); stored {
				t.Errorf("it has the head %+v", head)
			}
		})
	}
}

// TestDamagedEntityIsNotLoaded: the error wraps ErrCorrupt, so that the owner rebuilds the
// partition.
func TestDamagedEntityIsNotLoaded(t *testing.T) {
	for name, kind := range map[string]byte{"chunk": chunkKind, "id": entityKind} {
		t.Run(name, func(t *testing.T) {
			store := openState(t, filled(t), Options{})
			change(t, store, kind, damaged)
			p, err := store.Partition("d", 0)
			if err != nil {
				t.Fatal(err)
			}
			refusals := 0
			for _, key := range []string{"64500,0", "64500,1", "64500,2", "64500,3", "64500,4", "64500,5"} {
				if _, _, _, err := p.Load(key); errors.Is(err, ErrCorrupt) {
					refusals++
				} else if err != nil {
					t.Error(err)
				}
			}
			if refusals == 0 {
				t.Error("none was refused")
			}
		})
	}
}

func TestNewerFormatIsRefused(t *testing.T) {
	dir := filled(t)
	store := openState(t, dir, Options{})
	change(t, store, headKind, func(_ int, value []byte) []byte {
		value[0] = sectioned + 1
		return value
	})
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenStore(dir, Options{}); !errors.Is(err, ErrNewer) {
		t.Errorf("it was opened: %v", err)
	}
}

func TestDirectoryInUseIsRefused(t *testing.T) {
	dir := filled(t)
	openState(t, dir, Options{})
	if _, err := OpenStore(dir, Options{}); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("a second one was opened: %v", err)
	}
}

func TestFileInPlaceOfTheDirectoryIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "state"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenStore(dir, Options{}); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("it was opened: %v", err)
	}
}

// TestNothingIsWrittenWithoutRoom: a store below its floor refuses every write, because
// Badger dies on a full disk. It writes again when there is room.
func TestNothingIsWrittenWithoutRoom(t *testing.T) {
	free, writes := uint64(1<<30), 0
	m := newModel(t, 5, Options{Floor: 1 << 20, Free: func() (uint64, error) { return free, nil },
		BeforeWrite: func() error { writes++; return nil }})
	for range 10 {
		m.observe()
	}
	if err := m.checkpoint(); err != nil {
		t.Fatal(err)
	}
	written := writes
	free = 1<<20 - 1
	for range 10 {
		m.observe()
	}
	if err := m.checkpoint(); !errors.Is(err, ErrNoSpace) || writes != written {
		t.Errorf("%v, and %d writes", err, writes-written)
	}
	if err := m.store.Room(); !errors.Is(err, ErrNoSpace) {
		t.Errorf("room: %v", err)
	}
	free = 1 << 30
	if err := m.checkpoint(); err != nil {
		t.Error(err)
	}
	m.crash()
	if m.points != 20 {
		t.Errorf("%d points are stored, want 20", m.points)
	}
	m.check()
}

func TestDirectoryWithoutRoomIsNotOpened(t *testing.T) {
	_, err := OpenStore(t.TempDir(), Options{Floor: 2, Free: func() (uint64, error) { return 1, nil }})
	if !errors.Is(err, ErrNoSpace) {
		t.Errorf("it was opened: %v", err)
	}
}

// TestSmallStateIsSmallOnDisk: the files have holes, and not every copy program keeps holes.
func TestSmallStateIsSmallOnDisk(t *testing.T) {
	dir := filled(t)
	entries, err := os.ReadDir(filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	var length int64
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			t.Fatal(err)
		}
		length += info.Size()
	}
	store := openState(t, dir, Options{ReadOnly: true})
	size, err := store.Size()
	if err != nil || size > 1<<20 || length > 64<<20 {
		t.Errorf("%d bytes on disk, %d in length, %v", size, length, err)
	}
}

// TestLogWithoutContentIsNoObstacle: a process that is killed may leave one.
func TestLogWithoutContentIsNoObstacle(t *testing.T) {
	dir := filled(t)
	for _, name := range []string{"00000.mem", "00077.mem", "000077.vlog"} {
		if err := os.WriteFile(filepath.Join(dir, "state", name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, err := openState(t, dir, Options{}).Partition("d", 0)
	if err != nil {
		t.Fatal(err)
	}
	if head, _ := p.Head(); head.Offset != 200 {
		t.Errorf("offset %d is stored, want 200", head.Offset)
	}
}

// TestKeyOfAnyLengthIsStored: a record with a long key must not stop the stream because of
// Badger's limit.
func TestKeyOfAnyLengthIsStored(t *testing.T) {
	dir := t.TempDir()
	long := strings.Repeat("x", 100_000)
	keys := []string{long + "1", long + "2", long[:longestKey], long[:longestKey+1]}
	store := openState(t, dir, Options{})
	p, err := store.Partition("d", 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, key := range keys {
		e, _, known, err := p.Load(key)
		if known || err != nil {
			t.Fatal(known, err)
		}
		p.Append(e, 1, float64(i))
	}
	p.Commit()
	if err := p.Checkpoint(Head{Offset: 4}, nil, nil); err != nil {
		t.Fatal(err)
	}
	p.Close()
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if p, err = openState(t, dir, Options{}).Partition("d", 0); err != nil {
		t.Fatal(err)
	}
	for i, key := range keys {
		if _, points, _, err := p.Load(key); err != nil || len(points) != 1 || points[0].Value != float64(i) {
			t.Errorf("key %d has %v, %v", i, points, err)
		}
	}
}
