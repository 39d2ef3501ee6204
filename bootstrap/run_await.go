package bootstrap

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// sameRequest is how long after a signal another one belongs to the same request: timeout(1) and some
// service managers send SIGTERM to the process and again to its group.
const sameRequest = time.Second

// stopPhase is how far the process is with its stop. waiting.enter is the only function that changes it.
//
//	working  ──a signal, or a failure──> gentle
//	gentle   ──another signal, if detectors wait for successors──> hurried
//	gentle or hurried ──another signal, or stopTimeout──> the process ends at once
//
// The first signal after a failure changes nothing: it asks for the stop that is under way.
type stopPhase int

const (
	working stopPhase = iota // no stop is under way
	gentle                   // detectors commit what they have read, and may wait for successors on other nodes
	hurried                  // detectors do not wait for successors any more
)

// waiting waits until all detectors have ended. Signals within a second of one that counts are the same
// request. SIGHUP reopens the log files and never stops anything.
type waiting struct {
	world   *World
	results <-chan error // of each detector, once
	running int          // detectors
	stopAll func(reason string, atOnce bool)
	others  bool // there may be successors on other nodes, for which a stop waits
	reopen  func()

	phase    stopPhase
	failed   error
	deadline <-chan time.Time // of the stop; nil while working
	counted  time.Time        // when the last signal that counts came
}

func (w *waiting) await() error {
	for w.running > 0 {
		select {
		case err := <-w.results:
			w.running--
			if err != nil {
				w.failed = told(err, w.failed)
				if w.phase == working {
					w.enter(gentle, "another detector failed")
				}
			}
		case received := <-w.world.Signals:
			if err := w.signal(received); err != nil {
				return err
			}
		case <-w.world.Hangups:
			w.reopen()
		case <-w.deadline:
			return fmt.Errorf("the stop took longer than %s: ended at once; what was not committed is read again at the next start", stopTimeout)
		}
	}
	return w.failed
}

// told is the end of the process after a detector's failure, which is in the log.
func told(err, before error) error {
	if errors.Is(err, errUnusable) || errors.Is(before, errUnusable) {
		return errors.Join(errTold, errUnusable)
	}
	return errTold
}

// enter enters a phase of the stop, and tells the detectors.
func (w *waiting) enter(next stopPhase, reason string) {
	w.phase = next
	if next == gentle {
		w.deadline = time.After(stopTimeout)
	}
	w.stopAll(reason, next == hurried)
}

// signal returns an error if the process is to end at once.
func (w *waiting) signal(received os.Signal) error {
	now, first := w.world.Now(), w.counted.IsZero()
	if !first && now.Sub(w.counted) < sameRequest {
		return nil
	}
	w.counted = now
	switch {
	case w.phase == working:
		w.enter(gentle, strings.ToUpper(received.String()))
	case first: // a failure began the stop
	case w.phase == gentle && w.others:
		w.enter(hurried, "another signal")
	default:
		return errors.New("another signal: ended at once; what was not committed is read again at the next start")
	}
	return nil
}
