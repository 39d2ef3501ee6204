package detection

import "testing"

// TestStateIsNotReadToPrefetchIt: no read of memory that may be in no cache, such as a check for nil, which these pass.
func TestStateIsNotReadToPrefetchIt(*testing.T) {
	(*Habit)(nil).Prefetch()
	for _, of := range []int{0, dayBins - 3} {
		(*profile)(nil).prefetch(of)
	}
}
