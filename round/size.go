package round

import "time"

// size fits transactions to how fast the broker takes what they write, which may be very slow. The broker aborts a
// transaction that takes longer than its timeout; of the same size, the next one would be aborted, too.
type size struct {
	room int  // records that a transaction may write, but for those of its last round
	slow bool // the running transaction took longer than it should, so the broker may have aborted it
}

// DefaultBatch keeps a round well below a second, and its cost a record low.
const DefaultBatch = 200_000

const (
	leastRoom = 8 // with so few records, a slow transaction has another cause than its size
	mostRoom  = DefaultBatch

	// growth is the largest factor by which room grows at once. A transaction that took at most 1/growth of its
	// allowed time could have been growth times as large.
	growth = 8
)

// learn is told how many records a transaction wrote, or failed to write, how long that took, and how long it should
// take at most.
func (s *size) learn(written int, took, should time.Duration, ok bool) {
	s.slow = took > should
	switch {
	case s.slow:
		// Half of what would have been in time: the last round may be as large again.
		s.room = max(int(float64(min(s.room, written))*should.Seconds()/took.Seconds()/2), leastRoom)
	case ok && took <= should/growth:
		s.room = min(s.room*growth, mostRoom)
	case ok && took <= should/2:
		s.room = min(s.room*2, mostRoom)
	}
}
