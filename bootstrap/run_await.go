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

// waiting waits until all detectors have ended. Its state is what the requests to stop have brought:
//
//	running ──first signal, or first failure──> stopping
//	stopping ──another signal, with other nodes──> stopping without waiting for successors
//	stopping ──another signal──> ended at once
//	stopping ──stopTimeout──> ended at once
//
// Signals within a second of one that counts are the same request. SIGHUP reopens the log files and
// never stops anything.
type waiting struct {
	world   *World
	results <-chan error // of each detector, once
	running int          // detectors
	stopAll func(reason string, atOnce bool)
	others  bool // a stop may still wait for successors on other nodes
	reopen  func()

	failed   error
	deadline <-chan time.Time // of the stop; nil: none is under way
	counted  time.Time        // when the last signal that counts came
}

func (w *waiting) await() error {
	for w.running > 0 {
		select {
		case err := <-w.results:
			w.running--
			if err != nil {
				w.failed = errTold
				w.stop("another detector failed")
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

// stop begins the stop. Further calls do nothing.
func (w *waiting) stop(reason string) {
	if w.deadline == nil {
		w.deadline = time.After(stopTimeout)
		w.stopAll(reason, false)
	}
}

// signal returns an error if the process is to end at once.
func (w *waiting) signal(received os.Signal) error {
	now, first := w.world.Now(), w.counted.IsZero()
	if !first && now.Sub(w.counted) < sameRequest {
		return nil
	}
	w.counted = now
	switch {
	case first:
		w.stop(strings.ToUpper(received.String())) // does nothing if a failure began the stop
	case w.others:
		w.others = false
		w.stopAll("another signal", true)
	default:
		return errors.New("another signal: ended at once; what was not committed is read again at the next start")
	}
	return nil
}
