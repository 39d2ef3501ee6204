package actors

import (
	"fmt"
	"log/slog"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/episode"
	"anomalydetector/messages"
)

// trackedPartition is what the detector knows of a partition that this process has, assigned or standby. Its phase is the one
// that the partition's actor has reported last, but for two that the detector enters itself: replaying when it sends an
// assignment, and unassigned when the actor is gone, or a slice or the session has failed. messages.Phase has the table.
type trackedPartition struct {
	number     int32
	role       messages.Role
	phase      messages.Phase    // enter changes it
	generation uint64            // of the assignment that was sent the last time; no two have the same
	given      uint64            // the session's number of that assignment
	topic      messages.Identity // of that assignment
	pid        *actor.PID        // nil: it has no actor
	contact    *contact          // how questions get to the actor
	replay     replayProgress
	census     census
	health     health
	extent
}

// replayProgress is how many offsets the replay of an assignment has read, and has still to read. ReplayProgressed
// writes it.
type replayProgress struct{ done, pending int64 }

// census is the latest report of the partition's actor about its entities.
type census struct {
	entities   int   // cached or stored
	cached     int   // in memory
	streamTime int64 // Unix milliseconds; 0: not known yet
	open       [episode.Kinds]int
}

// health tells whether the partition's checkpoints succeed, and whether its actor makes progress.
type health struct {
	scored  bool  // it has scored a slice of the running transaction
	proving bool  // a slice of it was committed: the next checkpoint that succeeds is progress
	saves   int64 // checkpoints that succeeded or failed
	unsaved int   // checkpoints that failed in a row
	problem error // of the last checkpoint; nil: it succeeded
}

func newTrackedPartition(number int32, role messages.Role) *trackedPartition {
	return &trackedPartition{number: number, role: role, phase: messages.Unassigned}
}

// enter is the only place where the phase changes.
func (t *trackedPartition) enter(log *slog.Logger, phase messages.Phase) {
	if phase != messages.Unassigned && !t.phase.LeadsTo(phase) {
		panic(fmt.Sprintf("partition %d is %s and cannot become %s", t.number, t.phase, phase))
	}
	if t.phase != phase {
		log.Debug("partition enters a phase", "partition", t.number, "role", t.role, "from", t.phase, "to", phase)
	}
	t.phase = phase
}

func (t *trackedPartition) standby() bool { return t.role == messages.RoleStandby }

func (t *trackedPartition) ready() bool { return t.phase == messages.Ready }

// scores tells whether the partition can be sent a slice.
func (t *trackedPartition) scores() bool { return t.ready() && !t.standby() }

// transacts tells whether the partition must be told how a transaction ends.
func (t *trackedPartition) transacts() bool { return t.pid != nil && !t.standby() }

// prepares tells whether the partition is on its way to the offset of its assignment.
func (t *trackedPartition) prepares() bool {
	return t.phase == messages.Importing || t.phase == messages.Replaying
}

// awaitsAssignment tells whether the partition needs an assignment, even one that it has had before.
func (t *trackedPartition) awaitsAssignment() bool {
	return t.phase == messages.Unassigned || t.phase == messages.Broken
}

// answers tells whether a report of the partition's actor is about the latest assignment.
func (t *trackedPartition) answers(generation uint64) bool {
	return t.generation == generation && !t.awaitsAssignment()
}
