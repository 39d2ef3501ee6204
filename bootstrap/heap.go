package bootstrap

import (
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"
)

const (
	restLookEvery = 2 * time.Second
	restAfter     = 3 // looks without work in a row
)

// returnMemory returns memory to the system whenever the process comes to rest after work, until stop is called. Go
// collects when the program has allocated enough. A process at rest allocates nothing, so it would keep the garbage of
// its work. At work, Go's own setting is as good as others; docs/adr/0022 has the measurements.
func returnMemory() (stop func()) {
	ended := make(chan struct{})
	go func() {
		ticker := time.NewTicker(restLookEvery)
		defer ticker.Stop()
		var r rest
		for {
			select {
			case <-ticker.C:
				if r.due(processorTime()) {
					debug.FreeOSMemory()
					debug.FreeOSMemory() // a sync.Pool keeps its content for one collection
					r.returned(processorTime())
				}
			case <-ended:
				return
			}
		}
	}()
	return func() { close(ended) }
}

// rest finds the moment when a process that worked has come to rest.
type rest struct {
	last time.Duration // processor time at the last look
	idle int           // looks since the last work
	done bool          // memory was returned since the last work
}

// due is whether memory is to be returned now. processor is the processor time that the
// process has used.
func (r *rest) due(processor time.Duration) bool {
	worked := processor - r.last
	r.last = processor
	if worked > restLookEvery/5 {
		r.idle, r.done = 0, false
		return false
	}
	r.idle++
	return r.idle >= restAfter && !r.done
}

// returned notes that memory was returned. In a large heap that takes long, and its
// processor time does not count as work: a process at rest would return memory for ever.
func (r *rest) returned(processor time.Duration) { r.last, r.done = processor, true }

// processorTime is the processor time that the process has used.
func processorTime() time.Duration {
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
