package actors

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/messages"
)

// explosive is a session whose Flush panics.
type explosive struct{}

func (explosive) Produce(*kgo.Record) {}

func (explosive) Flush(context.Context) error { panic("boom") }

// TestFlushIsAnsweredAfterAPanic, also if the panic comes when the last state has come.
func TestFlushIsAnsweredAfterAPanic(t *testing.T) {
	t.Parallel()
	for name, states := range map[string][]int32{"no state": nil, "one state": {3}, "two states": {3, 4}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }))
			defer system.Shutdown()
			spawned := make(chan *actor.PID, 1)
			system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
				if _, started := ctx.Message().(*actor.Started); started {
					spawned <- ctx.Spawn(producerProps(benchConfig()))
				}
			}))
			producer := <-spawned
			system.Root.Send(producer, &publishing{explosive{}})
			answer := system.Root.RequestFuture(producer, &messages.Flush{States: states}, 30*time.Second)
			for _, number := range states {
				system.Root.Send(producer, &messages.StateSaid{Partition: number})
			}
			flushed, err := answer.Result()
			if err != nil {
				t.Fatal(err)
			}
			if f, ok := flushed.(*messages.Flushed); !ok || f.Err == nil {
				t.Errorf("the flush was answered with %+v", flushed)
			}
		})
	}
}
