package broadcast

import (
	"sync"
	"sync/atomic"
)

// Hub hands each event to all its watchers. A watcher without room loses the event, and
// counts it. Any number of goroutines may use a hub. The zero value is ready.
type Hub[Event any] struct {
	watching atomic.Int64

	mu       sync.Mutex // held while an event is handed out, which waits for nobody
	watchers map[*Watcher[Event]]struct{}
}

// Watcher takes the events of a hub from C.
type Watcher[Event any] struct {
	C    <-chan Event
	hub  *Hub[Event]
	room chan Event
	lost atomic.Int64
}

// Watch begins to take events. At most room of them wait to be read; the watcher loses the rest.
func (h *Hub[Event]) Watch(room int) *Watcher[Event] {
	events := make(chan Event, room)
	w := &Watcher[Event]{C: events, hub: h, room: events}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.watchers == nil {
		h.watchers = make(map[*Watcher[Event]]struct{})
	}
	h.watchers[w] = struct{}{}
	h.watching.Add(1)
	return w
}

// Close ends the watching: C is closed after what waits. It may be called twice.
func (w *Watcher[Event]) Close() {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	if _, watches := w.hub.watchers[w]; watches {
		delete(w.hub.watchers, w)
		w.hub.watching.Add(-1)
		close(w.room)
	}
}

// Lost is how much the watcher has lost so far: the sum of the weights of events.
func (w *Watcher[Event]) Lost() int64 { return w.lost.Load() }

// Watched tells whether anybody watches. It costs next to nothing.
func (h *Hub[Event]) Watched() bool { return h.watching.Load() > 0 }

// Tell hands an event to all that watch. The weight is how much it counts if it is lost.
func (h *Hub[Event]) Tell(event Event, weight int64) {
	if !h.Watched() {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.watchers {
		select {
		case w.room <- event:
		default:
			w.lost.Add(weight)
		}
	}
}
