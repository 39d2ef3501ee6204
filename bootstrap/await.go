package bootstrap

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// sameRequest is how far apart signals are that are one request: timeout sends
// SIGTERM to the process and to its group, and so do some service managers.
const sameRequest = time.Second

// waiting waits until all detectors have ended.
//
// The first signal and the first failure stop the detectors. Another signal ends
// their waiting for other nodes, if they may do that; the next one, or a stop that
// takes too long, ends all. Signals within a second of one that counts are the same
// request. SIGHUP never stops anything.
type waiting struct {
	world   *World
	results <-chan error // of each detector, once
	running int          // detectors
	stopAll func(reason string, atOnce bool)
	others  bool // a stop may wait for other nodes
	reopen  func()

	failed   error
	deadline <-chan time.Time // of the stop; nil: none is under way
	counted  time.Time        // when the last signal came that counts
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

// stop begins the stop, once.
func (w *waiting) stop(reason string) {
	if w.deadline == nil {
		w.deadline = time.After(stopTimeout)
		w.stopAll(reason, false)
	}
}

// signal returns an error if all is to end at once.
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
