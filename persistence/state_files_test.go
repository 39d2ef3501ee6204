package persistence

import (
	"bytes"
	"errors"
	"io"
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
	named := make(map[uint64]int)
	err := (&Plan{store: m.store, slot: m.p.slot}).eachState(func(_ uint32, p place, _ int64) {
		if p.file != 0 {
			named[p.file]++
		}
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return named
}

// stateFileNames are the names of the files of states.
func (m *model) stateFileNames() (names []string) {
	m.t.Helper()
	for _, name := range filesOf(m.t, m.store) {
		if filepath.Ext(name) == string(statesFile) {
			names = append(names, name)
		}
	}
	return names
}

// observeEach gives each of some entities a point, and returns them.
func (m *model) observeEach(from, to int) (all []*Entity) {
	m.t.Helper()
	for i := from; i < to; i++ {
		m.at += hours / 100
		m.observeAt(keyFor(i), m.at)
		all = append(all, m.cached[keyFor(i)])
	}
	return all
}

// stateEach gives each of some entities a point, and stores their states at once.
func (m *model) stateEach(from, to int) *Plan {
	m.t.Helper()
	all := m.observeEach(from, to)
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
	if names := m.stateFileNames(); len(names) > 0 {
		t.Fatalf("two states have made %v", names)
	}
	m.stateEach(0, 40)
	if named := m.namedFiles(); len(named) != 1 || len(m.stateFileNames()) != 1 {
		t.Fatalf("forty states are in %v, and there are %v", named, m.stateFileNames())
	}
	first := m.stateFileNames()[0]
	m.check()
	m.crash()
	m.check()
	m.stateEach(0, 40)
	m.stateEach(0, 1) // the owner might have read from the first file until now
	if names := m.stateFileNames(); len(names) != 1 || names[0] == first {
		t.Errorf("all states were written again, and there are %v; the first file was %s", names, first)
	}
	m.check()
	m.crash()
	m.check()
}

// TestEntitiesAreSealedInTurn: those whose points come together would else all be sealed by the same checkpoint. Turns write about as many states as that, whether
// an entity's period is shorter or longer than what the journal has of it.
func TestEntitiesAreSealedInTurn(t *testing.T) {
	const entities, bins, journals = 70, 20, 8
	for _, period := range []int{8, 64} {
		together, most := sealedStates(t, Options{Journal: entities * bins, Period: period, Turns: entities + 1}, entities, journals*bins)
		if together < entities || most < entities/2 {
			t.Errorf("period %d: without turns there are %d states, and up to %d in a checkpoint", period, together, most)
		}
		inTurn, most := sealedStates(t, Options{Journal: entities * bins, Period: period, Turns: 1}, entities, journals*bins)
		if inTurn < together*3/4 || inTurn > together*5/4 || most > entities/8 {
			t.Errorf("period %d: with turns there are %d states, and up to %d in a checkpoint; without them there are %d", period, inTurn, most, together)
		}
	}
}

// sealedStates gives each of some entities a point, and stores that, often. It returns how many states that wrote, and the most in one checkpoint, without those
// of the first quarter.
func sealedStates(t *testing.T, options Options, entities, checkpoints int) (states, most int) {
	m := newModelOf(t, 1, options, true)
	m.knows = true
	for i := range checkpoints {
		before := m.stated
		m.observeEach(0, entities)
		if _, err := m.checkpointOf(nil); err != nil {
			t.Fatal(err)
		}
		if i >= checkpoints/4 {
			states, most = states+m.stated-before, max(most, m.stated-before)
		}
	}
	m.check()
	m.crash()
	m.check()
	return states, most
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
	first := m.stateFileNames()[0]
	for range 3 {
		m.stateEach(8, 40)
	}
	if names := m.stateFileNames(); slices.Contains(names, first) {
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
			m.filesTakeAtMost(0)
			known := &m.p.stateFiles
			const headers = 20 * 60 // a file has a little more than the states that were counted before it was written
			if least := max(300, known.total.bytes/2) + headers; known.written >= least && len(known.sizes) > 0 {
				t.Fatalf("%d bytes were written without a survey, and all states have %d", known.written, known.total.bytes)
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
	before := m.stateFileNames()
	for succeed := 0; ; succeed++ { // of a whole checkpoint: each write fails once
		m.observeEach(0, 40)
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
		if names := m.stateFileNames(); len(names) > len(before)+1 {
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
	if names := m.stateFileNames(); len(names) != 1 {
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
	if names := m.stateFileNames(); len(names) > 0 {
		t.Errorf("there are %v", names)
	}
}

// TestReaderOfStatesBesideTheOwner reads all windows while files come and go.
func TestReaderOfStatesBesideTheOwner(t *testing.T) {
	m := newModelOf(t, 1, Options{File: 300, Period: 1}, true)
	m.stateEach(0, 40)
	m.readBeside(func(txn *badger.Txn, p *Partition) error {
		return p.eachWindow(txn, func(*storedEntity) error { return nil })
	}, func() {
		for range 100 {
			m.stateEach(0, 40)
		}
	})
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
		all := m.observeEach(8, 40)
		m.commit()
		plan := m.p.Plan(m.storedHead(), all)
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
			if err := spoil(filepath.Join(m.store.journal(), m.stateFileNames()[0])); err != nil {
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

// TestSurveyThatFailsIsMadeUpFor: the checkpoint counts, no file is lost or left, and a later survey goes on.
func TestSurveyThatFailsIsMadeUpFor(t *testing.T) {
	broken := errors.New("input/output error")
	for fails := 1; ; fails++ { // the survey's first write, its second, ...
		left := -1
		m := newModelOf(t, 1, Options{File: 300, Period: 1, Split: 5, BeforeWrite: func() error {
			if left == 0 {
				return broken
			}
			left--
			return nil
		}}, true)
		m.stateEach(0, 40)
		all := m.observeEach(16, 40)
		m.commit()
		m.stored[m.offset] = maps.Clone(m.windows)
		plan := m.p.Plan(m.storedHead(), all)
		m.fill(plan)
		if !plan.filing.due {
			t.Fatal("the checkpoint makes no survey")
		}
		due := plan.filing
		plan.filing.due = false
		if err := plan.Write(); err != nil {
			t.Fatal(err)
		}
		plan.filing.due = true
		left = fails - 1
		plan.surveyStates()
		failed := left == 0
		left = -1
		if !failed && fails < 4 {
			t.Errorf("a survey had %d writes", fails-1)
		}
		for _, e := range m.p.Settle(plan, nil) {
			delete(m.cached, e.Key())
		}
		if m.p.stateFiles.written >= due.states {
			t.Error("after a survey that failed the next checkpoint would make one, too")
		}
		m.onlyNamedFiles()
		m.check()
		m.stateEach(16, 40)
		m.stateEach(16, 40)
		m.stateEach(0, 1)
		m.onlyNamedFiles()
		if names := m.stateFileNames(); len(names) > 3 {
			t.Errorf("there are %v", names)
		}
		m.crash()
		m.check()
		if !failed {
			return
		}
	}
}

// filesTakeAtMost fails if files of states take more than they may, and some bytes besides: a survey leaves only files of which half
// counts, and comes before half as much is written.
func (m *model) filesTakeAtMost(besides int64) {
	m.t.Helper()
	size, known := int64(0), &m.p.stateFiles
	for _, bytes := range known.sizes {
		size += bytes
	}
	if most := 2*known.total.bytes + known.written + int64(len(known.sizes)) + besides; size > most {
		m.t.Fatalf("the files have %d bytes, want at most %d: %+v", size, most, known)
	}
}

// TestDamagedStateKeepsItsFileAlone: it cannot be copied. Its entity may be silent for weeks, and the other files go meanwhile, dead or sparse.
func TestDamagedStateKeepsItsFileAlone(t *testing.T) {
	m := newModelOf(t, 1, Options{File: 300, Period: 1}, true)
	m.stateEach(0, 40)
	first := filepath.Join(m.store.journal(), m.stateFileNames()[0])
	content, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	content[20] ^= 1 // of the state that is stored first
	if err := os.WriteFile(first, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		from := 1 + m.random.IntN(59) // not the first one
		m.stateEach(from, from+1+m.random.IntN(60-from))
		m.filesTakeAtMost(int64(len(content)))
		if names := m.stateFileNames(); !slices.Contains(names, filepath.Base(first)) {
			t.Fatalf("there are %v, and the damaged one is %s", names, filepath.Base(first))
		}
	}
	m.onlyNamedFiles()
}

// TestFilesGoWhenNoReaderNeedsThem, although there is always one.
func TestFilesGoWhenNoReaderNeedsThem(t *testing.T) {
	m := newModelOf(t, 1, Options{File: 300, Period: 1}, true)
	most := 0
	letGo := m.store.keepFiles()
	for range 20 {
		m.stateEach(0, 40)
		most = max(most, len(m.stateFileNames()))
		next := m.store.keepFiles()
		letGo()
		letGo = next
	}
	letGo()
	if most < 2 || most > 4 {
		t.Errorf("there were up to %d files", most)
	}
	if len(m.store.kept) > 0 || len(m.store.keeping) > 0 {
		t.Errorf("%v are kept for %v", m.store.kept, m.store.keeping)
	}
	m.onlyNamedFiles()
}

// TestRemovedStatesAreNotKeptForEver: nothing is written in their place.
func TestRemovedStatesAreNotKeptForEver(t *testing.T) {
	m := newModelOf(t, 1, Options{File: 300, Period: 1}, true)
	m.stateEach(0, 60)
	m.stateEach(0, 60) // its survey knows how many states there are
	for i := 1; i < 60; i++ {
		e := m.load(keyFor(i))
		m.p.Remove(e)
		m.gone[keyFor(i)] = true
		delete(m.cached, keyFor(i))
		delete(m.windows, keyFor(i))
	}
	for range 3 {
		m.stateEach(0, 1)
	}
	size := int64(0)
	for _, bytes := range m.p.stateFiles.sizes {
		size += bytes
	}
	if known := m.p.stateFiles; known.total.number != 1 || size > 2*known.total.bytes {
		t.Errorf("one state is left, and the files have %d bytes: %+v", size, known)
	}
	m.onlyNamedFiles()
	m.crash()
	m.check()
}

// TestFileIsNotWrittenIntoAFullDisk: a large one is not begun because there was room for its first part.
func TestFileIsNotWrittenIntoAFullDisk(t *testing.T) {
	asked := 0
	store := openState(t, quickDir(t), Options{Floor: 100 << 20, Free: func() (uint64, error) {
		if asked++; asked > 4 {
			return 99 << 20, nil
		}
		return 1 << 40, nil
	}})
	asked = 0
	name := store.fileName(7, statesFile, 1)
	err := store.writeFile(name, func(w io.Writer) error {
		_, err := w.Write(make([]byte, 20*filedAtOnce))
		return err
	})
	if !errors.Is(err, ErrNoSpace) || asked != 5 {
		t.Errorf("%v, and the disk was asked %d times", err, asked)
	}
	if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a part of the file is left: %v", err)
	}
	asked = 0 // there is room when the store closes
}

// TestWhenEntitiesWereSeenIsReadFromFiles of a directory that was written without Options.Seen.
func TestWhenEntitiesWereSeenIsReadFromFiles(t *testing.T) {
	m := newModelOf(t, 1, Options{File: 300, Period: 1, Journal: 1}, true)
	m.stateEach(0, 40)
	bytes := func() int64 {
		t.Helper()
		all, err := m.store.Summaries()
		if err != nil || len(all) != 1 || all[0].Err != nil {
			t.Fatal(all, err)
		}
		return all[0].Bytes
	}
	if known := m.p.stateFiles; len(known.sizes) != 1 || bytes() < known.total.bytes {
		t.Errorf("the summary counts %d bytes: %+v", bytes(), known)
	}
	m.options.Seen = true
	m.crash()
	for i := range 40 {
		key := keyFor(i)
		if at, ok := m.p.LastSeen(m.load(key)); !ok || at != newestOf(m.windows[key])/1000*1000 {
			t.Errorf("%s was seen at %d, %t, want %d", key, at, ok, newestOf(m.windows[key]))
		}
	}
}
