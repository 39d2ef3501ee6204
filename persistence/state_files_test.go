package persistence

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/dgraph-io/badger/v4"
)

// namedFiles are how many stored states each file has.
func (m *model) namedFiles() map[uint64]int {
	m.t.Helper()
	states, _, err := (&Plan{store: m.store, slot: m.p.slot}).filedStates()
	if err != nil {
		m.t.Fatal(err)
	}
	named := make(map[uint64]int)
	for _, s := range states {
		named[s.file]++
	}
	return named
}

// stateFilesOf are the names of the files of states.
func (m *model) stateFilesOf() (names []string) {
	m.t.Helper()
	for _, name := range filesOf(m.t, m.store) {
		if filepath.Ext(name) == string(statesFile) {
			names = append(names, name)
		}
	}
	return names
}

// stateEach gives each of some entities a point, and stores their states at once.
func (m *model) stateEach(from, to int) *Plan {
	m.t.Helper()
	var all []*Entity
	for i := from; i < to; i++ {
		m.at += hours / 100
		m.observeAt(keyFor(i), m.at)
		all = append(all, m.cached[keyFor(i)])
	}
	plan, err := m.checkpointOf(all)
	if err != nil {
		m.t.Fatal(err)
	}
	return plan
}

// TestLargeCheckpointsPutStatesInAFile: and small ones do not. The file goes when none of its states counts any more.
func TestLargeCheckpointsPutStatesInAFile(t *testing.T) {
	m := newModelOf(t, 1, Options{File: 300, Period: 1}, true)
	m.stateEach(0, 2)
	if names := m.stateFilesOf(); len(names) > 0 {
		t.Fatalf("two states have made %v", names)
	}
	m.stateEach(0, 40)
	if named := m.namedFiles(); len(named) != 1 || len(m.stateFilesOf()) != 1 {
		t.Fatalf("forty states are in %v, and there are %v", named, m.stateFilesOf())
	}
	first := m.stateFilesOf()[0]
	m.check()
	m.crash()
	m.check()
	m.stateEach(0, 40)
	m.stateEach(0, 1) // the owner might have read from the first file until now
	if names := m.stateFilesOf(); len(names) != 1 || names[0] == first {
		t.Errorf("all states were written again, and there are %v; the first file was %s", names, first)
	}
	m.check()
	m.crash()
	m.check()
}

// TestHeadSaysThatStatesAreInFiles before there are any, so that an older version refuses them.
func TestHeadSaysThatStatesAreInFiles(t *testing.T) {
	m := newModelOf(t, 1, Options{File: 300, Period: 1}, true)
	says := func(want bool) {
		t.Helper()
		err := m.store.view(func(txn *badger.Txn) error {
			r, err := readHead(txn, m.p.head)
			if err == nil && r.filedStates != want {
				t.Errorf("the head is %+v", r)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	m.stateEach(0, 2)
	says(false)
	m.stateEach(0, 40)
	says(true)
	m.stateEach(0, 2)
	says(true)
}

// TestSparseFileIsCopied: a few of its states count, and would keep it for as long as their entities have no new ones.
func TestSparseFileIsCopied(t *testing.T) {
	m := newModelOf(t, 1, Options{File: 300, Period: 1}, true)
	m.stateEach(0, 40)
	first := m.stateFilesOf()[0]
	for range 3 {
		m.stateEach(8, 40)
	}
	if names := m.stateFilesOf(); slices.Contains(names, first) {
		t.Errorf("of 40 states 8 count, and there is still %s of %v", first, names)
	}
	m.check()
	m.crash()
	m.check()
	m.onlyNamedFiles()
}

// TestStatesInFilesTakeAFewTimesWhatCounts, whatever part of them is replaced, and however it is stored.
func TestStatesInFilesTakeAFewTimesWhatCounts(t *testing.T) {
	copied, replaced := 0, 0
	for seed := range uint64(4) {
		m := newModelOf(t, seed, Options{File: 300, Period: 1}, true)
		for range 100 {
			from := m.random.IntN(60)
			plan := m.stateEach(from, from+1+m.random.IntN(60-from))
			if plan.filing.surveyed && len(plan.filing.made) > 1 {
				copied++
			}
			if len(plan.filing.found) > 0 {
				replaced++
			}
			size := int64(0)
			for _, bytes := range m.p.stateFiles.sizes {
				size += bytes
			}
			// A survey leaves only files of which half counts, and comes before half as much is written.
			known := &m.p.stateFiles
			if most := 2*known.all + known.written + int64(len(known.sizes)); size > most {
				t.Fatalf("the files have %d bytes, want at most %d: %+v", size, most, known)
			}
			const headers = 20 * 60 // a file has a little more than the states that were counted before it was written
			if least := max(300, known.all/2) + headers; known.written >= least && len(known.sizes) > 0 {
				t.Fatalf("%d bytes were written without a survey, and all states have %d", known.written, known.all)
			}
			m.onlyNamedFiles()
		}
		m.check()
		m.crash()
		m.check()
		if len(m.namedFiles()) == 0 {
			t.Error("no state is in a file")
		}
	}
	if copied == 0 || replaced == 0 {
		t.Errorf("%d surveys copied states, and %d found dead files", copied, replaced)
	}
}

// TestFailedStatesLeaveNoFile: the disk would fill up with one for each attempt.
func TestFailedStatesLeaveNoFile(t *testing.T) {
	broken := errors.New("input/output error")
	left, writes := -1, 0 // how many writes succeed; below 0: all
	m := newModelOf(t, 1, Options{File: 300, Period: 1, Split: 50, BeforeWrite: func() error {
		writes++
		if left == 0 {
			return broken
		}
		left--
		return nil
	}}, true)
	m.stateEach(0, 40)
	before := m.stateFilesOf()
	for succeed := 0; ; succeed++ { // of a whole checkpoint: each write fails once
		for i := range 40 {
			m.at += hours / 100
			m.observeAt(keyFor(i), m.at)
		}
		left, writes = succeed, 0
		_, err := m.checkpointOf(slices.Collect(maps.Values(m.cached)))
		left = -1
		if err == nil {
			if succeed < 4 {
				t.Errorf("a checkpoint had %d writes", writes)
			}
			break
		}
		if !errors.Is(err, broken) {
			t.Fatal(err)
		}
		m.onlyNamedFiles()
		if names := m.stateFilesOf(); len(names) > len(before)+1 {
			t.Errorf("after a write that failed there are %v, before it %v", names, before)
		}
		m.crash()
		m.check()
		m.goBack()
	}
	m.check()
	m.crash()
	m.check()
}

// TestFileOfStatesWithoutAStateIsRemoved: a process died between the file and the transaction that would have named it.
func TestFileOfStatesWithoutAStateIsRemoved(t *testing.T) {
	m := newModelOf(t, 1, Options{File: 300, Period: 1}, true)
	m.stateEach(0, 40)
	if err := os.WriteFile(m.store.fileName(m.p.slot, statesFile, 1000), bytes.Repeat([]byte("half a state"), 10), 0o600); err != nil {
		t.Fatal(err)
	}
	m.crash()
	m.check()
	m.stateEach(0, 40)
	m.stateEach(0, 1)
	if names := m.stateFilesOf(); len(names) != 1 {
		t.Errorf("there are %v", names)
	}
	m.onlyNamedFiles()
}

// TestResetLeavesNoFileOfStates, once the store has ended what it does in the background.
func TestResetLeavesNoFileOfStates(t *testing.T) {
	m := newModelOf(t, 1, Options{File: 300, Period: 1}, true)
	m.stateEach(0, 40)
	m.p.Reset()
	m.windows, m.before, m.cached = make(map[string][]Point), make(map[string][]Point), make(map[string]*Entity)
	m.stateEach(0, 1)
	m.p.Close()
	if err := m.store.Close(); err != nil {
		t.Fatal(err)
	}
	if names := m.stateFilesOf(); len(names) > 0 {
		t.Errorf("there are %v", names)
	}
}

// TestReaderOfStatesBesideTheOwner reads all windows while files come and go.
func TestReaderOfStatesBesideTheOwner(t *testing.T) {
	m := newModelOf(t, 1, Options{File: 300, Period: 1}, true)
	m.readers = true
	m.stateEach(0, 40)
	over, result := make(chan struct{}), make(chan error, 1)
	read := 0
	go func() {
		for {
			select {
			case <-over:
				result <- nil
				return
			default:
			}
			_, err := m.store.reading("d", 0, func(txn *badger.Txn, p *Partition) error {
				return p.eachWindow(txn, func(*storedEntity) error { return nil })
			})
			if err != nil {
				result <- err
				return
			}
			read++
		}
	}()
	for range 100 {
		m.stateEach(0, 40)
	}
	close(over)
	if err := <-result; err != nil {
		t.Error(err)
	}
	m.readers = false
	m.onlyNamedFiles()
	if read == 0 {
		t.Error("nothing was read")
	}
}

// TestOwnersViewOutlivesAPlan: the owner looks at an entity while states move, and looks again after it.
func TestOwnersViewOutlivesAPlan(t *testing.T) {
	m := newModelOf(t, 1, Options{File: 300, Period: 1}, true)
	m.stateEach(0, 40)
	peek := func() {
		t.Helper()
		for i := range 8 {
			state, points, err := m.p.PeekState(keyFor(i))
			if err != nil {
				t.Fatal(err)
			}
			m.same(keyFor(i), m.whole(state, points))
		}
	}
	for range 6 {
		for i := 8; i < 40; i++ {
			m.at += hours / 100
			m.observeAt(keyFor(i), m.at)
		}
		m.commit()
		var evicted []*Entity
		for _, e := range m.cached {
			evicted = append(evicted, e)
		}
		plan := m.p.Plan(m.storedHead(), evicted)
		m.fill(plan)
		m.p.endView()
		if _, _, err := m.p.PeekState("none"); err != nil { // it begins a view, which opens no file yet
			t.Fatal(err)
		}
		err := plan.Write()
		peek() // states were copied, and the view is of before
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range m.p.Settle(plan, err) {
			delete(m.cached, e.Key())
		}
	}
	peek()
	m.onlyNamedFiles()
}

// TestMissingStatesAreDamage: what is wrong is noticed when an entity is loaded.
func TestMissingStatesAreDamage(t *testing.T) {
	flip := func(file string) error {
		content, err := os.ReadFile(file)
		if err == nil {
			content[len(content)/2] ^= 1
			err = os.WriteFile(file, content, 0o600)
		}
		return err
	}
	for name, spoil := range map[string]func(file string) error{
		"missing": os.Remove,
		"short":   func(file string) error { return os.Truncate(file, 30) },
		"changed": flip,
	} {
		t.Run(name, func(t *testing.T) {
			m := newModelOf(t, 1, Options{File: 300, Period: 1}, true)
			m.stateEach(0, 40)
			m.p.Close()
			if err := m.store.Close(); err != nil {
				t.Fatal(err)
			}
			if err := spoil(filepath.Join(m.store.journal(), m.stateFilesOf()[0])); err != nil {
				t.Fatal(err)
			}
			m.open()
			damaged := 0
			for i := range 40 {
				_, state, points, _, err := m.p.LoadState(keyFor(i))
				if err == nil {
					m.same(keyFor(i), m.whole(state, points))
				} else if damaged++; !errors.Is(err, ErrCorrupt) {
					t.Error(err)
				}
			}
			if damaged == 0 {
				t.Error("all states could be loaded")
			}
		})
	}
}
