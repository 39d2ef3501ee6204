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
	config := benchConfig()
	ours := &member{}
	d := &Detector{
		config: config, partitions: map[int32]*member{0: ours}, saving: make(map[int32]struct{}), watching: watching{end: func() {}},
		falls: falls{loading: make(map[int32]int), working: make(map[int32]int)},
	}
	for range attempts {
		ours.pid, ours.ready = &actor.PID{}, true
		ours.scored, ours.proving = true, true // it has scored, and that was committed
		d.lost(nil, 0, ours, errors.New("panic"))
		d.checkpointed(nil, &messages.Checkpointed{Partition: 0})
	}
	if d.falls.working[0] != attempts || !d.stopping || d.result == nil {
		t.Errorf("%d panics in a row are counted, and the detector goes on: %t; want %d", d.falls.working[0], !d.stopping, attempts)
	}
	ours.proving = true
	d.checkpointed(nil, &messages.Checkpointed{Partition: 0})
	if d.falls.working[0] != 0 {
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
		system := actor.NewActorSystem()
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
		system.Shutdown()
	})
}
