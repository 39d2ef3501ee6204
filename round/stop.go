package round

import (
	"errors"
	"time"
)

// Stop asks for the end of the detector. With successors it goes on until these are ready, unless it is to end at
// once.
func (r *Round) Stop(now time.Time, atOnce, successors bool) []Effect {
	switch {
	case r.mode == Running && successors && !atOnce:
		r.mode = Draining
		return []Effect{Drain{}}
	case r.mode == Running:
		return r.halt(now)
	case r.mode == Draining && atOnce:
		return []Effect{Hurry{}}
	}
	return nil
}

// Drained says that the successors are ready, or will not be.
func (r *Round) Drained(now time.Time) []Effect { return r.halt(now) }

// Fail stops the detector for a failure that waiting does not cure.
func (r *Round) Fail(now time.Time, err error) []Effect {
	r.note(err)
	return r.halt(now)
}

// BreakOff ends the detector at once, in the middle of whatever it does. What was not committed is read again at the
// next start.
func (r *Round) BreakOff(err error) []Effect {
	if r.step == Over {
		return nil
	}
	r.join(err)
	return r.enter(Over, Finish{Err: r.result, AtOnce: true})
}

// Overdue tells whether stopping takes longer than it may.
func (r *Round) Overdue(now time.Time) bool {
	return r.mode == Stopping && r.step != Over && r.config.StopWithin > 0 && now.Sub(r.stopped) >= r.config.StopWithin
}

// halt begins to stop: the step under way is cut short or finished.
func (r *Round) halt(now time.Time) []Effect {
	if r.mode == Stopping {
		return nil
	}
	r.mode, r.stopped = Stopping, now
	if r.step.cuttable() {
		return []Effect{Cut{}}
	}
	return nil
}

// fail is Fail between two steps, when there is nothing to cut.
func (r *Round) fail(now time.Time, err error) {
	r.note(err)
	r.halt(now)
}

// note keeps the first failure.
func (r *Round) note(err error) {
	if r.result == nil {
		r.result = err
	}
}

// join adds an error to what the detector ends with.
func (r *Round) join(err error) {
	if r.result != nil {
		err = errors.Join(r.result, err)
	}
	r.result = err
}
