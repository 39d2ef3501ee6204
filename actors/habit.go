package actors

import (
	"fmt"
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/detection"
	"anomalydetector/messages"
	"anomalydetector/persistence"
)

// How an entity runs the method habit: it has a state of habits in place of a window. The state does not follow from the points that it keeps, so
// checkpoints store the state itself.

// newHabit makes a state of a stored one and the points after it, or of points alone. The error wraps persistence.ErrCorrupt.
func newHabit(rules *detection.HabitRules, state []byte, points []persistence.Point) (*detection.Habit, error) {
	h := new(detection.Habit)
	if len(state) > 0 {
		if err := h.ParseState(rules, state); err != nil {
			return nil, fmt.Errorf("%w: %w", persistence.ErrCorrupt, err)
		}
	}
	for _, point := range points {
		h.Observe(rules, 0, point.At, point.Value)
	}
	return h, nil
}

// observeHabit takes a datapoint. A late record whose judgement may need points that are missing is incomplete even if the entity has newer points:
// these do not put an end to what the missing ones have left in the state.
func (e *entity) observeHabit(ctx actor.Context, o *messages.Observation, answer *messages.Observed) {
	rules := e.shared.habit
	switch {
	case !o.Scored:
		e.habit.Observe(rules, o.Epoch, o.At, o.Value)
		return
	case o.At < o.CompleteFrom:
		answer.Incomplete = true
		return
	}
	judgement := e.habit.Add(rules, o.Epoch, o.At, o.Value)
	answer.Verdict = judgement.Verdict
	if judgement.Reason == detection.Anomalous {
		answer.Refused = e.report(ctx, o, &answer.Verdict, &judgement)
	}
}

func (e *entity) tailOfHabit(q *messages.WindowQuery, answer *messages.WindowTail) {
	points := e.habit.All()
	if q.Level {
		points = e.habit.Level()
	}
	for at, value := range points {
		answer.Points = append(answer.Points, messages.WindowPoint{At: at, Value: value})
	}
	answer.Live = len(answer.Points)
	answer.Points = slices.Delete(answer.Points, 0, max(0, answer.Live-q.Count))
}
