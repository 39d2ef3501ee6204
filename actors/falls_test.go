package actors

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
)

// TestCheckpointOfNothingIsNoProgress: a partition that panics when it stores what it
// has scored has made none when its next actor stores that there is nothing new.
func TestCheckpointOfNothingIsNoProgress(t *testing.T) {
	ours := newTrackedPartition(0, messages.RoleAssigned)
	d := newDetector(benchConfig())
	d.partitions[0] = ours
	for range attempts {
		ours.pid, ours.phase = &actor.PID{}, messages.Ready
		ours.health.scored, ours.health.proving = true, true // it has scored, and that was committed
		d.lost(nil, ours, errors.New("panic"))
		d.checkpointed(nil, &messages.Checkpointed{Partition: 0})
	}
	if d.falls.scoring[0] != attempts || !d.stopping() || d.round.Result() == nil {
		t.Errorf("%d panics in a row are counted, and the detector goes on: %t; want %d", d.falls.scoring[0], !d.stopping(), attempts)
	}
	ours.health.proving = true
	d.checkpointed(nil, &messages.Checkpointed{Partition: 0}) // it replays: there was nothing to store
	if d.falls.scoring[0] == 0 {
		t.Error("nothing was stored, and that is progress")
	}
	d.checkpointed(nil, &messages.Checkpointed{Partition: 0, Stored: true})
	if d.falls.scoring[0] != 0 {
		t.Error("what was scored is stored, and that is no progress")
	}
}

// closing is a session that tells when it is closed, and hangs while it polls until it
// is cut short.
type closing struct {
	narrow
	polling atomic.Bool
	closed  atomic.Int64
	unsafe  atomic.Bool // it was closed while it polled
}

func (c *closing) Poll(ctx context.Context, _ int) ([]messages.Slice, error) {
	c.polling.Store(true)
	defer c.polling.Store(false)
	<-ctx.Done()
	return nil, nil
}

func (c *closing) Close(bool) {
	c.unsafe.Store(c.polling.Load())
	c.closed.Add(1)
}

// TestDetectorThatPanicsLetsGo of its session and of its ticks, and closes nothing that
// is at work.
func TestDetectorThatPanicsLetsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which waits for all goroutines
		session := &closing{}
		config := benchConfig()
		config.Now = time.Now
		config.OnProgress = func(Progress) {}
		config.Open = func(context.Context) (Session, error) { return session, nil }
		config.SetPoison(func(actor string, message any) {
			if _, asked := message.(*statusAsked); asked && actor == "detector" {
				panic("poison")
			}
		})
		ended := make(chan error, 1)
		config.OnEnd = func(err error) { ended <- err }
		system := systemInBubble(t)
		pid := system.Root.Spawn(DetectorProps(config))
		time.Sleep(500 * time.Millisecond)
		system.Root.Send(pid, &statusAsked{})
		if err := <-ended; err == nil {
			t.Error("it ended without an error")
		}
		time.Sleep(10 * time.Second)
		if session.closed.Load() != 1 || session.unsafe.Load() {
			t.Errorf("the session was closed %d times, while it polled: %t", session.closed.Load(), session.unsafe.Load())
		}
	})
}
