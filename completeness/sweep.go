package completeness

import (
	"math"
	"time"
)

const (
	// sweepEvery is how much stream time lies between two sweeps of all entities.
	sweepEvery = int64(time.Hour / time.Millisecond)
	// patience is for how long, beyond the history, an entity without points is remembered. It is
	// longer if entities were seen to come back later than that.
	patience = int64(24 * time.Hour / time.Millisecond)
)

// Keep is the time from which on entities are remembered: one whose newest point is older may be dropped. Nothing
// may be dropped while ok is false, because stream time is not settled.
//
// It depends on stream time and not on a clock, so a replay drops the same entities.
func (t *Tracker) Keep() (keep int64, ok bool) {
	if !t.clock.settled() {
		return 0, false
	}
	keep = t.clock.now - t.history - max(patience, 2*t.lateness.at(t.clock.now, t.mostLate()))
	if t.late.at != math.MaxInt64 {
		keep = min(keep, t.late.at-t.history)
	}
	return keep, true
}

// SweepDue tells whether it is time to look at all entities, which then counts as done.
func (t *Tracker) SweepDue() bool {
	if t.clock.now-t.swept < sweepEvery {
		return false
	}
	t.swept = t.clock.now
	return true
}

// Dropped says that entities were dropped, and the time of the newest of their points.
func (t *Tracker) Dropped(newest int64) {
	t.newFrom = max(t.newFrom, newest+t.history+1)
}

// mostLate bounds the usual lateness: an entity is remembered for at most three times its history and a few days.
func (t *Tracker) mostLate() int64 { return t.history + patience }

// behind is how late a time is; 0 if stream time is not known.
func (t *Tracker) behind(at int64) int64 {
	if t.clock.now == 0 {
		return 0
	}
	return t.clock.now - at
}
