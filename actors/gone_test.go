package actors

import (
	"log/slog"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
	"anomalydetector/persistence"
)

// TestPartitionThatHasLetGoOpensNothingAgain: an assignment reaches it while it waits for its directory to end.
func TestPartitionThatHasLetGoOpensNothingAgain(t *testing.T) {
	store, err := persistence.OpenStore(t.TempDir(), persistence.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	directoryStops, goOn := make(chan struct{}), make(chan struct{})
	config := benchConfig()
	config.Store = store
	config.poison = func(name string, message any) {
		if _, stopping := message.(*actor.Stopping); stopping && name == "directory" {
			close(directoryStops)
			<-goOn
		}
	}
	b := newBench(t, config)
	ended := b.system.Root.StopFuture(b.partition)
	<-directoryStops
	b.tell(&messages.Assignment{NoCommittedOffset: true, Generation: 2})
	// Its answer tells that the assignment has had its turn.
	if _, err := b.system.Root.RequestFuture(b.partition, &actor.Touch{}, 30*time.Second).Result(); err != nil {
		t.Error(err)
	}
	close(goOn)
	if err := ended.Wait(); err != nil {
		t.Fatal(err)
	}
	opened := make(chan error, 1)
	go func() {
		state, err := store.Partition(config.Name, 0)
		if err == nil {
			state.Close()
		}
		opened <- err
	}()
	select {
	case err := <-opened:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(waitAtMost):
		t.Error("a partition that has ended holds its state, so no other can open it")
	}
}
