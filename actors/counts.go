package actors

import "sync/atomic"

// Counts only grow, from the start of the process on. Any goroutine may add to them, and read them.
type Counts struct {
	// Outliers counts scored records whose timestamps were far from stream time, ahead of it or behind. A record of an
	// aborted transaction is counted again.
	Outliers atomic.Int64
	// InOrder counts records whose entity came after the same entity as in the bin before, so that it needed no look-up.
	InOrder atomic.Int64
	// Panics counts the panics of the detector's actors, and of the goroutines that they start.
	Panics atomic.Int64
}
