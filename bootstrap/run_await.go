package bootstrap

import (
	"errors"
	"os"
	"strings"
)

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

// waiting waits until all detectors have ended. SIGHUP never stops anything.
type waiting struct {
	*requests
	hangups <-chan os.Signal
	results <-chan error // of each detector, once
	running int          // detectors
	stopAll func(reason string, atOnce bool)
	others  bool // there may be successors on other nodes, for which a stop waits
	// reload reopens the log files and reads the configurations again. It closes the channel when that is done.
	reload  func() <-chan struct{}
	manager *notifier // nil: no service manager has started the process

	phase  stopPhase
	failed error
}

func (w *waiting) await() error {
	hangups, reloading := w.hangups, (<-chan struct{})(nil)
	var reloaded func() // tells the service manager that the reload is over
	for w.running > 0 {
		select {
		case err := <-w.results:
			w.running--
			if err != nil {
				w.failed = inTheLog(err, w.failed)
				if w.phase == working {
					w.enter(gentle, "another detector failed")
				}
			}
		case received := <-w.signals:
			if err := w.signal(received); err != nil {
				return err
			}
		case <-hangups:
			reloaded = w.manager.reload()
			hangups, reloading = nil, w.reload() // another SIGHUP waits
		case <-reloading:
			reloaded()
			hangups, reloading = w.hangups, nil
		case <-w.manager.ticks():
			w.manager.tick()
		case <-w.deadline:
			return w.end(longStop(w.bound()))
		}
	}
	return w.failed
}

// inTheLog is the end of the process after a detector's failure, which is in the log.
func inTheLog(err, before error) error {
	if errors.Is(err, errUnusable) || errors.Is(before, errUnusable) {
		return errors.Join(errTold, errUnusable)
	}
	return errTold
}

// enter enters a phase of the stop, and tells the detectors.
func (w *waiting) enter(next stopPhase, reason string) {
	w.phase = next
	if next == gentle {
		w.begin()
		w.manager.stop(reason)
	}
	w.stopAll(reason, next == hurried)
}

// signal returns an error if the process is to end at once.
func (w *waiting) signal(received os.Signal) error {
	counts, first := w.counts()
	if !counts {
		return nil
	}
	switch {
	case w.phase == working:
		w.enter(gentle, strings.ToUpper(received.String()))
	case first: // a failure began the stop
	case w.phase == gentle && w.others:
		w.enter(hurried, "another signal")
	default:
		return w.end(atOnce{received})
	}
	return nil
}
