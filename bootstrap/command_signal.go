package bootstrap

import (
	"context"
	"errors"
	"os"
	"time"
)

// endedBy is the error of a command that a signal has ended before its end.
type endedBy struct {
	signal os.Signal
	before string // what has not happened
}

func (e endedBy) Error() string { return "interrupted before " + e.before }

func (e endedBy) code() int { return signalCode(e.signal) }

// cutBy is the error of a backtest that a signal has ended in its second pass.
func cutBy(ctx context.Context) error {
	var by endedBy
	if errors.As(context.Cause(ctx), &by) {
		by.before = "the pictures of the report were whole"
		return by
	}
	return ctx.Err()
}

// untilSignal returns a context that the first signal ends, with endedBy as its cause. Another one ends the process, unless it is the same
// request (sameRequest).
func untilSignal(world *World, before string) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() {
		select {
		case signal := <-world.Signals:
			cancel(endedBy{signal, before})
			for same := time.After(sameRequest); ; {
				select {
				case <-world.Signals:
				case <-same:
					world.Release()
					return
				}
			}
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// withinContext returns what read returns. An open of a pipe without a writer never ends: then the end of the context ends the wait, and
// leaves the open behind.
func withinContext[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type outcome struct {
		is  T
		err error
	}
	ended := make(chan outcome, 1)
	go func() {
		is, err := read()
		ended <- outcome{is, err}
	}()
	select {
	case o := <-ended:
		return o.is, o.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
