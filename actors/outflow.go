package actors

import (
	"time"

	"anomalydetector/messages"
)

// outflow fits transactions to how fast the broker takes what they write, which may
// be very slow: one that takes longer than its timeout is aborted, and would be
// again and again.
type outflow struct {
	room  int       // records that a transaction may write, but for its last round
	begun time.Time // waiting until they are written
	slow  bool      // that took too long, the last time
}

// outflowSteps is how fast room grows, where writing takes less than this part of
// the time that it should.
const outflowSteps = 8

func (o *outflow) begin(now time.Time) { o.begun = now }

// learn is told how many records a transaction wrote, or failed to write, how long
// that took and how long it should take at most.
func (o *outflow) learn(written int, took, should time.Duration, ok bool) {
	o.slow = took > should
	switch {
	case o.slow:
		o.room = max(int(float64(min(o.room, written))*should.Seconds()/took.Seconds()/2), 1)
	case ok && took <= should/outflowSteps:
		o.room = min(outflowSteps*o.room, DefaultBatch)
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
