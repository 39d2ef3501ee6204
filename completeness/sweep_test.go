package completeness

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestPatienceSparesReplays: records that are at most a day late never need older history because of a sweep, and
// entities are dropped all the same.
func TestPatienceSparesReplays(t *testing.T) {
	dropped := 0
	for seed := range uint64(200) {
		dice := rand.New(rand.NewPCG(seed, 6))
		stream := wild(dice, 500)
		for offset, r := range stream { // the stream goes on, but for its gaps
			before := newest(stream[:offset])
			if offset > 0 && r.at > before+decade/2 {
				r.at = before
			}
			stream[offset].at = max(r.at, before-patience)
		}
		m := newModel(t, dice, stream)
		m.run(false)
		if m.counts.needOlder > 0 {
			t.Fatalf("seed %d: %d records need older history", seed, m.counts.needOlder)
		}
		dropped += m.counts.dropped
	}
	if dropped == 0 {
		t.Error("no entity was dropped")
	}
}

// TestEntitiesThatComeLateAreRememberedLonger: twice as long as they were away.
func TestEntitiesThatComeLateAreRememberedLonger(t *testing.T) {
	c := newClocked(20)
	now := c.bins(today, 20)
	keep, _ := c.Keep()
	if want := now - 3*dayMs - dayMs; keep != want {
		t.Errorf("at first entities are remembered from %d on, want %d", keep, want)
	}
	c.NewEntity(now - 2*dayMs)
	keep, _ = c.Keep()
	if want := now - 3*dayMs - 4*dayMs; keep != want {
		t.Errorf("after one that was away for two days they are remembered from %d on, want %d", keep, want)
	}
}

// TestRepeatedGreatLatenessIsRemembered: of records that needed older history, and of no others.
func TestRepeatedGreatLatenessIsRemembered(t *testing.T) {
	for name, late := range map[string]func(c *clocked, at int64){
		"that needed older history": func(c *clocked, at int64) { c.NeedsOlder(0, at); c.Committed(1) },
		"that did not":              func(c *clocked, at int64) { c.NewEntity(at) },
	} {
		c := newClocked(20)
		now := c.bins(today, 20)
		late(c, now-100*dayMs)
		late(c, now-200*dayMs)
		want := now - 3*dayMs - dayMs
		if name == "that needed older history" {
			want = now - 3*dayMs - 2*100*dayMs
		}
		if keep, _ := c.Keep(); keep != want {
			t.Errorf("after two late records %s entities are remembered from %d on, want %d", name, keep, want)
		}
	}
}

// TestNothingIsDroppedWhileTheStreamMayGoBack: until an ordinary record says that it does not.
func TestNothingIsDroppedWhileTheStreamMayGoBack(t *testing.T) {
	c := newClocked(20)
	now := c.bins(today, 20)
	if c.see(now-2*dayMs, 1); c.mayDrop() {
		t.Error("entities may be dropped after a record of two days ago")
	}
	if c.see(now, 2); !c.mayDrop() {
		t.Error("entities may not be dropped after an ordinary record")
	}
	if c.see(now+2*dayMs, 1); !c.mayDrop() {
		t.Error("entities may not be dropped after a record of the future")
	}
}

// TestNothingIsDroppedThatALateRecordWaitsFor: from the replay for it until it is committed.
func TestNothingIsDroppedThatALateRecordWaitsFor(t *testing.T) {
	c := newClocked(20)
	last := c.bins(today, 20)
	late := last - 300*dayMs
	c.NeedsOlder(1000, late)
	c.BeginAnew()
	c.NeedsOlder(999, late+1) // alone it would need less
	c.Replayed(late)
	c.bins(last, 20)
	c.Committed(1000)
	keep, ok := c.Keep()
	if want := late - 3*dayMs; !ok || keep != want || c.NeededFrom() != late {
		t.Errorf("while it waits entities are remembered from %d on, want %d", keep, want)
	}
	c.Dropped(keep - 1)
	if c.AllCompleteFrom() > late {
		t.Error("what may be dropped meanwhile is needed")
	}
	c.Committed(1001)
	if keep, _ := c.Keep(); keep <= late {
		t.Errorf("after its commit entities are remembered from %d on still", keep)
	}
}

// TestSweepIsDueOnceAnHourOfStreamTime: and after a stream time that was too great.
func TestSweepIsDueOnceAnHourOfStreamTime(t *testing.T) {
	c := newClocked(20)
	due := 0
	last := today
	for range 40 { // ten hours
		last = c.bins(last, 1) + quarterMs
		if _, ok := c.Keep(); ok && c.SweepDue() {
			due++
		}
	}
	if due != 10 {
		t.Errorf("in ten hours %d sweeps are due", due)
	}
	c.Restore(Stored{StreamTime: today, Swept: future})
	if c.StreamTime() != today || c.Stored().Swept != today {
		t.Errorf("a sweep of the future is restored: %+v", c.Stored())
	}
	c.bins(today-10*dayMs, 40)
	if !c.SweepDue() {
		t.Error("after a backfill no sweep is due")
	}
}

// TestStoredNumbersAreRestored: all that is stored comes back, and nothing else is needed for windows that are stored.
func TestStoredNumbersAreRestored(t *testing.T) {
	want := Stored{CompleteFrom: today - dayMs, NewCompleteFrom: today - 2*dayMs, StreamTime: today, Swept: today - 1, Lateness: dayMs}
	for name, tracker := range map[string]Tracker{"a new one": New(72 * time.Hour), "one that began anew": New(72 * time.Hour)} {
		if name != "a new one" {
			tracker.Dropped(today)
			tracker.BeginAnew()
		}
		tracker.Restore(want)
		if got := tracker.Stored(); got != want {
			t.Errorf("%s stores %+v, want %+v", name, got, want)
		}
	}
	for late, serves := range map[int64]bool{Beginning: false, today - dayMs - 1: false, today - dayMs: true, today: true} {
		if got := want.Serves(late); got != serves {
			t.Errorf("for a late record of %d they serve: %t, want %t", late, got, serves)
		}
	}
	swapped := Stored{CompleteFrom: want.NewCompleteFrom, NewCompleteFrom: want.CompleteFrom}
	if swapped.Serves(today-dayMs-1) || !swapped.Serves(today-dayMs) {
		t.Error("they serve records that need dropped points")
	}
}

// TestAnotherTopicBeginsWithNothing: while windows that are dropped keep what is known of late records.
func TestAnotherTopicBeginsWithNothing(t *testing.T) {
	c := newClocked(20)
	last := c.bins(today, 20)
	c.NewEntity(last - 2*dayMs)
	c.NeedsOlder(7, last-3*dayMs)
	c.BeginAnew()
	if c.NeededFrom() != last-3*dayMs || c.Stored() != (Stored{CompleteFrom: Beginning, NewCompleteFrom: Beginning, Lateness: 3 * dayMs}) {
		t.Errorf("a new beginning is back to %d, with %+v", c.NeededFrom(), c.Stored())
	}
	c.ForgetTopic()
	if c.Tracker != New(72*time.Hour) {
		t.Errorf("another topic begins with %+v", c.Tracker)
	}
}
