package persistence

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// model is a partition, and beside it what its windows should be: as they are in
// memory, as they were at the last commit, and as each head that was stored has
// them.
type model struct {
	t        *testing.T
	random   *rand.Rand
	dir      string
	options  Options
	plain    bool // no window has an outline
	outlined int  // how many loads gave an outline
	readers  bool // others may keep files, and remove them at any time
	states   bool // entities have states: they lose no point, and the state of one is all of its points
	stated   int  // how many states were asked for
	knows    bool // the owner knows all points that it is asked for
	store    *Store
	p        *Partition

	cached  map[string]*Entity
	asleep  map[*Entity][]Point // what Load returned of some of them, and Reload has to
	gone    map[string]bool     // removed at least once
	windows map[string][]Point
	before  map[string][]Point           // at the last commit
	stored  map[int64]map[string][]Point // by the head's offset
	at      int64                        // stream time
	points  int64                        // observed
	offset  int64                        // committed
}

func newModel(t *testing.T, seed uint64, o Options) *model { return newModelOf(t, seed, o, false) }

func newModelOf(t *testing.T, seed uint64, o Options, states bool) *model {
	o.Outline = 1 // windows are short
	m := &model{t: t, states: states, gone: make(map[string]bool), random: rand.New(rand.NewPCG(seed, 1)), dir: quickDir(t), options: o, at: 1_600_000_000_000,
		windows: make(map[string][]Point), before: make(map[string][]Point), stored: make(map[int64]map[string][]Point)}
	m.open()
	return m
}

func (m *model) open() {
	m.t.Helper()
	m.store = openState(m.t, m.dir, m.options)
	p, err := m.store.Partition("d", 0)
	if err != nil {
		m.t.Fatal(err)
	}
	m.p, m.cached, m.asleep = p, make(map[string]*Entity), make(map[*Entity][]Point)
}

// observe gives an entity a point.
func (m *model) observe() {
	m.t.Helper()
	m.observeKey(keyFor(m.random.IntN(12)))
}

func keyFor(i int) string { return fmt.Sprintf("64500,%d", i) }

func (m *model) observeKey(key string) {
	m.t.Helper()
	m.at += m.random.Int64N(hours / 20)
	at := m.at - int64(m.random.IntN(8)/7)*hours // now and then a late record
	m.observeAt(key, at)
}

// observeAt gives an entity a point of a certain time.
func (m *model) observeAt(key string, at int64) {
	m.t.Helper()
	e := m.load(key)
	m.points++
	m.windows[key] = m.window(append(slices.Clone(m.windows[key]), Point{at, float64(m.points)}))
	m.p.Append(e, at, float64(m.points))
}

// window leaves out the points that an entity has lost.
func (m *model) window(points []Point) []Point {
	if m.states {
		return points
	}
	return window(points, 2*hours)
}

// whole is the window of an entity with this state and these points after it.
func (m *model) whole(state State, points []Point) []Point {
	m.t.Helper()
	if state.Bytes == nil {
		return m.window(points)
	}
	r := &reader{rest: state.Bytes}
	before := r.points(false)
	if err := r.end("state"); err != nil || !m.states || state.Newest != newestOf(before) {
		m.t.Fatalf("the state has %v, newest %d: %v", before, state.Newest, err)
	}
	return append(before, points...)
}

// stateOf is the StateOf of the model's windows.
func (m *model) stateOf(e *Entity, to []byte) ([]byte, int64) {
	m.stated++
	w := m.windows[e.Key()]
	return appendPoints(to, w), newestOf(w)
}

// outline is the OutlineOf of the model's windows: all points, and of some windows there is none.
func (m *model) outline(e *Entity, to []byte) []byte {
	w := m.windows[e.Key()]
	if newestOf(w) != w[len(w)-1].At || m.random.IntN(8) == 0 {
		return to
	}
	return appendPoints(to, w)
}

// fill fills a plan.
func (m *model) fill(plan *Plan) {
	if m.states {
		plan.FillStates(func(e *Entity, n int) ([]Point, int) {
			if !m.knows && m.random.IntN(4) == 0 {
				n = 0 // the owner does not know them any more
			}
			return m.tail(e, n)
		}, m.stateOf)
		return
	}
	outline := m.outline
	if m.plain || m.random.IntN(4) == 0 {
		outline = nil
	}
	plan.Fill(m.tail, outline)
}

// load makes an entity cached: what is stored of it must be its window.
func (m *model) load(key string) *Entity {
	m.t.Helper()
	if e := m.cached[key]; e != nil {
		return e
	}
	if !m.states && m.random.IntN(2) == 0 {
		return m.loadOutline(key)
	}
	e, state, points, _, err := m.p.LoadState(key)
	if err != nil {
		m.t.Fatal(err)
	}
	got := m.whole(state, points)
	m.same(key, got)
	if m.states && len(got) > len(m.windows[key]) { // it is there again: the owner's state has these points, and goes on from them
		got = slices.Clone(got) // the next Load overwrites it
		m.windows[key], m.before[key] = got, got
	}
	m.cached[key] = e
	if !m.states && m.random.IntN(2) == 0 {
		m.asleep[e] = slices.Clone(points)
	} else {
		m.p.Loaded(e)
	}
	return e
}

// loadOutline is load with an outline in the place of points, if there is one.
func (m *model) loadOutline(key string) *Entity {
	m.t.Helper()
	e, w, known, err := m.p.LoadOutline(key)
	if err != nil {
		m.t.Fatal(err)
	}
	var before []Point
	if w.Outline != nil {
		m.outlined++
		r := &reader{rest: w.Outline}
		before = r.points(false)
		if err := r.end("outline"); err != nil {
			m.t.Fatal(err)
		}
	}
	whole := append(before, w.Points...)
	got := m.window(whole)
	m.same(key, got)
	if known && w.Newest != newestOf(whole) {
		m.t.Fatalf("the newest time of entity %s is %d, of %v", key, w.Newest, whole)
	}
	m.cached[key], m.asleep[e] = e, slices.Clone(got)
	return e
}

// wake loads an entity again whose points its owner does not have.
func (m *model) wake(e *Entity) {
	m.t.Helper()
	want, asleep := m.asleep[e]
	if !asleep {
		return
	}
	delete(m.asleep, e)
	got, err := m.p.Reload(e)
	if err != nil {
		m.t.Fatal(err)
	}
	if !slices.Equal(m.window(got), m.window(want)) {
		m.t.Fatalf("entity %s has %v when it is loaded again, it had %v", e.Key(), got, want)
	}
}

// wakeOne loads one of some entities again.
func (m *model) wakeOne() {
	if e := m.cached[keyFor(m.random.IntN(12))]; e != nil {
		m.wake(e)
	}
}

// same compares the stored window of an entity with its own. A removed entity with a state may be there again after a crash, with the points from
// before its removal.
func (m *model) same(key string, got []Point) {
	m.t.Helper()
	want := m.windows[key]
	if extra := len(got) - len(want); m.states && m.gone[key] && extra > 0 {
		got = got[extra:]
	}
	if len(want) > 0 && !slices.Equal(got, want) {
		m.t.Fatalf("entity %s has %v, want %v", key, got, want)
	}
}

func (m *model) checkpoint() error {
	m.commit()
	m.p.Behind(m.random.IntN(2) == 0)
	_, err := m.checkpointOf(m.some())
	return err
}

// checkpointOf stores the windows, and evicts some entities. The plan is returned as it was written.
func (m *model) checkpointOf(evict []*Entity) (*Plan, error) {
	m.commit()
	m.stored[m.offset] = maps.Clone(m.windows)
	plan := m.p.Plan(m.storedHead(), evict)
	m.fill(plan)
	err := plan.Write()
	for _, e := range m.p.Settle(plan, err) {
		delete(m.cached, e.Key())
	}
	if err == nil {
		m.onlyNamedFiles()
	}
	return plan, err
}

// onlyNamedFiles fails unless the files of the journal are those that its blocks are in, those of states that the partition knows, and those
// that a reader keeps.
func (m *model) onlyNamedFiles() {
	m.t.Helper()
	if m.readers {
		return
	}
	named := m.namedFiles()
	want := m.p.named()
	delete(want, 0)
	for number := range m.p.stateFiles.sizes {
		want[number] = true
	}
	got := make(map[uint64]bool)
	m.store.mu.Lock()
	defer m.store.mu.Unlock()
	for _, f := range m.store.kept {
		want[f.number] = true
	}
	err := m.store.eachFile(func(f journalFile, _ fs.DirEntry) error {
		if f.slot == m.p.slot {
			got[f.number] = true
		}
		return nil
	})
	if err != nil {
		m.t.Fatal(err)
	}
	if !maps.Equal(got, want) {
		m.t.Fatalf("the journal has the files %v, and its blocks and states are in %v", got, want)
	}
	for file := range named {
		if !got[file] {
			m.t.Fatalf("the journal has the files %v, and states are in %v", got, named)
		}
	}
}

func (m *model) commit() {
	m.p.Commit()
	m.before, m.offset = maps.Clone(m.windows), m.points
}

// storedHead is the head of the next checkpoint.
func (m *model) storedHead() Head {
	head := Head{Source: "s", Offset: m.offset, History: 2 * hours, StreamTime: m.at}
	if m.states {
		head.States = "all points"
	}
	return head
}

// some are entities to evict.
func (m *model) some() (evict []*Entity) {
	for _, key := range slices.Sorted(maps.Keys(m.cached)) {
		if m.random.IntN(6) == 0 && len(m.windows[key]) > 0 {
			evict = append(evict, m.cached[key])
		}
	}
	return evict
}

// tail is the Tail of the model's windows.
func (m *model) tail(e *Entity, n int) ([]Point, int) {
	m.wake(e)
	w := m.windows[e.Key()]
	return w[len(w)-min(n, len(w)):], len(w)
}

// rollBack undoes what came since the last commit.
func (m *model) rollBack() {
	m.p.RollBack()
	m.windows, m.points = maps.Clone(m.before), m.offset
}

// remove removes the entities that have had no point for long.
func (m *model) remove() {
	for key, e := range m.cached {
		w := m.windows[key]
		if len(w) > 0 && w[len(w)-1].At < m.at-4*hours {
			m.p.Remove(e)
			m.gone[key] = true
			delete(m.cached, key)
			delete(m.windows, key)
		}
	}
}

// crash ends the process between two transactions. What was not stored is gone.
// (What a killed process leaves of Badger's files is a matter of the simulation.)
func (m *model) crash() {
	m.t.Helper()
	m.p.Close()
	if err := m.store.Close(); err != nil {
		m.t.Fatal(err)
	}
	m.open()
	m.goBack()
}

// goBack makes the windows those of the stored head, which must be one that was
// written.
func (m *model) goBack() {
	m.t.Helper()
	head, _ := m.p.Head()
	stored, known := m.stored[head.Offset]
	if !known && head.Offset != 0 {
		m.t.Fatalf("the stored offset is %d, which no checkpoint had", head.Offset)
	}
	m.windows, m.before = maps.Clone(stored), maps.Clone(stored)
	if m.windows == nil {
		m.windows, m.before = make(map[string][]Point), make(map[string][]Point)
	}
	m.points, m.offset = head.Offset, head.Offset
}

// check loads all entities.
func (m *model) check() {
	m.t.Helper()
	if got, want := m.p.Entities(), len(m.before); got < want {
		m.t.Fatalf("%d entities are stored, want %d", got, want)
	}
	for key := range m.before {
		m.load(key)
	}
	m.onlyNamedFiles()
}

// cases are ways in which checkpoints are written.
var cases = map[string]Options{
	"all at once":              {},
	"a journal of 1":           {Journal: 1},
	"a journal of 40":          {Journal: 40},
	"split, a journal of 1":    {Journal: 1, Split: 1},
	"split by 3, journal of 9": {Journal: 9, Split: 3},
	"ids read early":           {Journal: 9, Index: 1},
	"ids read soon":            {Journal: 1, Index: 3},
	"some in files":            {Journal: 40, File: 200},
	"in files, split by 2":     {Journal: 9, Split: 2, File: 1},
}

// eachCase runs a test in each way in which checkpoints are written, with windows and with states.
func eachCase(t *testing.T, test func(t *testing.T, options Options, states bool)) {
	for name, options := range cases {
		t.Run(name, func(t *testing.T) { test(t, options, false) })
		t.Run(name+", with states", func(t *testing.T) { test(t, options, true) })
		options.Period, options.Turns = 1, 1
		t.Run(name+", with the newest states", func(t *testing.T) { test(t, options, true) })
	}
}

// TestStoredWindowsAreThoseOfTheHead holds whatever happens between checkpoints.
func TestStoredWindowsAreThoseOfTheHead(t *testing.T) {
	eachCase(t, func(t *testing.T, options Options, states bool) {
		outlined := 0
		for seed := range uint64(2) {
			m := newModelOf(t, seed, options, states)
			for range 200 {
				switch m.random.IntN(20) {
				case 0, 1, 2, 3:
					m.remove()
					if err := m.checkpoint(); err != nil {
						t.Fatal(err)
					}
				case 4:
					m.rollBack()
				case 5:
					m.at += m.random.Int64N(6 * hours) // a silence
				case 6:
					if m.random.IntN(3) == 0 {
						m.crash()
						m.check()
					}
				case 7:
					m.wakeOne()
				default:
					for range m.random.IntN(10) {
						m.observe()
					}
				}
			}
			m.crash()
			m.check()
			outlined += m.outlined
		}
		if states == (outlined > 0) {
			t.Errorf("%d loads gave an outline", outlined)
		}
	})
}

// TestFailedWriteLeavesTheOldCheckpointOrTheNew lets the i-th write fail, for every i until
// none fails. The next attempt succeeds.
func TestFailedWriteLeavesTheOldCheckpointOrTheNew(t *testing.T) {
	broken := errors.New("input/output error")
	eachCase(t, func(t *testing.T, options Options, states bool) {
		for failing, failed := 1, true; failed; failing++ {
			left := -1 // writes until one fails
			options.Log = slog.New(slog.DiscardHandler)
			options.BeforeWrite = func() error {
				if left--; left == 0 {
					return broken
				}
				return nil
			}
			m := newModelOf(t, 7, options, states)
			for range 8 {
				for range 30 {
					m.observe()
				}
				m.remove()
				if err := m.checkpoint(); err != nil {
					t.Fatal(err)
				}
			}
			for range 30 {
				m.observe()
			}
			left = failing
			err := m.checkpoint()
			left = -1
			if failed = err != nil; failed && !errors.Is(err, broken) {
				t.Fatal(err)
			}
			if failing%2 == 0 { // the process goes on
				if err := m.checkpoint(); err != nil {
					t.Fatalf("after write %d failed: %v", failing, err)
				}
			}
			m.crash()
			m.check()
			if !failed && failing < 2 {
				t.Fatal("no write ever failed")
			}
		}
	})
}
