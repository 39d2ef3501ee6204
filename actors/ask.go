package actors

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/detection"
	"anomalydetector/messages"
)

// How other packages ask a detector and its partitions. An answer waits until the actor has processed its current
// message, but never for the broker.

// statusAsked is answered with statusAnswer, by a detector.
type statusAsked struct{}

type statusAnswer struct {
	status   messages.DetectorStatus
	askables []askable // the partitions of the status that have an actor
}

// askable is a partition that can be asked, because it has an actor.
type askable struct {
	status  messages.PartitionStatus
	pid     *actor.PID
	contact *contact
}

// contact is what a question to a partition needs. It is immutable once the partition is spawned; the partition closes
// gone.
type contact struct {
	directory *actor.PID    // for searches
	fields    int           // how many fields a key has
	gone      chan struct{} // closed when the partition answers no more
}

func newContact(config *Config) *contact {
	return &contact{fields: len(config.KeyFields), gone: make(chan struct{})}
}

// entityAsked asks a partition for an entity. The channel has room for the answer.
type entityAsked struct {
	key    string
	answer chan<- *entityAnswer
}

type entityAnswer struct {
	known  bool
	status messages.EntityStatus
	err    error
}

// AskStatus asks a detector for its status. The context needs a deadline. An error says that the detector has ended, or did not
// answer in time.
func AskStatus(ctx context.Context, root *actor.RootContext, detector *actor.PID) (messages.DetectorStatus, error) {
	answer, err := ask[*statusAnswer](ctx, root, detector, &statusAsked{})
	if err != nil {
		return messages.DetectorStatus{}, err
	}
	return answer.status, nil
}

// AskEntity asks all partitions of a detector, assigned and standby, for an entity. Asked lists the assigned partitions
// that have answered. The context needs a deadline. An error is the one of some partition; found and asked still hold
// the answers of the others.
func AskEntity(ctx context.Context, root *actor.RootContext, detector *actor.PID, key string) (found []messages.EntityStatus, asked []int32, err error) {
	answer, err := ask[*statusAnswer](ctx, root, detector, &statusAsked{})
	if err != nil {
		return nil, nil, err
	}
	answers := make([]chan *entityAnswer, len(answer.askables))
	for i, partition := range answer.askables {
		answers[i] = make(chan *entityAnswer, 1)
		root.Send(partition.pid, &entityAsked{key, answers[i]})
	}
	for i, partition := range answer.askables {
		one, failed := partition.await(ctx, answers[i])
		switch {
		case failed != nil:
			err = fmt.Errorf("partition %d: %w", partition.status.Partition, failed)
			continue
		case one.known:
			one.status.Role, one.status.Phase = partition.status.Role, partition.status.Phase
			found = append(found, one.status)
		}
		if partition.status.Role == messages.RoleAssigned {
			asked = append(asked, partition.status.Partition)
		}
	}
	return found, asked, err
}

var errGivenUp = errors.New("it is no longer on this node")

// awaitAnswer waits for an answer, until the partition is gone or the context ends. An answer that was given before
// the end counts.
func awaitAnswer[T any](ctx context.Context, answer <-chan T, gone <-chan struct{}) (given T, err error) {
	select {
	case given = <-answer:
		return given, nil
	case <-gone:
		select {
		case given = <-answer:
			return given, nil
		default:
			return given, errGivenUp
		}
	case <-ctx.Done():
		return given, ctx.Err()
	}
}

// await waits for what a partition knows of an entity.
func (a *askable) await(ctx context.Context, answer <-chan *entityAnswer) (*entityAnswer, error) {
	one, err := awaitAnswer(ctx, answer, a.contact.gone)
	if err != nil {
		return nil, err
	}
	return one, one.err
}

// asked answers a question about an entity at once, because stored entities can be read while a checkpoint is being written.
func (p *partition) asked(q *entityAsked) { q.answer <- p.answer(q.key) }

// answer is what the partition knows of an entity. It does not cache an entity that is only stored.
func (p *partition) answer(key string) *entityAnswer {
	if p.shared.habit != nil {
		return p.answerHabit(key)
	}
	var window []messages.WindowPoint
	if known, cached := p.entities.byKey[key]; cached {
		tail, err := p.askWindow(known, &messages.WindowQuery{Count: math.MaxInt})
		if err != nil {
			return &entityAnswer{err: err}
		}
		window = slices.Clone(tail.Points)
	} else if p.uncached() > 0 {
		points, err := p.stored.state.Peek(key)
		if err != nil {
			return &entityAnswer{err: err}
		}
		for _, point := range points {
			window = append(window, messages.WindowPoint(point))
		}
	}
	if len(window) == 0 {
		return &entityAnswer{}
	}
	return &entityAnswer{known: true, status: p.describe(window)}
}

// describe summarizes a window that is not empty.
func (p *partition) describe(window []messages.WindowPoint) messages.EntityStatus {
	values := make([]float64, len(window))
	for i, point := range window {
		values[i] = point.Value
	}
	s := p.shared.scorer.Summarize(values)
	status := messages.EntityStatus{
		Partition: p.number, Offset: p.position.next, Points: s.Points, Needed: s.Needed, Full: s.Full, Scored: s.Scored, Window: window,
		Coverage: min(float64(s.Points)/float64(max(s.Full, 1)), 1),
	}
	if s.Scored {
		status.Median, status.Scale, status.Low, status.High = finite(s.Median), finite(s.Scale), finite(s.Low), finite(s.High)
	}
	if s.LastScored {
		status.LastDeviation = finite(s.LastDeviation)
	}
	return status
}

// describeHabit describes an entity by its state of the method habit. The state has a point.
func (p *partition) describeHabit(habit *detection.Habit, rules *detection.HabitRules) messages.EntityStatus {
	points := habit.Recall(rules)
	about := &messages.HabitStatus{Hours: rules.KeptHours()}
	status := messages.EntityStatus{
		Partition: p.number, Offset: p.position.next, Points: len(points), Needed: rules.Needed(), Full: rules.Full(), Habit: about,
		Coverage: min(float64(len(points))/float64(max(rules.Full(), 1)), 1),
	}
	for _, point := range points {
		status.Window = append(status.Window, messages.WindowPoint{At: point.At, Value: point.Value})
		e := messages.Expectation{Known: point.Known, Exact: point.Exact, Expected: point.Expected, Low: point.Low, High: point.High}
		if finite(e.Low) == nil || finite(e.High) == nil {
			e = messages.Expectation{}
		}
		about.Expected = append(about.Expected, e)
	}
	if at, ok := habit.Next(rules, p.history.StreamTime()); ok {
		next := habit.Expect(rules, at)
		about.Next = at
		if status.Scored = next.Reason != detection.TooFewPoints; status.Scored {
			status.Median, status.Scale, status.Low, status.High = finite(next.Median), finite(next.Scale), finite(next.Low), finite(next.High)
		}
	}
	if j := habit.Latest(rules); j.Reason != detection.TooFewPoints {
		status.LastDeviation = finite(j.Deviation)
		about.Last = &messages.Judgement{Anomalous: j.Reason == detection.Anomalous, Test: j.Test.String(), Expected: finite(j.Median),
			Low: finite(j.Low), High: finite(j.High), Mean: finite(j.Mean), UsualMean: finite(j.Usual)}
	}
	return status
}

// finite returns nil for NaN and the infinities, for which JSON has no number.
func finite(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}
