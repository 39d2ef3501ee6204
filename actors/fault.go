package actors

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/twmb/franz-go/pkg/kgo"
)

// What becomes of a panic. The actor library would stop the actor and say nothing.
//
//   - Each actor but the entities is behind a guard, which recovers at its Receive. The
//     actor's fell tells the log and the detector, and the actor takes no more messages.
//   - An entity's mailbox recovers, and leaves the fault with its partition, which
//     panics with it: so a partition whose window is half changed ends.
//   - A goroutine that an actor starts recovers and answers with the fault.
//
// The detector counts the faults of a partition in a row (falls.go), and ends after the
// third one without progress.

// fault is a panic that was recovered.
type fault struct {
	in     string // what panicked
	cause  any
	stack  []byte
	entity string // "" if it is not one's
}

func (f *fault) Error() string { return fmt.Sprintf("panic in %s: %v", f.in, f.cause) }

// caught makes a fault of what recover returned, in the deferred function itself: the
// stack is that of the panic. One that was recovered before stays what it is.
func caught(in string, cause any) *fault {
	if f, ok := cause.(*fault); ok {
		return f
	}
	return &fault{in: in, cause: cause, stack: debug.Stack()}
}

// isFault finds the fault in an error that a goroutine answered with.
func isFault(err error) (*fault, bool) {
	var f *fault
	return f, errors.As(err, &f)
}

// tellFault logs and counts a fault. It is called once for each, and may be called by any
// goroutine. The record is the one that was at work; nil: none was.
func (c *Config) tellFault(log *slog.Logger, f *fault, record *kgo.Record) {
	c.Counts.Panics.Add(1)
	values := []any{"in", f.in}
	if record != nil {
		values = append(values, "offset", record.Offset)
	}
	if f.entity != "" {
		values = append(values, "entity", f.entity)
	}
	log.Error("panic", append(values, "cause", fmt.Sprint(f.cause), "stack", string(f.stack))...)
}

// safely runs what a goroutine does, and returns the fault if it panics.
func safely(in string, do func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = caught(in, cause)
		}
	}()
	return do()
}

// guarded is an actor that survives its panics, for as long as it takes to say so.
type guarded interface {
	actor.Actor
	// fell is called with the panic of a message, while it is the context's.
	fell(ctx actor.Context, f *fault)
}

// guard is the recover at an actor's Receive.
type guard struct {
	guarded
	name string
}

func (g *guard) Receive(ctx actor.Context) {
	defer func() {
		if cause := recover(); cause != nil {
			g.fell(ctx, caught(fmt.Sprintf("%s, taking %T", g.name, ctx.Message()), cause))
		}
	}()
	g.guarded.Receive(ctx)
}
