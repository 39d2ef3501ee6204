package completeness

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// run scores the stream with interruptions, and checks each window that is called complete.
func (m *model) run(interrupt bool) {
	want := uninterrupted(m.stream)
	for m.next < len(m.stream) {
		switch what := m.dice.IntN(20); {
		case !interrupt:
		case what == 0:
			m.crash()
		case what == 1:
			m.assign()
		case what == 2: // another member has it, and this one is a standby
			m.rollBack()
			m.replay(min(m.committed+m.dice.IntN(20), len(m.stream)))
		}
		m.slice(want)
		if m.dice.IntN(2) == 0 {
			m.commit()
		} else if interrupt && m.dice.IntN(5) == 0 {
			m.rollBack()
		}
	}
}

// slice scores a few records. It ends with one that needs older history, which is loaded.
func (m *model) slice(want [][]int) {
	for range 1 + m.dice.IntN(10) {
		if m.next == len(m.stream) {
			return
		}
		r := m.stream[m.next]
		if !m.see(m.next, true) {
			m.counts.needOlder++
			most := 1
			if m.recklessly {
				most = 100 // what it waits for may be dropped at once
			}
			if m.reloaded[m.next]++; m.reloaded[m.next] > most {
				m.Fatalf("offset %d needs older history again", m.next)
			}
			m.NeedsOlder(int64(m.next), r.at)
			m.assign()
			return
		}
		m.counts.complete++
		if got := m.windows[r.entity].points; !slices.Equal(got, want[m.next]) {
			m.Fatalf("offset %d: the window is called complete and has %v, want %v", m.next, got, want[m.next])
		}
		m.next++
	}
}

// TestCompleteWindowsAreThoseOfAnUninterruptedRun: whatever is late, wrong, lost, stored, dropped, rolled back or
// replayed; and a record needs older history only once.
func TestCompleteWindowsAreThoseOfAnUninterruptedRun(t *testing.T) {
	var all counts
	for seed := range uint64(400) {
		dice := rand.New(rand.NewPCG(seed, 1))
		m := newModel(t, dice, wild(dice, 600))
		m.run(true)
		all.add(m.counts)
	}
	all.allHappened(t)
}

// TestDroppingEntitiesChangesNoCompleteWindow: whichever they are, as long as it is said.
func TestDroppingEntitiesChangesNoCompleteWindow(t *testing.T) {
	var all counts
	for seed := range uint64(200) {
		dice := rand.New(rand.NewPCG(seed, 2))
		m := newModel(t, dice, wild(dice, 300))
		m.recklessly = true
		m.run(seed%2 == 0)
		all.add(m.counts)
	}
	all.allHappened(t)
}

func (c *counts) add(more counts) {
	c.complete += more.complete
	c.needOlder += more.needOlder
	c.needDropped += more.needDropped
	c.dropped += more.dropped
	c.restored += more.restored
	c.refused += more.refused
}

// allHappened fails if the streams were too tame for a test to say anything.
func (c counts) allHappened(tb testing.TB) {
	tb.Logf("%+v", c)
	if min(c.complete, c.needOlder, c.needDropped, c.dropped, c.restored, c.refused) == 0 {
		tb.Errorf("something never happened: %+v", c)
	}
}
