package actors

import (
	"fmt"
	"math"
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
	for i, point := range points {
		// Each point has an epoch of its own, so that nothing is kept to undo it. No transaction has these numbers.
		h.Observe(rules, math.MaxUint64-uint64(i%2), point.At, point.Value)
	}
	return h, nil
}

// CheckState returns why a state that comes from elsewhere is none that the method habit makes with these settings, or nil if it is one. Unfit has
// found its head fit, so the method is habit.
func (c *Config) CheckState(s persistence.State) error {
	var h detection.Habit
	if err := h.ParseState(c.Habit, s.Bytes); err != nil {
		return err
	}
	for at := range h.All() {
		if at > s.Newest {
			return fmt.Errorf("it has a point of %d, and its newest one is said to be of %d", at, s.Newest)
		}
	}
	return nil
}

// ownedAsked asks an entity for what the store keeps beside its points: its state of habits, or the outline of its window. The entity appends it.
type ownedAsked struct{ to []byte }

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
	var evidence detection.Evidence
	answer.Verdict = e.habit.Decide(rules, o.Epoch, o.At, o.Value, &evidence)
	if answer.Verdict.Reason == detection.Anomalous {
		judgement := rules.Judge(&evidence)
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

// peekHabit returns the state of an entity that is not cached, as it would be if it were; nil: nothing is stored of it.
func (p *partition) peekHabit(key string) (*detection.Habit, error) {
	state, points, err := p.stored.state.PeekState(key)
	if err != nil || state.Bytes == nil && len(points) == 0 {
		return nil, err
	}
	return newHabit(p.shared.habit, state.Bytes, points)
}

// answerHabit is answer with the method habit.
func (p *partition) answerHabit(key string) *entityAnswer {
	var habit *detection.Habit
	var err error
	if known, cached := p.entities.byKey[key]; cached {
		habit = known.actor.habit
	} else if p.uncached() > 0 {
		habit, err = p.peekHabit(key)
	}
	if err != nil || habit == nil || habit.Len() == 0 {
		return &entityAnswer{err: err}
	}
	return &entityAnswer{known: true, status: p.describeHabit(habit, p.shared.habit)}
}

// peekLevel returns the points of the level of an entity that is not cached.
func (p *partition) peekLevel(key string) (points []persistence.Point, err error) {
	h, err := p.peekHabit(key)
	if err != nil || h == nil {
		return nil, err
	}
	for at, value := range h.Level() {
		points = append(points, persistence.Point{At: at, Value: value})
	}
	return points, nil
}
