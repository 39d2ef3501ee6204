package persistence

import "testing"

// TestEntityIsNotReadToPrefetchIt, not even to find out whether it is nil.
func TestEntityIsNotReadToPrefetchIt(*testing.T) { (*Entity)(nil).Prefetch() }
