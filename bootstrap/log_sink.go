package bootstrap

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// sinkBytes is how much of the log may wait for a target that does not take it.
	sinkBytes = 1 << 20
	// sinkPatience is how long a closing sink waits for such a target.
	sinkPatience = 500 * time.Millisecond
	// repeatLoss is the least time between two reports of failed writes.
	repeatLoss = time.Minute
)

// sink writes whole lines to a target on a goroutine of its own, so that a target that is gone, full or
// blocked never stops the goroutine that logs. Lines that the target does not take are lost; the sink
// counts them and reports the count on stderr.
type sink struct {
	name   string    // of the target, for reports
	target io.Writer // written by the sink's goroutine only
	tend   func()    // called before each write, and by nudge; nil: nothing to do
	stderr io.Writer
	now    func() time.Time

	total atomic.Int64 // lines lost

	wake  chan struct{} // lines wait, tend is wanted, or the sink closes
	ended chan struct{} // closed when the sink's goroutine has ended

	mu      sync.Mutex
	waiting []byte
	spare   []byte
	writing int       // lines that the target was given and has not taken yet
	full    int       // lines lost since the last write because too much waited
	stuck   time.Time // when it was last reported that too much waits
	closing bool

	// Used by the sink's goroutine only.
	failing bool      // a failure was reported, and no write has succeeded since
	told    time.Time // when the last failure was reported
	lost    int       // lines lost and not reported yet
	torn    bool      // the target took only a part of its last line
}

func newSink(name string, target io.Writer, tend func(), stderr io.Writer, now func() time.Time) *sink {
	s := &sink{
		name: name, target: target, tend: tend, stderr: stderr, now: now,
		wake: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	go s.run()
	return s
}

// Write queues lines, or counts them as lost if too much waits. It never blocks and never fails.
func (s *sink) Write(lines []byte) (int, error) {
	s.mu.Lock()
	report := false
	if s.closing || len(s.waiting)+len(lines) > sinkBytes {
		s.full += countLines(lines)
		s.total.Add(int64(countLines(lines)))
		// The sink's goroutine cannot report it: it waits for the target.
		if now := s.now(); !s.closing && (s.stuck.IsZero() || now.Sub(s.stuck) >= repeatLoss) {
			s.stuck, report = now, true
		}
	} else {
		s.waiting = append(s.waiting, lines...)
	}
	s.mu.Unlock()
	if report {
		s.tell("%s takes nothing; detection goes on, and lines of the log are lost from now on", s.name)
	}
	s.nudge()
	return len(lines), nil
}

// nudge wakes the sink's goroutine.
func (s *sink) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// close waits until the target has taken what waits, for at most sinkPatience. It returns whether the
// sink's goroutine has ended.
func (s *sink) close() bool {
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	s.nudge()
	select {
	case <-s.ended:
		return true
	case <-time.After(sinkPatience):
	}
	select {
	case <-s.ended: // both were ready, for example after a pause of the machine
		return true
	default:
	}
	s.mu.Lock()
	left := s.writing + countLines(s.waiting) + s.full
	s.total.Add(int64(left - s.full))
	s.mu.Unlock()
	if left > 0 {
		s.tell("%s does not take the last lines of the log, and %d of them were lost", s.name, left)
	}
	return false
}

func (s *sink) run() {
	defer close(s.ended)
	for range s.wake {
		lines, full, closing := s.take()
		if s.tend != nil {
			s.tend()
		}
		if len(lines) > 0 {
			s.write(lines)
			s.taken()
		}
		s.lost += full
		if full > 0 && !s.failing {
			s.tell("%s took nothing for a while, and %d lines of the log were lost", s.name, s.lost)
			s.lost = 0
		}
		if closing {
			break
		}
	}
	if s.lost > 0 {
		s.tell("%d lines of the log to %s were lost", s.lost, s.name)
	}
}

// take returns what waits. The slice is valid until the next call.
func (s *sink) take() (lines []byte, full int, closing bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines, full = s.waiting, s.full
	s.writing = countLines(lines)
	s.waiting, s.spare, s.full = s.spare[:0], lines, 0
	return lines, full, s.closing
}

// taken notes that the target has taken, or refused, what it was given.
func (s *sink) taken() {
	s.mu.Lock()
	s.writing = 0
	s.mu.Unlock()
}

// write writes lines to the target, and reports failures and their end.
func (s *sink) write(lines []byte) {
	if s.torn {
		lines = append([]byte{'\n'}, lines...)
	}
	written, err := s.target.Write(lines)
	if err == nil {
		s.torn = false
		if s.failing {
			s.tell("the log is written to %s again; %d lines of it were lost", s.name, s.lost)
			s.failing, s.lost = false, 0
		}
		return
	}
	if written > 0 {
		s.torn = lines[written-1] != '\n'
	}
	s.lost += countLines(lines[written:])
	s.total.Add(int64(countLines(lines[written:])))
	if now := s.now(); !s.failing && (s.told.IsZero() || now.Sub(s.told) >= repeatLoss) {
		s.failing, s.told = true, now
		s.tell("the log cannot be written to %s: %v; detection goes on, and the lines of the log are lost", s.name, err)
	}
}

// tell reports on stderr, and ignores its errors: there is no other place to report them.
func (s *sink) tell(format string, values ...any) {
	fmt.Fprintf(s.stderr, "anomalydetector: "+format+"\n", values...)
}

func countLines(text []byte) int { return bytes.Count(text, []byte{'\n'}) }
