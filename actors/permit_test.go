package actors

import (
	"testing"
	"time"

	"anomalydetector/limiter"
	"anomalydetector/messages"
)

// taken is a permit that has begun.
func taken(l *limiter.Limiter) *limiter.Permit {
	one := &limiter.Permit{Limiter: l, Begun: func() {}}
	one.Ask()
	return one
}

func TestPartitionAnswersWhileItWaitsForAPermit(t *testing.T) {
	const entities = 4
	config := benchConfig()
	config.Limiter = limiter.New(1)
	b := newBench(t, config)
	b.score(t, b.bin(entities))
	other := taken(config.Limiter)
	next := b.bin(entities)
	b.tell(&messages.Slice{Records: next})
	answers := make(chan *entityAnswer, 1)
	b.tell(&entityAsked{"-1,64513", answers})
	select {
	case answer := <-answers:
		if answer.err != nil || !answer.known || answer.status.Offset != next[0].Offset || len(answer.status.Window) != 1 {
			t.Errorf("the answer is %+v, want that of the one point so far", answer)
		}
	case <-time.After(waitAtMost):
		t.Fatal("no answer")
	}
	select {
	case done := <-b.answers:
		t.Fatalf("%+v before its permit began", done)
	default:
	}
	other.End()
	if done, ok := b.answer(t).(*messages.SliceDone); !ok || done.Next != next[entities-1].Offset+1 {
		t.Errorf("the slice ended with %+v", done)
	}
}

func TestPartitionThatStopsGivesUpItsPermit(t *testing.T) {
	config := benchConfig()
	config.Limiter = limiter.New(1)
	b := newBench(t, config)
	other := taken(config.Limiter)
	b.tell(&messages.Slice{Records: b.bin(1)})
	answers := make(chan *entityAnswer, 1)
	b.tell(&entityAsked{"nobody", answers}) // so that the slice has come
	<-answers
	if err := b.system.Root.StopFuture(b.partition).Wait(); err != nil {
		t.Fatal(err)
	}
	next := make(chan struct{})
	(&limiter.Permit{Limiter: config.Limiter, Begun: func() { close(next) }}).Ask()
	other.End()
	select {
	case <-next:
	default:
		t.Error("the permit went to a partition that has stopped")
	}
}
