package completeness

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// clocked is a tracker with entities to be seen.
type clocked struct {
	Tracker
	entities []any
}

func newClocked(entities int) *clocked {
	c := &clocked{Tracker: New(72 * time.Hour)}
	for range entities {
		c.entities = append(c.entities, new(int64))
	}
	return c
}

func (c *clocked) see(at int64, entity int) (moved bool) {
	return !c.Near(at) && c.Outlier(at, c.entities[entity], len(c.entities))
}

func (c *clocked) mayDrop() bool {
	_, ok := c.Keep()
	return ok
}

// bins lets all entities have a record each quarter, from a time on, and returns the last.
func (c *clocked) bins(from int64, count int) (last int64) {
	for bin := range count {
		last = from + int64(bin)*quarterMs
		for entity := range c.entities {
			c.see(last, entity)
		}
	}
	return last
}

const (
	quarterMs = int64(15 * time.Minute / time.Millisecond)
	dayMs     = int64(24 * time.Hour / time.Millisecond)
	today     = int64(1_700_000_000_000)
	future    = int64(4_000_000_000_000)
)

func TestStreamTimeIsTheNewestOrdinaryTimestamp(t *testing.T) {
	c := newClocked(20)
	last := c.bins(today, 100)
	if c.StreamTime() != last || !c.mayDrop() {
		t.Errorf("stream time is %d, want %d; settled: %t", c.StreamTime(), last, c.mayDrop())
	}
}

// TestOutliersMoveNoStreamTime: whatever they are, as long as ordinary records come between, or all of a run are
// of one entity among many.
func TestOutliersMoveNoStreamTime(t *testing.T) {
	odd := []int64{0, 1, today / 2, future, future + dayMs, math.MaxInt64, today + 30*dayMs, today - 30*dayMs}
	for seed := range uint64(300) {
		dice := rand.New(rand.NewPCG(seed, 0))
		c := newClocked(4 + dice.IntN(40))
		last := c.bins(today, 3)
		mostInARow := 1 + dice.IntN(runLength-1)
		for range 400 {
			if dice.IntN(2) == 0 { // one broken entity, any number
				for range dice.IntN(longRun / 10) {
					c.see(odd[dice.IntN(len(odd))], 0)
				}
			} else { // several, but few in a row
				for range mostInARow {
					c.see(odd[dice.IntN(len(odd))], dice.IntN(len(c.entities)))
				}
			}
			last += dice.Int64N(quarterMs)
			c.see(last, 1+dice.IntN(len(c.entities)-1))
			if c.StreamTime() != last {
				t.Fatalf("seed %d: stream time is %d, want %d", seed, c.StreamTime(), last)
			}
		}
	}
}

// TestStreamTimeMovesWithTheStream: in both directions, after few records.
func TestStreamTimeMovesWithTheStream(t *testing.T) {
	for name, to := range map[string]int64{
		"a silence of a week": today + 7*dayMs, "a silence of years": future, "a backfill": today - 30*dayMs, "the epoch": 1,
	} {
		for _, entities := range []int{1, 2, 3, 7, 50} {
			t.Run(fmt.Sprint(name, ", ", entities, " entities"), func(t *testing.T) {
				c := newClocked(entities)
				c.bins(today, 20)
				moved := 0
				for seen := 1; ; seen++ {
					if c.see(to+int64(seen), seen%entities) {
						moved = seen
						break
					}
					if seen > 2*runLength {
						t.Fatalf("stream time stays at %d", c.StreamTime())
					}
				}
				if c.mayDrop() {
					t.Error("it may drop entities before an ordinary record has come")
				}
				if c.StreamTime() != to+int64(moved) {
					t.Errorf("stream time is %d, want %d", c.StreamTime(), to+int64(moved))
				}
				if last := c.bins(c.StreamTime(), 10); c.StreamTime() != last || !c.mayDrop() {
					t.Errorf("stream time is %d then, want %d; settled: %t", c.StreamTime(), last, c.mayDrop())
				}
			})
		}
	}
}

// TestStreamTimeOfASparseStreamGoesOn: a record a day, or a week, of any of the
// entities, or of the only one that is left of many.
func TestStreamTimeOfASparseStreamGoesOn(t *testing.T) {
	for _, step := range []int64{dayMs, dayMs + 1, 7 * dayMs} {
		for _, entities := range []int{1, 5, 100} {
			c := newClocked(entities)
			c.bins(today, 20)
			at := today
			for record := range 10 * runLength {
				at += step
				c.see(at, record%entities)
			}
			if behind := at - c.StreamTime(); behind > 2*runLength*step {
				t.Errorf("%d entities, a record each %d h: stream time is %d days behind", entities, step/dayMs*24, behind/dayMs)
			}
		}
	}
	c := newClocked(100)
	c.bins(today, 20)
	for record := range 2 * longRun {
		c.see(future+int64(record)*quarterMs, 0)
	}
	if c.StreamTime() < future {
		t.Errorf("the only entity that is left does not move stream time: it is %d", c.StreamTime())
	}
}

// TestWrongStreamTimeIsFoundOut: one that was stored, or that began with an outlier,
// drops nothing before it is right.
func TestWrongStreamTimeIsFoundOut(t *testing.T) {
	for name, begin := range map[string]func(*clocked){
		"restored":                     func(c *clocked) { c.Restore(Stored{StreamTime: future}) },
		"the first record":             func(c *clocked) { c.see(future, 0) },
		"the first records":            func(c *clocked) { c.see(future, 0); c.see(future, 1); c.see(1, 2) },
		"restored, and seen once more": func(c *clocked) { c.Restore(Stored{StreamTime: future}); c.see(future, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newClocked(10)
			begin(c)
			for entity := range 2 * runLength {
				if c.mayDrop() && c.StreamTime() > today+dayMs {
					t.Fatalf("after %d records stream time %d may drop entities", entity, c.StreamTime())
				}
				c.see(today, entity%10)
			}
			if last := c.bins(today, 4); c.StreamTime() != last || !c.mayDrop() {
				t.Errorf("stream time is %d, want %d; settled: %t", c.StreamTime(), last, c.mayDrop())
			}
		})
	}
}

// TestRunLeadsOnlyAsFarAsItAgrees: outliers among those that confirm are left out.
func TestRunLeadsOnlyAsFarAsItAgrees(t *testing.T) {
	c := newClocked(10)
	for entity := range runLength {
		at := today + int64(entity)
		if entity < 3 {
			at = future
		}
		c.see(at, entity)
	}
	if want := today + runLength - 1; c.StreamTime() != want {
		t.Errorf("stream time is %d, want %d", c.StreamTime(), want)
	}
}
