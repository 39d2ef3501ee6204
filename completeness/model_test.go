package completeness

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// model is a partition that does everything in the simplest way, and asks a Tracker. It remembers only what it read
// since it last began anew and did not drop.
type model struct {
	testing.TB
	dice    *rand.Rand
	stream  []record
	windows map[int]*partial
	Tracker

	next, committed int // offsets
	atCommit        map[int]*partial
	stored          map[int]*partial // nil: nothing is
	storedOffset    int
	numbers         Stored

	recklessly bool        // it drops entities without asking what to keep
	reloaded   map[int]int // how often records needed older history since the process began
	counts     counts
}

// counts are what must have happened for a test to say anything.
type counts struct{ complete, needOlder, needDropped, dropped, restored, refused int }

// partial is what is known of an entity's window.
type partial struct {
	points  []int
	newest  int64
	settled bool // a point made it complete
}

func newModel(tb testing.TB, dice *rand.Rand, stream []record) *model {
	return &model{TB: tb, dice: dice, stream: stream, Tracker: New(history),
		windows: make(map[int]*partial), atCommit: make(map[int]*partial), reloaded: make(map[int]int)}
}

// copied are the windows as they can be stored: only points and their newest time are.
func (m *model) copied(windows map[int]*partial) map[int]*partial {
	result := make(map[int]*partial)
	for entity, w := range windows {
		c := &partial{points: slices.Clone(w.points), newest: math.MinInt64}
		for _, offset := range c.points {
			c.newest = max(c.newest, m.stream[offset].at)
		}
		result[entity] = c
	}
	return result
}

// see takes a record, and tells whether its window is complete then. One that is not is not changed if it is scored.
func (m *model) see(offset int, scored bool) (complete bool) {
	r := m.stream[offset]
	w, known := m.windows[r.entity]
	if !known {
		m.NewEntity(r.at)
		w = &partial{newest: math.MinInt64}
	}
	if !m.Near(r.at) {
		m.Outlier(r.at, r.entity, len(m.windows)+1)
	}
	if len(w.points) == 0 && m.NeedsDropped(r.at) {
		m.counts.needDropped++
		return false
	}
	w.settled = w.settled || r.at >= m.CompleteFrom()
	if !w.settled && scored {
		return false
	}
	w.points, w.newest = observe(m.stream, w.points, offset), max(w.newest, r.at)
	m.windows[r.entity] = w
	return w.settled
}

// replay brings the windows to an offset: they are built anew if not even that is possible.
func (m *model) replay(until int) {
	for ; m.next < until; m.next++ {
		r := m.stream[m.next]
		if !m.see(m.next, false) && len(m.windowOf(r.entity)) == 0 {
			m.NeedsOlder(int64(m.next), r.at)
			m.rebuild(until)
			return
		}
	}
	m.ready()
}

func (m *model) windowOf(entity int) []int {
	if w := m.windows[entity]; w != nil {
		return w.points
	}
	return nil
}

func (m *model) rebuild(until int) {
	m.BeginAnew()
	clear(m.windows)
	from, complete := replayFrom(m.stream, until, m.NeededFrom())
	m.Replayed(complete)
	for m.next = from; m.next < until; m.next++ {
		m.see(m.next, false)
	}
	m.ready()
}

// assign begins at the offset that is committed, with what is stored if it serves.
func (m *model) assign() {
	m.BeginAnew()
	clear(m.windows)
	if m.stored != nil && m.numbers.Serves(m.NeededFrom()) {
		m.counts.restored++
		m.Restore(m.numbers)
		m.windows, m.next = m.copied(m.stored), m.storedOffset
		for _, w := range m.windows {
			w.settled = m.Complete(w.newest)
		}
		m.replay(m.committed)
		return
	}
	if m.stored != nil {
		m.counts.refused++
	}
	m.rebuild(m.committed)
}

func (m *model) ready() {
	m.sweep()
	m.committed, m.atCommit = m.next, m.copied(m.windows)
	if m.AllCompleteFrom() > m.NeededFrom() && !m.recklessly {
		m.Fatalf("a late record waits that is not served: %+v", m.Tracker)
	}
}

func (m *model) commit() {
	m.Committed(int64(m.next))
	m.ready()
	if m.dice.IntN(3) == 0 {
		m.stored, m.storedOffset, m.numbers = m.copied(m.windows), m.next, m.Stored()
	}
}

// sweep drops all entities that are older than what to keep once in a while, and some of them always.
func (m *model) sweep() {
	keep, ok := m.Keep()
	all := ok && m.SweepDue()
	maps.DeleteFunc(m.windows, func(_ int, w *partial) bool {
		drop := ok && w.newest < keep && (all || m.dice.IntN(3) == 0)
		if m.recklessly {
			drop = m.dice.IntN(20) == 0
		}
		if drop {
			m.counts.dropped++
			m.Dropped(w.newest)
		}
		return drop
	})
}

// rollBack undoes what is not committed, as an aborted transaction does.
func (m *model) rollBack() {
	m.next, m.windows = m.committed, m.copied(m.atCommit)
}

// crash loses all that is not stored, and the disk at times.
func (m *model) crash() {
	m.Tracker = New(history)
	clear(m.reloaded)
	if m.dice.IntN(3) == 0 {
		m.stored = nil
	}
	m.assign()
}
