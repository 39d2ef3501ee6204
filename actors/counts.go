package actors

import "sync/atomic"

// Counts only grow, from the start of the process on. Any goroutine may add to them and read them at any time.
type Counts struct {
	// Outliers are records that were scored and whose timestamps are far from stream time, ahead or behind.
	Outliers atomic.Int64
	// Panics are those of a detector's actors, and of the goroutines they start.
	Panics atomic.Int64
}
