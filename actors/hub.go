package actors

import (
	"sync"
	"sync/atomic"

	"anomalydetector/messages"
)

// Hub hands what happens in the detectors of a process to those who watch. It never
// blocks a detector: a watcher that has no room loses what happens then, and counts it;
// the watcher's owner has to tell. Any number of goroutines may use it. The zero value is ready.
type Hub struct {
	watching atomic.Int64

	mu       sync.Mutex // held while an event is handed out, which waits for nobody
	watchers map[*Watcher]struct{}
}

// Event is something that happened in a detector. It is immutable, with all that it
// points to. Exactly one of Findings and Report is set.
type Event struct {
	Detector string
	Findings []messages.Finding // of a transaction that was committed; at least one
	Report   *Report            // its state changed, or that of a partition
}

// Watcher takes the events of a hub from C.
type Watcher struct {
	C    <-chan Event
	hub  *Hub
	room chan Event
	lost atomic.Int64
}

// Watch begins to take events. At most room of them wait to be read; the watcher loses the rest.
func (h *Hub) Watch(room int) *Watcher {
	events := make(chan Event, room)
	w := &Watcher{C: events, hub: h, room: events}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.watchers == nil {
		h.watchers = make(map[*Watcher]struct{})
	}
	h.watchers[w] = struct{}{}
	h.watching.Add(1)
	return w
}

// Close ends the watching: C is closed after what waits. It may be called twice.
func (w *Watcher) Close() {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	if _, watches := w.hub.watchers[w]; watches {
		delete(w.hub.watchers, w)
		w.hub.watching.Add(-1)
		close(w.room)
	}
}

// Lost is what the watcher has lost so far: findings, and changes of state.
func (w *Watcher) Lost() int64 { return w.lost.Load() }

// tell hands an event to all that watch.
func (h *Hub) tell(event Event) {
	if h == nil || h.watching.Load() == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.watchers {
		select {
		case w.room <- event:
		default:
			w.lost.Add(max(int64(len(event.Findings)), 1))
		}
	}
}

// committed tells what a transaction found.
func (h *Hub) committed(detector string, findings []messages.Finding) {
	if len(findings) > 0 {
		h.tell(Event{Detector: detector, Findings: findings})
	}
}

// reported tells of a report that differs from the one before in more than numbers.
func (h *Hub) reported(detector string, before, now *Report) {
	if h == nil || h.watching.Load() == 0 || before != nil && !changed(before, now) {
		return
	}
	h.tell(Event{Detector: detector, Report: now})
}

func changed(before, now *Report) bool {
	a, b := &before.Status, &now.Status
	if a.State != b.State || a.Problem != b.Problem || len(a.Partitions) != len(b.Partitions) ||
		before.Paused != now.Paused || before.Joined != now.Joined || before.Ended != now.Ended {
		return true
	}
	for i := range a.Partitions {
		x, y := &a.Partitions[i], &b.Partitions[i]
		if x.Partition != y.Partition || x.Role != y.Role || x.Phase != y.Phase {
			return true
		}
	}
	return false
}
