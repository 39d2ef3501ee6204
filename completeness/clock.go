package completeness

import (
	"math"
	"slices"
)

// clock is a partition's stream time: the newest timestamp of its records that the stream itself confirms.
//
// A record within a leap of stream time is ordinary: a newer one moves stream time. A record farther off, ahead or
// behind, is an outlier and moves nothing by itself. A run of outliers on the same side, without an ordinary record
// in between, moves it: the topic was silent for long, or this is a backfill, or stream time was wrong. One wrong
// timestamp changes nothing, nor do several in a row of one entity among many, nor any number between ordinary records.
// A wrong one within a run that is right may make stream time too small, until the next run, but never too great.
//
// Records of an aborted transaction come again and are counted again. They are of the same entities, so a wrong one
// moves nothing unless the partition has only one or two.
//
// The zero value knows no stream time: a run has to confirm the first one, too.
type clock struct {
	now      int64 // 0: not known yet
	calm     bool  // stream time is settled, and the last record was ordinary
	ordinary int   // records since stream time leapt or was restored; not all are counted once it is settled
	ahead    run
	behind   run
}

// run is a number of outliers in a row, on the same side of stream time.
type run struct {
	count  int
	times  [runLength]int64 // of the last ones, a ring
	voters [mostVoters]any  // entities
	voted  int              // of voters
}

const (
	// leap is how far from stream time a record is still ordinary. It is at most the patience, so that one
	// record ahead lets no entity be dropped that has had a point within its history.
	leap = patience
	// runLength is how many outliers make a run that moves stream time.
	runLength = 8
	// mostVoters is how many entities a run has to be of. It is less if there are few entities (see votersOf).
	mostVoters = 4
	// longRun is how many outliers move stream time whatever entities they are of. So it also moves if only
	// one of many entities is left.
	longRun = 1000
	// settledAfter is how many ordinary records have to come before a new stream time may drop entities.
	settledAfter = 8
	// latest is the greatest stream time. It keeps sums from overflowing.
	latest = math.MaxInt64 / 4
)

// look takes the time of the next record if it is an ordinary one.
//
//go:noinline
func (c *clock) look(at int64) bool {
	if c.now == 0 || at > c.now+leap || at < c.now-leap {
		return false
	}
	c.now = max(c.now, at)
	if !c.calm {
		c.ordinary++
		c.ahead, c.behind = run{}, run{}
		c.calm = c.ordinary >= settledAfter
	}
	return true
}

// outlier takes the time of the next record if look did not, its entity, and how many entities are known. It
// tells whether stream time moved.
func (c *clock) outlier(at int64, entity any, known int) (moved bool) {
	side := &c.ahead
	if at < c.now {
		side = &c.behind
	}
	side.add(at, entity)
	c.calm = false
	if side.count < runLength || side.count < longRun && side.voted < votersOf(known) {
		return false
	}
	*c = clock{now: side.agreed()}
	return true
}

// settled tells whether ordinary records have shown that stream time is right, and the last ones do not speak
// against it.
func (c *clock) settled() bool { return c.ordinary >= settledAfter && c.behind.count == 0 }

// restore begins with a stream time that was stored. The next records have to settle it.
func (c *clock) restore(now int64) { *c = clock{now: min(max(now, 0), latest)} }

// votersOf is how many entities a run has to be of: half of those that are known, and at most mostVoters.
func votersOf(known int) int { return min(max((known+1)/2, 1), mostVoters) }

func (r *run) add(at int64, entity any) {
	r.times[r.count%runLength] = at
	r.count++
	if r.voted < mostVoters && !slices.Contains(r.voters[:r.voted], entity) {
		r.voters[r.voted] = entity
		r.voted++
	}
}

// agreed is the newest time that the last outliers of a run lead up to, from the oldest of them on, without a
// step of more than a leap.
func (r *run) agreed() int64 {
	times := r.times
	slices.Sort(times[:])
	at := times[0]
	for _, next := range times[1:] {
		if next-at > leap {
			break
		}
		at = next
	}
	return min(max(at, 1), latest)
}

// StreamTime is the newest timestamp that the stream confirms; 0 if it is not known yet.
func (t *Tracker) StreamTime() int64 { return t.clock.now }

// Near takes the time of the next record if it lies near stream time, as nearly all do. If it tells otherwise,
// Outlier has to take the record. Each record comes here, so it is small enough to be inlined.
func (t *Tracker) Near(at int64) bool {
	c := &t.clock
	return c.calm && uint64(c.now-at) <= uint64(leap) || c.look(at)
}

// Outlier takes the time of the next record if Near did not. The entity is whatever identifies it, such as its
// pointer; known is how many there are. It tells whether stream time moved.
func (t *Tracker) Outlier(at int64, entity any, known int) (moved bool) {
	moved = t.clock.outlier(at, entity, known)
	if moved {
		t.swept = min(t.swept, t.clock.now)
	}
	return moved
}
