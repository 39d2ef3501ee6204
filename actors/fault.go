package actors

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/twmb/franz-go/pkg/kgo"
)

// How a panic is handled. The actor library by itself would stop the actor without a word.
//
//   - A guard recovers a panic in the Receive of each actor except entities. It calls the actor's fell,
//     which logs the fault and tells the detector.
//   - deliver adds to a panic of an entity whose it is. It stays a panic of the partition, because one of
//     the partition's windows may be half changed.
//   - A goroutine that an actor starts recovers its panic, and answers with the fault.
//
// The detector counts a partition's faults in a row (falls.go), and ends after the third one without
// progress.

// fault is a recovered panic.
type fault struct {
	in     string // what panicked
	cause  any
	stack  []byte
	entity string // the key of the entity that panicked; empty: none
}

func (f *fault) Error() string { return fmt.Sprintf("panic in %s: %v", f.in, f.cause) }

// caught makes a fault of a cause that recover returned. It must be called in the deferred function, where the
// stack is still the one of the panic. A cause that is a fault already stays the same fault.
func caught(in string, cause any) *fault {
	if f, ok := cause.(*fault); ok {
		return f
	}
	return &fault{in: in, cause: cause, stack: debug.Stack()}
}

// isFault finds the fault in an error, and returns false if there is none.
func isFault(err error) (*fault, bool) {
	var f *fault
	return f, errors.As(err, &f)
}

// tellFault logs and counts a fault, on any goroutine. It must be called once a fault. The record is the one that was
// being processed; nil: none.
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

// safely runs a function, and returns a fault if it panics.
func safely(in string, do func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = caught(in, cause)
		}
	}()
	return do()
}

// guarded is an actor behind a guard.
type guarded interface {
	actor.Actor
	// fell is called after a panic. The message of the context is the one that caused it.
	fell(ctx actor.Context, f *fault)
}

// guard recovers the panics in an actor's Receive.
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
