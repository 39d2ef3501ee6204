package actors

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// TestAnswerThatComesAtTheDeadlineIsNoRace, just before it or just after it. Run it with
// the race detector.
func TestAnswerThatComesAtTheDeadlineIsNoRace(t *testing.T) {
	system := actor.NewActorSystem()
	defer system.Shutdown()
	pid := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if _, is := ctx.Message().(*statusAsked); is {
			ctx.Respond(&statusAnswer{})
		}
	}))
	for i := range 2000 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i%100)*time.Microsecond)
		answer, err := ask[*statusAnswer](ctx, system.Root, pid, &statusAsked{})
		cancel()
		if (err != nil || answer == nil) && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("answer %v, error %v", answer, err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if answer, err := ask[*statusAnswer](ctx, system.Root, pid, &statusAsked{}); err != nil || answer == nil {
		t.Errorf("with time enough: %v, %v", answer, err)
	}
}

func TestActorThatHasEndedIsToldAtOnce(t *testing.T) {
	system := actor.NewActorSystem()
	defer system.Shutdown()
	pid := system.Root.Spawn(actor.PropsFromFunc(func(actor.Context) {}))
	if err := system.Root.StopFuture(pid).Wait(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := ask[*statusAnswer](ctx, system.Root, pid, &statusAsked{}); !errors.Is(err, errEnded) {
		t.Errorf("error %v, want that it has ended", err)
	}
	if _, err := ask[*statusAnswer](context.Background(), system.Root, pid, &statusAsked{}); !errors.Is(err, errNoDeadline) {
		t.Errorf("without a deadline: %v", err)
	}
}
