package actors

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/messages"
)

// slowProducer is a session whose Produce returns only when everything else waits
// for it. Partition 0 is assigned to it. It polls a bad record of that partition
// together with a record of another partition, which fails the round.
type slowProducer struct {
	mu       sync.Mutex
	resumed  chan struct{}
	polled   bool
	happened []string
	over     chan struct{}
}

func (s *slowProducer) note(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.polled {
		s.happened = append(s.happened, what)
	}
}

func (s *slowProducer) Produce(*kgo.Record) {
	synctest.Wait()
	s.note("produced")
}

func (s *slowProducer) Flush(context.Context) error { return nil }

func (s *slowProducer) Poll(ctx context.Context, _ int) ([]messages.Slice, error) {
	select {
	case <-s.resumed:
	case <-ctx.Done():
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.polled {
		return nil, nil
	}
	s.polled = true
	record := func() []*kgo.Record { return []*kgo.Record{{Topic: "in", Timestamp: time.UnixMilli(0)}} }
	return []messages.Slice{{Partition: 0, Records: record()}, {Partition: 7, Records: record()}}, nil
}

func (s *slowProducer) End(_ context.Context, commit bool) (bool, error) {
	s.note("ended")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.polled {
		select {
		case s.over <- struct{}{}:
		default:
		}
	}
	return commit, nil
}

func (s *slowProducer) Assignments() ([]messages.Assignment, bool) {
	return []messages.Assignment{{Partition: 0, NoCommittedOffset: true, Generation: 1}}, true
}

func (s *slowProducer) Changed() bool        { return true }
func (s *slowProducer) Resume(int32, uint64) { close(s.resumed) }
func (s *slowProducer) Pause(int32)          {}
func (s *slowProducer) Close(bool)           {}

// detectorOf runs a detector whose session is the test's.
func detectorOf(t *testing.T, config *Config) (stop func(), ended <-chan error) {
	config.CommitInterval, config.Batch, config.Backoff = time.Second, DefaultBatch, time.Second
	config.OnProgress = func(Progress) {}
	over := make(chan error, 1)
	config.OnEnd = func(err error) { over <- err }
	system := systemInBubble(t)
	detector := system.Root.Spawn(DetectorProps(config))
	return func() { system.Root.Send(detector, &messages.Stop{Reason: "test"}) }, over
}

// systemInBubble is an actor system for a test with synctest. A message to an actor that has ended is a dead letter, and for a
// while after one a goroutine of the library waits. The bubble must not end before.
func systemInBubble(t *testing.T) *actor.ActorSystem {
	system := actor.NewActorSystem()
	t.Cleanup(func() {
		system.Shutdown()
		time.Sleep(2 * system.Config.DeadLetterThrottleInterval)
	})
	return system
}

// TestAbortWaitsForWhatIsOnItsWayToTheProducer: a record that arrives at the
// producer after the abort would be committed twice: with the next transaction, and
// when the round is repeated.
func TestAbortWaitsForWhatIsOnItsWayToTheProducer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		session := &slowProducer{resumed: make(chan struct{}), over: make(chan struct{}, 1)}
		config := benchConfig()
		config.WriteWithin = time.Second
		config.Open = func(context.Context) (Session, error) { return session, nil }
		stop, ended := detectorOf(t, config)
		<-session.over
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		session.mu.Lock()
		defer session.mu.Unlock()
		if at := slices.Index(session.happened, "ended"); at != 1 || session.happened[0] != "produced" {
			t.Errorf("in the aborted round happened %v, want produced before ended", session.happened)
		}
	})
}
