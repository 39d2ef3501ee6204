package bootstrap

import (
	"runtime"
	"slices"
	"testing"
	"time"
)

func TestGarbageIsAsLittleAsItsCollectionAllows(t *testing.T) {
	const large, small = 4 << 30, 32 << 20
	for name, c := range map[string]struct {
		percent         float64
		live            uint64
		collector, used float64
		want            float64
	}{
		"cheap":                      {100, large, 0.01, 1, 80},
		"dear":                       {60, large, 0.05, 1, 90},
		"in between":                 {60, large, 0.02, 1, 60},
		"no collection":              {100, large, 0, 0, 80},
		"never less than the least":  {16, large, 0.001, 1, 15},
		"never more than the most":   {180, large, 0.5, 1, 200},
		"a small heap may have more": {100, small, 0, 0, 200},
	} {
		if got := garbageFor(c.percent, heapState{c.live, c.collector, c.used}, heapState{}); got != c.want {
			t.Errorf("%s: %v %%, want %v %%", name, got, c.want)
		}
	}
}

func TestHeapStateIsRead(t *testing.T) {
	runtime.GC() // they are of the last collection
	if s := readHeap(); s.live == 0 || s.used <= 0 || s.collector < 0 {
		t.Errorf("%+v", s)
	}
}

func TestMemoryIsGivenBackOnceAfterWork(t *testing.T) {
	var r rest
	var used time.Duration
	var due []int
	for i, worked := range []time.Duration{2, 0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 0, 0, 0} {
		used += worked * time.Second
		if r.due(used) {
			due = append(due, i)
			used += 3 * time.Second
			r.gave(used)
		}
	}
	if !slices.Equal(due, []int{3, 12}) {
		t.Errorf("memory is given back at %v", due)
	}
}
