package bootstrap

import (
	"runtime/debug"
	"runtime/metrics"
	"time"

	"golang.org/x/sys/unix"
)

// How much garbage there may be between two collections, as a percentage of what
// lives: little, for with Go's own default a million windows would take twice
// their memory; but as much as it takes to spend no more of the processor than
// this on collecting it, and in a small heap at least so many bytes.
const (
	garbageLeast   = 15.0
	garbageMost    = 200.0
	garbageBytes   = 64 << 20
	collectorMost  = 0.035 // of the processor time that the process uses
	collectorLeast = 0.015
	heapLookEvery  = 2 * time.Second
	restAfter      = 3 // looks without work: then what the work left is given back
)

// limitGarbage adjusts the collector to the load, until stop is called. An
// operator who sets GOGC decides alone.
func limitGarbage() (stop func()) {
	ended := make(chan struct{})
	percent := 100.0
	before := debug.SetGCPercent(int(percent))
	go func() {
		ticker := time.NewTicker(heapLookEvery)
		defer ticker.Stop()
		var r rest
		for last := readHeap(); ; {
			select {
			case <-ticker.C:
				if r.due(processorTime()) {
					debug.FreeOSMemory()
					debug.FreeOSMemory() // pools keep theirs for one collection
					r.gave(processorTime())
				}
				now := readHeap()
				if next := garbageFor(percent, now, last); next != percent {
					percent = next
					debug.SetGCPercent(int(percent))
				}
				last = now
			case <-ended:
				return
			}
		}
	}()
	return func() {
		close(ended)
		debug.SetGCPercent(before)
	}
}

// heapState is what the last collection left, and the processor time until then,
// in seconds.
type heapState struct {
	live            uint64
	collector, used float64
}

// garbageFor is the next percentage.
func garbageFor(percent float64, now, last heapState) float64 {
	spent := 0.0 // without a collection there is nothing to save
	if used := now.used - last.used; used > 0 {
		spent = (now.collector - last.collector) / used
	}
	switch {
	case spent > collectorMost:
		percent *= 1.5
	case spent < collectorLeast:
		percent *= 0.8
	}
	least := max(garbageLeast, 100*garbageBytes/float64(max(now.live, 1)))
	return max(min(percent, garbageMost), min(least, garbageMost))
}

func readHeap() heapState {
	samples := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"}, {Name: "/cpu/classes/gc/total:cpu-seconds"}, {Name: "/cpu/classes/gc/mark/idle:cpu-seconds"},
		{Name: "/cpu/classes/total:cpu-seconds"}, {Name: "/cpu/classes/idle:cpu-seconds"},
	}
	metrics.Read(samples)
	seconds := func(i int) float64 { return samples[i].Value.Float64() }
	return heapState{samples[0].Value.Uint64(), seconds(1) - seconds(2), seconds(3) - seconds(4)}
}

// rest knows when a process that worked has come to rest.
type rest struct {
	last  time.Duration // processor time
	idle  int           // looks since it worked
	given bool          // memory was given back since
}

// due is true after a time of work, until memory was given back.
func (r *rest) due(processor time.Duration) bool {
	worked := processor - r.last
	r.last = processor
	if worked > heapLookEvery/5 {
		r.idle, r.given = 0, false
		return false
	}
	r.idle++
	return r.idle >= restAfter && !r.given
}

// gave notes that memory was given back, which takes long in a large heap, and
// is not work.
func (r *rest) gave(processor time.Duration) { r.last, r.given = processor, true }

// processorTime is what the process has used.
func processorTime() time.Duration {
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
