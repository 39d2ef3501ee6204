package actors

import (
	"context"
	"fmt"
	"math"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
)

// How the outside asks a detector and its partitions. A question waits for what
// the actor does at the moment, never for the broker.

// statusAsked is answered with statusAnswer, by a detector.
type statusAsked struct{}

type statusAnswer struct {
	status   messages.DetectorStatus
	askables []askable // those of the partitions of the status that have an actor
}

// askable is a partition that can be asked.
type askable struct {
	status    messages.PartitionStatus
	pid       *actor.PID
	residents *residents
}

// entityAsked asks a partition, which answers on a channel that has room.
type entityAsked struct {
	key    string
	answer chan<- *entityAnswer
}

type entityAnswer struct {
	known  bool
	status messages.EntityStatus
	err    error
}

// AskStatus asks a detector how it is.
func AskStatus(ctx context.Context, root *actor.RootContext, detector *actor.PID) (messages.DetectorStatus, error) {
	answer, err := ask[*statusAnswer](ctx, root, detector, &statusAsked{})
	if err != nil {
		return messages.DetectorStatus{}, err
	}
	return answer.status, nil
}

// AskEntity asks the partitions of a detector for an entity, but for those that
// surely know nothing of it, and tells of which of its own the answer is. An error is
// that of some partition, and what others have found is there all the same.
func AskEntity(ctx context.Context, root *actor.RootContext, detector *actor.PID, key string) (found []messages.EntityStatus, asked []int32, err error) {
	answer, err := ask[*statusAnswer](ctx, root, detector, &statusAsked{})
	if err != nil {
		return nil, nil, err
	}
	answers := make([]chan *entityAnswer, len(answer.askables))
	for i, partition := range answer.askables {
		answers[i] = make(chan *entityAnswer, 1)
		partition.ask(root, &entityAsked{key, answers[i]})
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

// ask asks the partition, unless it surely knows nothing of the entity. Whether the
// entity is stored is looked up on the side: the store waits for what is being written.
func (a *askable) ask(root *actor.RootContext, question *entityAsked) {
	switch resident, absent := a.residents.find(question.key); {
	case resident:
		root.Send(a.pid, question)
	case absent == 0:
		question.answer <- &entityAnswer{}
	default:
		go func() {
			if stored, err := a.residents.stored(question.key); err == nil && !stored {
				question.answer <- &entityAnswer{}
				return
			}
			root.Send(a.pid, question)
		}()
	}
}

// await waits for an answer.
func (a *askable) await(ctx context.Context, answer <-chan *entityAnswer) (*entityAnswer, error) {
	select {
	case one := <-answer:
		return one, one.err
	case <-a.residents.gone:
		return nil, errGivenUp
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// asked answers a question, at once if it can: what is stored cannot be read while
// it is written.
func (p *partition) asked(ctx actor.Context, q *entityAsked) {
	if _, resident := p.entities.byKey[q.key]; p.saving != nil && !resident && p.entities.absent > 0 {
		p.postponed = append(p.postponed, q)
		return
	}
	q.answer <- p.answer(ctx, q.key)
}

// answer is what a partition knows of an entity. One that is not resident stays
// so.
func (p *partition) answer(ctx actor.Context, key string) *entityAnswer {
	var window []messages.WindowPoint
	take := func(at int64, value float64) { window = append(window, messages.WindowPoint{At: at, Value: value}) }
	if known, resident := p.entities.byKey[key]; resident {
		p.askWindow(ctx.ActorSystem().Root, known, &messages.WindowTail{Count: math.MaxInt, Take: take})
	} else if p.state != nil && p.saving == nil {
		points, err := p.state.Peek(key)
		if err != nil {
			return &entityAnswer{err: err}
		}
		for _, point := range points {
			take(point.At, point.Value)
		}
	}
	if len(window) == 0 {
		return &entityAnswer{}
	}
	return &entityAnswer{known: true, status: p.describe(window)}
}

// askWindow asks an entity for its window. Two may do so at the same time: a question,
// and the checkpoint that is being written.
func (p *partition) askWindow(root *actor.RootContext, entity *child, message *messages.WindowTail) {
	p.windows.Lock()
	defer p.windows.Unlock()
	root.Send(entity.pid, message)
	p.check() // no answer is not an empty window
}

// describe sums up a window.
func (p *partition) describe(window []messages.WindowPoint) messages.EntityStatus {
	values := make([]float64, len(window))
	for i, point := range window {
		values[i] = point.Value
	}
	s := p.shared.scorer.Summarize(values)
	status := messages.EntityStatus{
		Partition: p.number, Offset: p.next, Points: s.Points, Needed: s.Needed, Full: s.Full, Scored: s.Scored, Window: window,
		Coverage: min(float64(s.Points)/float64(max(s.Full, 1)), 1),
	}
	if s.Scored {
		status.Median, status.Scale, status.Low, status.High = finite(s.Median), finite(s.Unit), finite(s.Low), finite(s.High)
	}
	if s.LastScored {
		status.LastDeviation = finite(s.LastDeviation)
	}
	return status
}

// finite is nil for what JSON has no number for.
func finite(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}
