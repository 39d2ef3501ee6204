package actors

import (
	"anomalydetector/broadcast"
	"anomalydetector/messages"
)

// Hub hands what happens in the detectors of a process to those who watch. The zero value
// is ready.
type Hub struct{ broadcast.Hub[Event] }

// Watcher takes the events of a hub. What it has lost is counted in findings and changes of
// state.
type Watcher = broadcast.Watcher[Event]

// Event is something that happened in a detector. It is immutable, with all that it
// points to. Exactly one of Findings and Report is set.
type Event struct {
	Detector string
	Findings []messages.Finding // of a transaction that was committed; at least one
	Report   *Report            // its state changed, or that of a partition
}

// committed tells what a transaction found.
func (h *Hub) committed(detector string, findings []messages.Finding) {
	if h != nil && len(findings) > 0 {
		h.Tell(Event{Detector: detector, Findings: findings}, int64(len(findings)))
	}
}

// reported tells of a report that differs from the one before in more than numbers.
func (h *Hub) reported(detector string, before, now *Report) {
	if h != nil && h.Watched() && (before == nil || changed(before, now)) {
		h.Tell(Event{Detector: detector, Report: now}, 1)
	}
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
