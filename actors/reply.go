package actors

import (
	"context"
	"errors"

	"github.com/asynkron/protoactor-go/actor"
)

// reply is the address that the answer to one question goes to. The library has futures
// for that, but an answer that comes as the future gives up is a data race in it.
type reply struct {
	answer chan any // has room for one
}

// SendUserMessage takes the answer; of several the first counts.
func (r *reply) SendUserMessage(_ *actor.PID, message any) {
	_, answer, _ := actor.UnwrapEnvelope(message)
	select {
	case r.answer <- answer:
	default:
	}
}

// SendSystemMessage: nobody watches whoever asks.
func (*reply) SendSystemMessage(*actor.PID, any) {}

// Stop: there is nothing to stop.
func (*reply) Stop(*actor.PID) {}

var (
	errNoDeadline = errors.New("a question needs a deadline")
	errEnded      = errors.New("it has ended")
)

// ask sends a question and waits for the answer, at most until the deadline of the context.
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
		return answer, errEnded // the library answers for an actor that there is not
	case <-ctx.Done():
		return answer, ctx.Err()
	}
}
