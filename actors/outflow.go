package actors

import (
	"time"

	"anomalydetector/messages"
)

// transactionSize fits transactions to how fast the broker takes what they write, which may
// be very slow: one that takes longer than its timeout is aborted, and would be
// again and again. A detector has one.
type transactionSize struct {
	room  int       // records that a transaction may write, but for those of its last round
	since time.Time // when the detector waits for the running one to be written
	slow  bool      // the running one took longer than it should, so its timeout may have aborted it
}

const (
	leastRoom = 8 // so that what is written at a time is not the reason that it takes long
	mostRoom  = DefaultBatch

	// A transaction that took less than this part of its time could have been so many
	// times as large.
	growth = 8
)

// learn is told how many records a transaction wrote, or failed to write, how long
// that took and how long it should take at most.
func (o *transactionSize) learn(written int, took, should time.Duration, ok bool) {
	o.slow = took > should
	switch {
	case o.slow:
		// Half of what would have been in time: the last round may be as large again.
		o.room = max(int(float64(min(o.room, written))*should.Seconds()/took.Seconds()/2), leastRoom)
	case ok && took <= should/growth:
		o.room = min(o.room*growth, mostRoom)
	case ok && took <= should/2:
		o.room = min(o.room*2, mostRoom)
	}
}

// written is how many records what was counted has made, at most.
func written(t messages.Tally) int {
	count := t.Anomalies
	for _, bad := range t.Bad {
		count += bad.Count
	}
	return count
}
