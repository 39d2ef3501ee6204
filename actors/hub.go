package actors

import (
	"anomalydetector/broadcast"
	"anomalydetector/messages"
)

// Hub tells watchers what happens in the detectors of a process. The zero value is ready.
type Hub struct{ broadcast.Hub[Event] }

// Watcher takes the events of a hub. Its Lost counts findings and changed states.
type Watcher = broadcast.Watcher[Event]

// Event is something that happened in a detector. It is immutable, with all that it
// points to. Exactly one of Findings and Report is set.
type Event struct {
	Detector string             // the name of its configuration
	Findings []messages.Finding // of a committed transaction; at least one
	Report   *Report            // the state of the detector or of a partition has changed
}

// committed tells the watchers what a committed transaction found.
func (h *Hub) committed(detector string, findings []messages.Finding) {
	if h != nil && len(findings) > 0 {
		h.Tell(Event{Detector: detector, Findings: findings}, int64(len(findings)))
	}
}

// reported tells the watchers of a report if it differs from the one before in more than numbers.
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
