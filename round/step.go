package round

import "fmt"

// Step is what is under way. The package comment has the transitions.
type Step string

const (
	Opening    Step = "opening"
	Polling    Step = "polling"
	Scoring    Step = "scoring"
	Flushing   Step = "flushing"
	Discarding Step = "discarding"
	Ending     Step = "ending"
	Pausing    Step = "pausing"
	Reopening  Step = "reopening"
	Storing    Step = "storing"
	Closing    Step = "closing"
	Over       Step = "over"
)

// cuttable tells whether a stop may cut the step short without harm. A cancelled end of a transaction leaves the
// client unusable.
func (s Step) cuttable() bool {
	switch s {
	case Opening, Polling, Pausing, Reopening:
		return true
	}
	return false
}

// Mode is whether the detector goes on after the step under way.
type Mode string

const (
	Running  Mode = "running"
	Draining Mode = "draining"
	Stopping Mode = "stopping"
)

// enter is the only place where the step changes. It returns the effects that begin the step.
func (r *Round) enter(step Step, effects ...Effect) []Effect {
	r.step = step
	r.moves++
	return effects
}

// expect panics if an answer comes to a step that is not under way: two steps at once could commit a transaction
// that is still being written.
func (r *Round) expect(event string, steps ...Step) {
	for _, step := range steps {
		if r.step == step {
			return
		}
	}
	panic(fmt.Sprintf("%s while the detector is %s", event, r.step))
}
