package actors

import (
	"time"

	"anomalydetector/messages"
	"anomalydetector/persistence"
)

// How a partition postpones checkpoints. At full speed the windows of few entities turn over in about a second. Most of what a
// checkpoint of each commit writes has then left the windows before the next start could need it.

// DefaultPostpone is the default of Config.Postpone. A start after a kill replays what is postponed.
const DefaultPostpone = 5 * time.Second

// postpone tells whether the checkpoint of a commit is left to a later commit. More says that another one follows soon. Points
// that windows have lost meanwhile are not stored. If very many are left, the checkpoint is written. A state of the method habit depends on
// points that have left its window, so none of them is dropped.
//
// Nothing is postponed while entities are evicted, because only a checkpoint evicts, and after a failed checkpoint, because it may
// have to remove entities that come back.
func (p *partition) postpone(more bool) bool {
	s := &p.stored
	if s.state == nil {
		return false
	}
	var room bool
	if p.shared.habit != nil {
		room = s.state.Room()
	} else {
		room = s.state.Shed(p.live)
	}
	if !more || !room || s.failed || p.config.MaxCached.Load() > 0 {
		return false
	}
	now := p.config.Now()
	if s.owed.IsZero() {
		s.owed = now
	}
	return now.Sub(s.owed) < p.config.Postpone
}

// live returns how many points a cached entity's window has. It wakes no window.
func (p *partition) live(e *persistence.Entity) int {
	p.deliver(p.entities.byKey[e.Key()], &messages.WindowQuery{})
	return p.shared.answers.tail.Live
}
