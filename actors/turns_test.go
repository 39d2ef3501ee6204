package actors

import (
	"slices"
	"testing"
	"time"

	"anomalydetector/messages"
)

func TestTurnsAreGivenInTheOrderOfTheWishes(t *testing.T) {
	turns := NewLimiter(2)
	var begun []string
	wish := func(name string) *permit {
		one := &permit{turns: turns, begun: func() { begun = append(begun, name) }}
		one.ask()
		return one
	}
	first, second, third, fourth, fifth := wish("first"), wish("second"), wish("third"), wish("fourth"), wish("fifth")
	check := func(when string, want ...string) {
		t.Helper()
		if !slices.Equal(begun, want) {
			t.Errorf("%s: %v have begun, want %v", when, begun, want)
		}
	}
	check("two at the same time", "first", "second")
	third.end()
	check("a wish is given up", "first", "second")
	first.end()
	check("one ends", "first", "second", "fourth")
	first.end()
	check("one ends that has ended", "first", "second", "fourth")
	first.ask()
	second.end()
	fourth.end()
	check("two end", "first", "second", "fourth", "fifth", "first")
	fifth.end()
	first.end()
	wish("sixth")
	wish("seventh")
	check("all have ended", "first", "second", "fourth", "fifth", "first", "sixth", "seventh")
}

func TestTurnsAreResizedWhileSomeHaveOne(t *testing.T) {
	turns := NewLimiter(2)
	begun := 0
	wish := func() *permit {
		one := &permit{turns: turns, begun: func() { begun++ }}
		one.ask()
		return one
	}
	first, second := wish(), wish()
	wish()
	wish()
	turns.Resize(1)
	first.end()
	if begun != 2 {
		t.Errorf("%d turns have begun while one of two was under way and one is allowed", begun)
	}
	second.end()
	if begun != 3 {
		t.Errorf("%d turns have begun, want 3: the next one when both have ended", begun)
	}
	turns.Resize(2)
	if begun != 4 {
		t.Errorf("%d turns have begun, want 4: two are allowed again", begun)
	}
}

// taken is a turn that has begun.
func taken(turns *Limiter) *permit {
	one := &permit{turns: turns, begun: func() {}}
	one.ask()
	return one
}

func TestPartitionAnswersWhileItWaitsForATurn(t *testing.T) {
	const entities = 4
	config := benchConfig()
	config.Limiter = NewLimiter(1)
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
	case <-time.After(30 * time.Second):
		t.Fatal("no answer")
	}
	select {
	case done := <-b.answers:
		t.Fatalf("%+v before its turn", done)
	default:
	}
	other.end()
	if done, ok := b.answer(t).(*messages.SliceDone); !ok || done.Next != next[entities-1].Offset+1 {
		t.Errorf("the slice ended with %+v", done)
	}
}

func TestPartitionThatStopsGivesUpItsTurn(t *testing.T) {
	config := benchConfig()
	config.Limiter = NewLimiter(1)
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
	(&permit{turns: config.Limiter, begun: func() { close(next) }}).ask()
	other.end()
	select {
	case <-next:
	default:
		t.Error("the turn went to a partition that has stopped")
	}
}
