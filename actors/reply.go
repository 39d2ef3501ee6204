package actors

import (
	"context"
	"errors"

	"github.com/asynkron/protoactor-go/actor"
)

// reply is the address for the answer to one question. The library has futures for this, but they have a data race
// between an answer and the timeout.
type reply struct {
	answer chan any // has room for one
}

// SendUserMessage takes the answer. Of several answers the first counts.
func (r *reply) SendUserMessage(_ *actor.PID, message any) {
	_, answer, _ := actor.UnwrapEnvelope(message)
	select {
	case r.answer <- answer:
	default:
	}
}

// SendSystemMessage does nothing: no actor watches a reply.
func (*reply) SendSystemMessage(*actor.PID, any) {}

// Stop does nothing: a reply has nothing to stop.
func (*reply) Stop(*actor.PID) {}

var (
	errNoDeadline = errors.New("a question needs a deadline")
	errEnded      = errors.New("the detector has ended")
)

// ask sends a question, and waits for the answer until the context ends. The context needs a deadline. The error is
// errEnded if the actor has ended.
func ask[Answer any](ctx context.Context, root *actor.RootContext, pid *actor.PID, question any) (answer Answer, err error) {
	if _, has := ctx.Deadline(); !has {
		return answer, errNoDeadline
	}
	r := &reply{make(chan any, 1)}
	registry := root.ActorSystem().ProcessRegistry
	own, added := registry.Add(r, "question"+registry.NextId())
	if !added {
		return answer, errors.New("the address for the answer is taken")
	}
	defer registry.Remove(own)
	root.RequestWithCustomSender(pid, question, own)
	select {
	case got := <-r.answer:
		if answer, is := got.(Answer); is {
			return answer, nil
		}
		return answer, errEnded // the library answers a question to an actor that has ended
	case <-ctx.Done():
		return answer, ctx.Err()
	}
}
