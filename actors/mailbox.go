package actors

import (
	"fmt"

	"github.com/asynkron/protoactor-go/actor"
)

// direct is an entity's mailbox. It has no queue: it delivers a message at once, on the sender's goroutine. So Send
// returns after the entity has processed the message. That is safe only because an entity has one sender, its partition,
// which also starts and stops it on the same goroutine, and because an entity never sends to itself.
//
// The library does the same with a queue and the synchronized dispatcher. But that allocates for each message
// (measured: 16 B), and keeps a ring of ten messages for each idle entity.
type direct struct {
	invoker   actor.MessageInvoker
	suspended bool // the entity panicked: it takes no message until it is stopped
}

func newDirect() actor.Mailbox { return &direct{} }

func (d *direct) RegisterHandlers(invoker actor.MessageInvoker, _ actor.Dispatcher) {
	d.invoker = invoker
}

func (d *direct) PostUserMessage(message any) {
	if !d.suspended {
		defer d.escalate(message)
		d.invoker.InvokeUserMessage(message)
	}
}

func (d *direct) PostSystemMessage(message any) {
	switch message.(type) {
	case *actor.SuspendMailbox:
		d.suspended = true
	case *actor.ResumeMailbox:
		d.suspended = false
	default:
		defer d.escalate(message)
		d.invoker.InvokeSystemMessage(message)
	}
}

// escalate leaves a panic with the partition, and makes the library stop the entity.
func (d *direct) escalate(message any) {
	if cause := recover(); cause != nil {
		f := caught(fmt.Sprintf("an entity, taking %T", message), cause)
		if context, ok := d.invoker.(interface{ Actor() actor.Actor }); ok {
			if e, ok := context.Actor().(interface{ fell(*fault) }); ok {
				e.fell(f)
			}
		}
		d.invoker.EscalateFailure(cause, message)
	}
}

func (d *direct) Start()                {}
func (d *direct) UserMessageCount() int { return 0 }
