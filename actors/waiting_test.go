package actors

import (
	"log/slog"
	"sync/atomic"
	"testing"

	"anomalydetector/messages"
	"anomalydetector/persistence"
)

// TestAssignmentWaitsForTheCheckpointThatIsWritten: it needs the state anew, which the write still holds.
func TestAssignmentWaitsForTheCheckpointThatIsWritten(t *testing.T) {
	var slow atomic.Bool
	writing, goOn := make(chan struct{}), make(chan struct{})
	store, err := persistence.OpenStore(t.TempDir(), persistence.Options{
		Log: slog.New(slog.DiscardHandler),
		BeforeWrite: func() error {
			if slow.CompareAndSwap(true, false) {
				close(writing)
				<-goOn
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	config := benchConfig()
	config.Store = store
	config.poison = func(_ string, message any) {
		if assignment, ok := message.(*messages.Assignment); ok && assignment.Generation == 2 {
			close(goOn) // the end of the write comes after the assignment
		}
	}
	b := newBench(t, config)
	slow.Store(true)
	b.score(t, b.bin(3))
	<-writing
	b.tell(&messages.Assignment{NoCommittedOffset: true, Generation: 2})
	if ready, ok := b.answer(t).(*messages.PhaseEntered); !ok || ready.Phase != messages.Ready || ready.Generation != 2 {
		t.Errorf("the partition answered %+v to its second assignment, want that it is ready", ready)
	}
}
