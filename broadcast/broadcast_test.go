package broadcast

import (
	"sync"
	"testing"
)

// TestSlowWatcherLosesWhatOthersGet, in order; the loss is counted, and nobody waits.
func TestSlowWatcherLosesWhatOthersGet(t *testing.T) {
	var h Hub[int]
	h.Tell(-1, 1) // nobody watches
	slow, quick := h.Watch(2), h.Watch(10)
	for i := range 5 {
		h.Tell(i, 2)
	}
	if slow.Lost() != 6 || quick.Lost() != 0 || h.watching.Load() != 2 {
		t.Errorf("lost are %d and %d, %d watch", slow.Lost(), quick.Lost(), h.watching.Load())
	}
	slow.Close()
	slow.Close()
	quick.Close()
	for w, want := range map[*Watcher[int]]int{slow: 2, quick: 5} {
		got := 0
		for event := range w.C {
			if event != got {
				t.Errorf("event %d is %d", got, event)
			}
			got++
		}
		if got != want {
			t.Errorf("%d events came, want %d", got, want)
		}
	}
	if h.watching.Load() != 0 || slow.Lost() != 6 {
		t.Errorf("in the end %d watch, %d are lost", h.watching.Load(), slow.Lost())
	}
}

// TestWatchersComeAndGoWhileEventsCome: what each has got and lost is all there was.
func TestWatchersComeAndGoWhileEventsCome(t *testing.T) {
	var h Hub[int]
	const senders, each = 4, 2000
	steady := h.Watch(8)
	var got int64
	var reading, telling, coming sync.WaitGroup
	reading.Go(func() {
		for range steady.C {
			got++
		}
	})
	for range senders {
		telling.Go(func() {
			for range each {
				h.Tell(0, 1)
			}
		})
		coming.Go(func() {
			for range 200 {
				w := h.Watch(1)
				w.Close()
				w.Lost()
			}
		})
	}
	telling.Wait()
	coming.Wait()
	steady.Close()
	reading.Wait()
	if got+steady.Lost() != senders*each {
		t.Errorf("%d came and %d were lost, want %d together", got, steady.Lost(), senders*each)
	}
}
