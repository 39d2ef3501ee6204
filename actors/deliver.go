package actors

import (
	"fmt"

	"github.com/asynkron/protoactor-go/actor"
)

// How a message gets to an entity. An entity is an actor that only its partition knows: it has no entry in the actor
// system's registry, no PID and no mailbox. deliver calls its Receive at once, on the partition's goroutine, so it has
// processed the message when deliver returns. Nobody else can send it anything.
//
// A spawned actor of the library takes nine allocations, three entries in maps, and half a kilobyte. There may be a
// million new entities in a bin; see docs/adr/0039-entities-have-no-name.md.

// entityContext is the context of the entity that processes a message: its partition's context, with that message. One
// serves all entities of a partition, because one entity runs at a time.
type entityContext struct {
	actor.Context // of the partition
	message       any
}

func (c *entityContext) Message() any { return c.message }

// deliver has an entity process a message. If the entity panics, deliver panics with the fault, because a window may be half
// changed: the partition falls.
func (p *partition) deliver(to *child, message any) {
	defer to.actor.blame(message)
	context := &p.shared.context
	context.message = message
	if p.config.poison != nil {
		p.config.poison("entity of "+partitionName(p.number), message)
	}
	to.actor.Receive(context)
}

// blame adds to a panic that it is the entity's.
func (e *entity) blame(message any) {
	if cause := recover(); cause != nil {
		f := caught(fmt.Sprintf("an entity, taking %T", message), cause)
		f.entity = e.key
		panic(f)
	}
}
