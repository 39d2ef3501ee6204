package persistence

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/dgraph-io/badger/v4"
)

// manyPoints makes a checkpoint of some points.
func manyPoints(t *testing.T, m *model, points int) {
	t.Helper()
	for range points {
		m.observe()
	}
	if err := m.checkpoint(); err != nil {
		t.Fatal(err)
	}
}

func filesOf(t *testing.T, s *Store) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(s.journal())
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// TestLargeCheckpointsGetAFile: and small ones none. The file goes when the journal has lost its last block.
func TestLargeCheckpointsGetAFile(t *testing.T) {
	m := newModel(t, 1, Options{Journal: 100, File: 600})
	manyPoints(t, m, 20)
	if names := filesOf(t, m.store); len(names) > 0 {
		t.Errorf("a checkpoint of 20 points has made %v", names)
	}
	manyPoints(t, m, 90)
	if names := filesOf(t, m.store); len(names) != 1 {
		t.Errorf("a checkpoint of 90 points has made %v", names)
	}
	m.crash()
	m.check()
	for range 10 {
		manyPoints(t, m, 20)
	}
	if names := filesOf(t, m.store); len(names) > 0 {
		t.Errorf("the journal has lost its block, and left %v", names)
	}
}

// TestFileWithoutABlockIsRemoved: a process died between the file and the transaction that would have named it.
func TestFileWithoutABlockIsRemoved(t *testing.T) {
	m := newModel(t, 1, Options{File: 1})
	manyPoints(t, m, 20)
	named := filesOf(t, m.store)
	for _, slot := range []uint32{m.p.slot, m.p.slot + 7} { // of a partition, and of none
		if err := os.WriteFile(m.store.fileName(slot, blocksFile, 1000), []byte("half a block"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m.crash()
	m.check()
	m.p.Close()
	if err := m.store.Close(); err != nil { // waits for what is purged
		t.Fatal(err)
	}
	if names := filesOf(t, m.store); len(names) != len(named) {
		t.Errorf("the journal has the files %v, want %v", names, named)
	}
	m.open()
	m.goBack()
	manyPoints(t, m, 20)
	m.crash()
	m.check()
}

// TestFailedCheckpointLeavesNoFile: the disk would fill up with one for each attempt.
func TestFailedCheckpointLeavesNoFile(t *testing.T) {
	broken := errors.New("input/output error")
	failing := false
	writes := 0
	m := newModel(t, 1, Options{File: 1, BeforeWrite: func() error {
		if writes++; failing && writes%2 == 0 { // the file is written, and the transaction is not
			return broken
		}
		return nil
	}})
	manyPoints(t, m, 20)
	before := len(filesOf(t, m.store))
	failing, writes = true, 0
	for range 20 {
		m.observe()
	}
	for range 3 {
		if err := m.checkpoint(); !errors.Is(err, broken) {
			t.Fatal(err)
		}
		if names := filesOf(t, m.store); len(names) != before {
			t.Errorf("the journal has the files %v, want %d", names, before)
		}
	}
	failing = false
	manyPoints(t, m, 20)
	m.crash()
	m.check()
}

// TestReaderKeepsTheFiles: it sees the blocks of a moment, which the owner trims meanwhile.
func TestReaderKeepsTheFiles(t *testing.T) {
	m := newModel(t, 1, Options{Journal: 30, File: 1})
	manyPoints(t, m, 20)
	before := m.offset
	found, err := m.store.reading("d", 0, func(txn *badger.Txn, p *Partition) error {
		manyPoints(t, m, 40)
		again := &Partition{store: m.store, head: m.p.head}
		if _, err := again.read(txn); err != nil {
			return err
		}
		if p.stored.Offset != before || again.stored.Offset != before {
			t.Errorf("they are of the offsets %d and %d, want %d", p.stored.Offset, again.stored.Offset, before)
		}
		return nil
	})
	if !found || err != nil {
		t.Errorf("found %t, %v", found, err)
	}
	m.onlyNamedFiles()
}

// TestExportBesideTheOwnersCheckpoints reads all the time while files come and go.
func TestExportBesideTheOwnersCheckpoints(t *testing.T) {
	m := newModel(t, 1, Options{Journal: 30, File: 1})
	manyPoints(t, m, 40)
	m.readBeside(func(*badger.Txn, *Partition) error { return nil }, func() {
		for range 300 {
			manyPoints(t, m, 40)
		}
	})
}

// readBeside reads the partition again and again while its owner works.
func (m *model) readBeside(read func(*badger.Txn, *Partition) error, work func()) {
	m.t.Helper()
	m.readers = true
	over, result := make(chan struct{}), make(chan error, 1)
	times := 0
	go func() {
		for {
			select {
			case <-over:
				result <- nil
				return
			default:
			}
			if _, err := m.store.reading("d", 0, read); err != nil {
				result <- err
				return
			}
			times++
		}
	}()
	work()
	close(over)
	if err := <-result; err != nil {
		m.t.Error(err)
	}
	m.readers = false
	m.onlyNamedFiles()
	if times == 0 {
		m.t.Error("nothing was read")
	}
}

// TestMissingFileIsDamage: the partition is rebuilt, and the others are not.
func TestMissingFileIsDamage(t *testing.T) {
	for name, spoil := range map[string]func(file string) error{
		"missing": os.Remove,
		"short":   func(file string) error { return os.Truncate(file, 30) },
		"empty":   func(file string) error { return os.Truncate(file, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			m := newModel(t, 1, Options{File: 1})
			manyPoints(t, m, 20)
			m.p.Close()
			if err := m.store.Close(); err != nil {
				t.Fatal(err)
			}
			if err := spoil(m.store.journal() + "/" + filesOf(t, m.store)[0]); err != nil {
				t.Fatal(err)
			}
			stopping := m.options
			stopping.StopOnDamage = true
			store := openState(t, m.dir, stopping)
			if _, err := store.Partition("d", 0); !errors.Is(err, ErrCorrupt) || !errors.Is(err, ErrStop) {
				t.Errorf("with on_damage = stop: %v", err)
			}
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			m.open()
			if head, stored := m.p.Head(); stored {
				t.Errorf("the partition has the head %+v", head)
			}
			m.damagedSlotGoes()
		})
	}
}

// damagedSlotGoes fails unless the files of a partition that was damaged at its opening go once its new state is stored.
func (m *model) damagedSlotGoes() {
	m.t.Helper()
	damaged := m.p.damaged.slot
	m.goBack()
	manyPoints(m.t, m, 20)
	m.p.Close()
	if err := m.store.Close(); err != nil { // waits until the files are removed
		m.t.Fatal(err)
	}
	for _, name := range filesOf(m.t, m.store) {
		if strings.HasPrefix(name, fmt.Sprint(damaged, "-")) {
			m.t.Errorf("%s of the damaged state is left", name)
		}
	}
}

// TestPlaceOfABlock is part of the format.
func TestPlaceOfABlock(t *testing.T) {
	for _, p := range []place{{1, 0, 5}, {1 << 40, 1 << 33, longestBlock}} {
		if got, err := placeOf(encodePlace(p), longestBlock); err != nil || got != p {
			t.Errorf("%+v, %v; want %+v", got, err, p)
		}
	}
	for _, p := range []place{{0, 0, 5}, {1, 0, longestBlock + 1}, {1, 1 << 63, 5}} {
		if got, err := placeOf(encodePlace(p), longestBlock); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%+v, %v; want ErrCorrupt", got, err)
		}
	}
	if got, err := placeOf(appendBlock(nil, []entry{{1, Point{2, 3}}}), longestBlock); err != nil || got != (place{}) {
		t.Errorf("the place of a block in the database is %+v, %v", got, err)
	}
}

// TestFileStaysWhileABlockIsLeft: a file has several blocks if a checkpoint has more points than a block.
func TestFileStaysWhileABlockIsLeft(t *testing.T) {
	p := &Partition{}
	for _, file := range []uint64{1, 1, 0, 2, 3, 3} {
		p.blocks = append(p.blocks, block{file: file})
	}
	for trimmed, want := range [][]uint64{nil, nil, {1}, {1}, {1, 2}, {1, 2}, {1, 2, 3}, {1, 2, 3}} { // the last one trims blocks of the plan, too
		if got := p.filesBefore(trimmed); !slices.Equal(got, want) {
			t.Errorf("%d blocks are trimmed, and the files %v go, want %v", trimmed, got, want)
		}
	}
}

// TestHeadSaysThatBlocksAreInFiles, also the one that is written again when all pages of last seen are stored.
func TestHeadSaysThatBlocksAreInFiles(t *testing.T) {
	m := newModel(t, 1, Options{File: 1, Seen: true})
	manyPoints(t, m, 20)
	err := m.store.view(func(txn *badger.Txn) error {
		r, err := readHead(txn, m.p.head)
		if err == nil && (!r.files || !r.seen) {
			t.Errorf("the head is %+v", r)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestEvictionWithEachPointWritesAFewTimesThePoints, and not the last chunk each time.
func TestEvictionWithEachPointWritesAFewTimesThePoints(t *testing.T) {
	m := newModel(t, 1, Options{})
	const key, points = "64500,1", 200
	written := 0
	for range points {
		m.at += 1000
		m.observeAt(key, m.at)
		plan, err := m.checkpointOf([]*Entity{m.cached[key]})
		if err != nil {
			t.Fatal(err)
		}
		written += len(plan.points)
	}
	m.load(key)
	if written > 4*points {
		t.Errorf("%d points are written for %d", written, points)
	}
}
