package actors

import (
	"math"
	"slices"
	"time"
)

// streamClock is a partition's stream time: the newest timestamp of its records that
// the stream itself confirms, in Unix milliseconds. It decides when an entity without
// points is removed, never a verdict.
//
// A record within a leap of stream time is ordinary: a newer one moves stream time. A
// record farther off, ahead or behind, is an outlier and moves nothing, until a run of
// outliers on the same side, without an ordinary record in between, shows that the
// stream itself has moved: the topic was silent for long, it is a backfill, or stream
// time was wrong. One wrong timestamp, several in a row of one entity, or any number
// between ordinary records change nothing.
//
// The zero value knows no stream time: a run has to confirm the first one, too.
type streamClock struct {
	now      int64 // 0: not known yet
	calm     bool  // stream time is settled, and the last record was ordinary
	ordinary int   // records since stream time last leapt, or was restored; of many not all are counted
	ahead    run
	behind   run
}

// run is a number of outliers in a row, on the same side of stream time.
type run struct {
	count  int
	times  [runLength]int64 // of the last ones, a ring
	voters [mostVoters]*child
	voted  int // of voters
}

const (
	// leap is how far from stream time a record is still ordinary. It is no longer than
	// the patience of the sweep, so that one record ahead lets no entity be removed that
	// has had a point within its history.
	leap = patience
	far  = int64(leap / time.Millisecond)
	// runLength is how many outliers make a run that moves stream time,
	runLength = 8
	// mostVoters of how many entities they have to be, at most: of fewer where there
	// are fewer (see voters),
	mostVoters = 4
	// longRun is how many do so whatever entities they are of: the one that is left of
	// many moves stream time, too.
	longRun = 1000
	// settledAfter is how many ordinary records have to follow until a new stream time
	// may remove entities.
	settledAfter = 8
)

// near takes the time of the next record, if it is an ordinary one. It is inlined: each
// record comes here.
func (c *streamClock) near(at int64) bool {
	if !c.calm || uint64(at-c.now+far) > 2*uint64(far) {
		return c.look(at)
	}
	c.now = max(c.now, at)
	return true
}

// look is near where there is more to do than to compare.
//
//go:noinline
func (c *streamClock) look(at int64) bool {
	if c.now == 0 || at > c.now+far || at < c.now-far {
		return false
	}
	c.now = max(c.now, at)
	c.ordinary++
	c.ahead, c.behind = run{}, run{}
	c.calm = c.ordinary >= settledAfter
	return true
}

// outlier takes the time of the next record, if it is none that is near, and the entity
// it is of, of so many that are known. It tells whether stream time moved.
func (c *streamClock) outlier(at int64, of *child, known int) (moved bool) {
	side := &c.ahead
	if at < c.now {
		side = &c.behind
	}
	side.add(at, of)
	c.calm = false
	if side.count < runLength || side.count < longRun && side.voted < voters(known) {
		return false
	}
	*c = streamClock{now: side.agreed()}
	return true
}

// settled tells whether ordinary records have shown that stream time is right, and the
// last ones do not speak against it.
func (c *streamClock) settled() bool { return c.ordinary >= settledAfter && c.behind.count == 0 }

// restore begins with a stream time that was stored. It is believed, but settled only
// by what comes: one that was wrong is found out before it removes anything.
func (c *streamClock) restore(now int64) { *c = streamClock{now: min(max(now, 0), latest)} }

// voters is of how many entities a run has to be, of so many that are known: half of
// a few.
func voters(known int) int { return min(max((known+1)/2, 1), mostVoters) }

func (r *run) add(at int64, of *child) {
	r.times[r.count%runLength] = at
	r.count++
	if r.voted < mostVoters && !slices.Contains(r.voters[:r.voted], of) {
		r.voters[r.voted] = of
		r.voted++
	}
}

// agreed is the newest time that the last records of a run lead up to, from the
// oldest of them on, without a step of more than a leap.
func (r *run) agreed() int64 {
	times := r.times
	slices.Sort(times[:])
	at := times[0]
	for _, next := range times[1:] {
		if next-at > far {
			break
		}
		at = next
	}
	return min(max(at, 1), latest)
}

// latest keeps sums with stream time from overflowing.
const latest = math.MaxInt64 / 4

// lateness is how long an entity may have been away before it comes back, as the
// stream has shown it, in milliseconds: the sweep remembers entities for twice as long.
//
// What is usual counts at once, and is bounded. A record that is later than that and
// needed older history is alone, until a second one follows within two spans of the
// bound: only then does the sweep reckon with such records, and no longer than they go on.
type lateness struct {
	usual int64 // bounded, and stored
	rare  [2]extremes
	since int64 // stream time at which the first of rare began
}

// extremes are the two greatest of some numbers.
type extremes struct{ first, second int64 }

func (e *extremes) add(x int64) {
	switch {
	case x > e.first:
		e.first, e.second = x, e.first
	case x > e.second:
		e.second = x
	}
}

// note learns from a record that was so late. needed tells that older history had to be
// loaded for it.
func (l *lateness) note(late, bound int64, needed bool) {
	switch {
	case late <= 0:
	case late <= bound:
		l.usual = max(l.usual, late)
	case needed:
		l.rare[0].add(late)
	}
}

// at is the lateness to reckon with at a stream time.
func (l *lateness) at(now, bound int64) int64 {
	if now < l.since {
		l.since = now
	}
	if now-l.since > bound {
		l.rare[0], l.rare[1], l.since = extremes{}, l.rare[0], now
	}
	both := l.rare[0]
	both.add(l.rare[1].first)
	both.add(l.rare[1].second)
	return max(l.usual, both.second)
}

// restore begins with what was stored, which may be of a time when it had no bound.
func (l *lateness) restore(usual, bound int64) {
	l.usual = min(max(l.usual, usual), bound)
}
