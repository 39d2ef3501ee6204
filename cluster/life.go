package cluster

import (
	"slices"
	"time"
)

// phase is where this process is in its life as a member of one group. GroupWatcher.enter is the
// only function that changes it.
//
//	starting  ──Prepare: the other members own every partition──> preparing
//	starting  ──Prepare: it is needed at once, or nothing is stored──> joined
//	preparing ──Prepare returns──> joining
//	joining   ──it owns a partition, or joinAtMost has passed──> joined
//	any of them ──Drain──> draining ──Drain returns──> leaving
//
// A process that loses its membership and joins again stays joined.
type phase string

const (
	starting  phase = "starting"  // has not decided yet when to join
	preparing phase = "preparing" // outside of the group; copies the windows of its future share
	joining   phase = "joining"   // asks Kafka for its share; keeps those windows up to date meanwhile
	joined    phase = "joined"    // has its share, or joins without preparing
	draining  phase = "draining"  // about to leave; detects until its successors are ready
	leaving   phase = "leaving"   // its successors are ready, or it waits no longer: it leaves the group
)

var transitions = map[phase][]phase{
	starting:  {preparing, joined, draining},
	preparing: {joining, draining},
	joining:   {joined, draining},
	joined:    {draining},
	draining:  {leaving},
}

// keepsShare tells whether the partitions of the future share are standbys.
func (p phase) keepsShare() bool { return p == preparing || p == joining }

// stops tells whether the process leaves the group, so that it takes over nothing more.
func (p phase) stops() bool { return p == draining || p == leaving }

// enter enters a phase if the table above allows it; a process that drains stays on its way out. The
// caller holds the lock.
func (w *GroupWatcher) enter(next phase) bool {
	if !slices.Contains(transitions[w.phase], next) {
		return false
	}
	w.node.config.Log.Debug("phase of the membership", "detector", w.name, "from", string(w.phase), "to", string(next))
	w.phase = next
	switch next {
	case preparing:
		w.prepared = false
	case joining:
		w.joinBy = w.node.config.Now().Add(joinAtMost)
	}
	return true
}

// advance enters a phase from outside of the lock.
func (w *GroupWatcher) advance(next phase) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.enter(next)
}

// seeJoined ends the phase joining if its time has come, and returns the phase.
func (w *GroupWatcher) seeJoined(v view) phase {
	w.mu.Lock()
	defer w.mu.Unlock()
	owns := slices.ContainsFunc(v.members, func(m member) bool { return w.isUs(m) && len(m.Partitions) > 0 })
	if w.phase == joining && (owns || w.node.config.Now().After(w.joinBy)) {
		w.enter(joined)
	}
	return w.phase
}

const joinAtMost = 30 * time.Second // a group with enough partitions assigns a member its share sooner
