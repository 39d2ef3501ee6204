package completeness

import (
	"math"
	"time"
)

// Tracker knows from which time on the windows of one partition are complete, and its stream time. The partition
// owns it and uses it from one goroutine. New makes one.
//
// A point evicts from its entity's window what is older than the history before it. This is why a window becomes
// complete by itself, and why two times, the completeness watermarks, are enough:
//
//	a replay read from here    complete from     the record where scoring goes on
//	        |------ history ------->|------ Slack ------->|
//	--------+-----------------------+---------------------+------------> time
//
//	      keep                new complete from      stream time
//	        |------ history ------->|---- patience ------>|
//	--------+-----------------------+---------------------+------------> time
//	a sweep dropped entities without a point since keep
//
// Invariants:
//
//  1. A replay leaves out only records that are older than the history before "complete from". So a window is
//     complete once it has a point at or after that time, in whatever order points come.
//  2. All points of dropped entities are older than the history before "new complete from". So an entity without
//     a window has lost nothing that a point at or after that time needs.
//  3. Both times stay at or before a late record that needed older history, from the replay for it until its
//     commit. So one replay is enough for it.
//  4. Neither time depends on whether stream time is right. A wrong one only costs memory or a replay.
//
// With the method habit, history is the memory of a state. No point makes a state complete, so 1 does not hold for states, and only
// points at or after both times are scored; see AllCompleteFrom.
type Tracker struct {
	history int64 // length of a window

	from    int64 // complete from, for a window that has a point
	newFrom int64 // new complete from, for an entity without a window
	late    lateRecord

	clock    clock
	swept    int64 // stream time of the last sweep of all entities
	lateness lateness
}

// lateRecord is what late records wait for that came before the times above.
type lateRecord struct {
	at     int64 // the oldest one; math.MaxInt64: there is none
	offset int64 // the last one: once it is committed, none waits
}

// Beginning is "complete from" of a history that begins with the topic.
const Beginning = math.MinInt64

// Slack is how much more than a window a replay reads, so that records that are less late need no other replay.
const Slack = time.Hour

// StateSlack is the slack for windows that are states. A late record needs all of their history, even if its entity has newer points, so it
// should seldom need another replay. Such a history is of weeks, so a day more is little.
const StateSlack = 24 * time.Hour

// New tracks a partition without windows, whose windows will be this long.
func New(history time.Duration) Tracker {
	return Tracker{
		history: history.Milliseconds(),
		from:    Beginning,
		newFrom: Beginning,
		late:    lateRecord{at: math.MaxInt64},
	}
}

// ForgetTopic begins again for another topic, and drops what is known of the former one.
func (t *Tracker) ForgetTopic() {
	*t = New(time.Duration(t.history) * time.Millisecond)
}

// BeginAnew says that the partition dropped all windows. What is known of late records stays, for the next replay.
func (t *Tracker) BeginAnew() {
	t.clock, t.swept = clock{}, 0
	t.from, t.newFrom = Beginning, Beginning
}

// Stored is what has to be stored with the windows.
type Stored struct {
	CompleteFrom    int64 // for windows that have a point
	NewCompleteFrom int64 // for entities without a window
	StreamTime      int64 // 0: not known
	Swept           int64 // stream time of the last sweep of all entities
	Lateness        int64 // how late an entity's first point usually comes, at most
}

// Stored returns what has to be stored with the windows as they are now.
func (t *Tracker) Stored() Stored {
	return Stored{
		CompleteFrom: t.from, NewCompleteFrom: t.newFrom,
		StreamTime: t.clock.now, Swept: t.swept, Lateness: t.lateness.usual,
	}
}

// Restore says that the partition has windows that were stored with these numbers. They must serve the time
// NeededFrom.
func (t *Tracker) Restore(s Stored) {
	t.from, t.newFrom = s.CompleteFrom, s.NewCompleteFrom
	t.clock.restore(s.StreamTime)
	t.swept = min(s.Swept, t.clock.now)
	t.lateness.restore(s.Lateness, t.mostLate())
}

// Serves tells whether windows that were stored with these numbers are complete for all points at or after a time.
// A Tracker may restore them if they serve its NeededFrom. Any goroutine may call it.
func (s Stored) Serves(from int64) bool {
	return max(s.CompleteFrom, s.NewCompleteFrom) <= from
}

// Replayed says that the windows were built by a replay that is complete for points at or after a time. A replay
// that brings older windows forward changes nothing of that, and must not be told.
func (t *Tracker) Replayed(from int64) { t.from = from }

// CompleteFrom is from which time on a point makes its entity's window complete.
func (t *Tracker) CompleteFrom() int64 { return t.from }

// Complete tells whether a window is complete that has a point at this time.
func (t *Tracker) Complete(at int64) bool { return at >= t.from }

// NeedsDropped tells whether a point of an entity without a window may need points that were dropped.
func (t *Tracker) NeedsDropped(at int64) bool { return at < t.newFrom }

// AllCompleteFrom is from which time on a point needs nothing that is missing, with or without a window.
func (t *Tracker) AllCompleteFrom() int64 { return max(t.from, t.newFrom) }

// NewEntity notes a point of an entity without a window: it may be late because the entity was away for long.
func (t *Tracker) NewEntity(at int64) {
	t.lateness.note(t.behind(at), t.mostLate(), false)
}

// NeedsOlder notes a late record that needs older history than there is. The partition has to begin anew with a
// replay up to at most its offset, which is complete from NeededFrom on.
func (t *Tracker) NeedsOlder(offset, at int64) {
	t.late.at = min(t.late.at, at)
	t.late.offset = max(t.late.offset, offset)
	t.lateness.note(t.behind(at), t.mostLate(), true)
}

// NeededFrom is the time from which on windows have to be complete for the late records that wait; math.MaxInt64 if
// none waits.
func (t *Tracker) NeededFrom() int64 { return t.late.at }

// Committed says that all records before an offset are committed. Late records among them wait no longer.
func (t *Tracker) Committed(next int64) {
	if next > t.late.offset {
		t.late.at = math.MaxInt64
	}
}
