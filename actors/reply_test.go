package actors

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// TestAnswerThatComesAtTheDeadlineIsNoRace: be it just before or just after.
func TestAnswerThatComesAtTheDeadlineIsNoRace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := actor.NewActorSystem()
		pid := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			if _, is := ctx.Message().(*statusAsked); is {
				time.Sleep(time.Second)
				ctx.Respond(&statusAnswer{})
			}
		}))
		answered := 0
		for range 100 {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			answer, err := ask[*statusAnswer](ctx, system.Root, pid, &statusAsked{})
			cancel()
			switch {
			case err == nil && answer != nil:
				answered++
			case !errors.Is(err, context.DeadlineExceeded):
				t.Fatalf("answer %v, error %v", answer, err)
			}
			synctest.Wait()
		}
		t.Logf("%d of 100 answers were in time", answered)
		system.Root.Stop(pid)
		synctest.Wait()
		system.Shutdown()
	})
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
