package bootstrap

import (
	"slices"
	"testing"
	"time"
)

func TestMemoryIsReturnedOnceAfterWork(t *testing.T) {
	var r rest
	var used time.Duration
	var due []int
	for i, worked := range []time.Duration{2, 0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 0, 0, 0} {
		used += worked * time.Second
		if r.due(used) {
			due = append(due, i)
			used += 3 * time.Second
			r.returned(used)
		}
	}
	if !slices.Equal(due, []int{3, 12}) {
		t.Errorf("memory is returned at looks %v, want 3 and 12", due)
	}
}
