package bootstrap

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"anomalydetector/configs"
)

// sameRequest is how long after a signal another one belongs to the same request: timeout(1) and some
// service managers send SIGTERM to the process and again to its group.
const sameRequest = time.Second

// lastMoment is how long a process that ends at once waits for what can be closed.
const lastMoment = time.Second

// requests are the signals that ask for a stop. Those within sameRequest of one that counts are the same
// request. The stop has one deadline, whatever it waits for.
type requests struct {
	signals  <-chan os.Signal
	now      func() time.Time
	counted  time.Time       // when the last one that counts was read
	deadline <-chan struct{} // closed when the stop has taken too long; nil: none is under way
	atOnce   bool            // the process does not wait any more, except for lastMoment
	within   time.Duration   // how long a stop may take; 0: stopTimeout
}

// begin sets the deadline of the stop, unless it has one.
func (r *requests) begin() {
	if r.deadline == nil {
		r.deadline = closedAfter(r.bound() - lastMoment)
	}
}

// bound is how long a stop may take.
func (r *requests) bound() time.Duration { return cmp.Or(r.within, stopTimeout) }

// end makes the process end at once.
func (r *requests) end(why error) error {
	r.atOnce, r.deadline = true, closedAfter(lastMoment)
	return why
}

// closedAfter returns a channel that is closed after a time. Unlike that of time.After, each later wait
// for it ends, too.
func closedAfter(d time.Duration) <-chan struct{} {
	over := make(chan struct{})
	time.AfterFunc(d, func() { close(over) })
	return over
}

// counts tells whether a signal is a request of its own, and whether it is the first.
func (r *requests) counts() (counts, first bool) {
	now := r.now()
	first = r.counted.IsZero()
	if !first && now.Sub(r.counted) < sameRequest {
		return false, false
	}
	r.counted = now
	return true, first
}

// unwind stops everything in reverse order, until the deadline. A request to stop ends the wait for that,
// unless it is the first: then it asks for what is under way. What is not closed then, such as a data directory
// whose disk hangs, ends with the process. The next start copes with that, as it does after a crash.
func (r *requests) unwind(stops []func() error) error {
	r.begin()
	stopped := make(chan error, 1)
	go func() { stopped <- joinStops(stops) }()
	for {
		select {
		case err := <-stopped:
			return err
		case received := <-r.signals:
			if counts, first := r.counts(); counts && !first {
				return r.end(atOnce{received})
			}
		case <-r.deadline:
			if r.atOnce {
				return nil // the reason is told already
			}
			return r.end(longStop(r.bound()))
		}
	}
}

// longStop is the error of a process whose stop takes longer than it may.
type longStop time.Duration

func (l longStop) Error() string {
	return fmt.Sprintf("the stop took longer than %s: ended at once; what was not committed is read again at the next start", time.Duration(l))
}

// Limits of stopVariable. A clean stop needs some time for its last commit.
const (
	stopVariable = "DETECTOR_STOP_TIMEOUT"
	leastStop    = 3 * time.Second
	mostStop     = 10 * time.Minute
)

// stopWithin reads how long a stop may take. What starts the process may kill it after a time of its own: docker stop
// after 10 seconds, for example.
func stopWithin(env func(string) string) (time.Duration, error) {
	text := env(stopVariable)
	if text == "" {
		return stopTimeout, nil
	}
	within, err := time.ParseDuration(text)
	if err != nil || within < leastStop || within > mostStop {
		return 0, &configs.Error{File: "environment", Key: stopVariable, Problem: "the value is " + strconv.Quote(text),
			Expected: fmt.Sprintf("want a duration from %s to %s, such as 25s", leastStop, mostStop)}
	}
	return within, nil
}

// atOnce is the error of a process that another signal ends during its stop.
type atOnce struct{ signal os.Signal }

func (a atOnce) Error() string {
	return "another signal: ended at once; what was not committed is read again at the next start"
}

func (a atOnce) code() int { return signalCode(a.signal) }

// signalCode is the exit code that a shell would show if the signal had ended the process: 128 and its number.
func signalCode(signal os.Signal) int {
	number, _ := signal.(syscall.Signal)
	return 128 + int(number)
}

// writeWithin bounds the last write to standard error, which may be a pipe that nobody reads.
const writeWithin = time.Second

// lastWords prints to standard error, for at most writeWithin.
func lastWords(world World, text string) {
	written := make(chan struct{})
	go func() {
		fmt.Fprint(world.Stderr, text)
		close(written)
	}()
	select {
	case <-written:
	case <-time.After(writeWithin):
	}
}

// joinStops calls the functions in reverse order and joins their errors.
func joinStops(stops []func() error) error {
	var all error
	for i := len(stops) - 1; i >= 0; i-- {
		all = errors.Join(all, stops[i]())
	}
	return all
}
