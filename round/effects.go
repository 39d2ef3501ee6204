package round

import (
	"fmt"
	"strings"
	"time"

	"anomalydetector/messages"
)

// Effect is what the detector's actor has to do. Its text is the one of the transcripts.
type Effect interface{ String() string }

// These effects begin a step. Each is answered with the event that ends the step.
type (
	// Open opens a session.
	Open struct{}
	// Poll waits at most For until there are records, and takes at most Limit of them.
	Poll struct {
		For   time.Duration
		Limit int
	}
	// Score sends each partition its slice.
	Score struct{ Slices []messages.Slice }
	// Flush asks the producer to answer when the broker has acknowledged all records.
	Flush struct{}
	// Discard asks the producer to answer when nothing is on its way to it any more.
	Discard struct{}
	// End ends the transaction.
	End struct{ Commit bool }
	// Pause does nothing for a while.
	Pause struct{ For time.Duration }
	// Reopen closes the session, and stays a member of the group; then it pauses.
	Reopen struct {
		Err   error // of the session
		InRow int   // sessions that failed one after the other
		Pause time.Duration
	}
	// Close closes the session for good. A member that does not leave keeps its partitions for a restart.
	Close struct {
		Leave       bool
		Uncommitted error // why the last transaction could not be committed; nil: nothing is lost with the session
	}
)

// These effects are over when they have been run.
type (
	// Conclude tells the partitions how the transaction ended.
	Conclude struct {
		Committed   bool
		More        bool // another commit follows soon: partitions may postpone their checkpoints
		Transaction Transaction
	}
	// Store tells partitions that have postponed a checkpoint to write it.
	Store struct{ Partitions []int32 }
	// Reload lets partitions whose slice failed be assigned anew.
	Reload struct{ Failed []*messages.SliceFailed }
	// Unassign lets all assigned partitions be assigned anew, by the next session.
	Unassign struct{}
	// Reconcile makes the partitions agree with what the group has assigned. It is answered with Reconciled.
	Reconcile struct{}
	// Cut cuts the step under way short. The step is answered as ever.
	Cut struct{}
	// Drain waits beside the step until the successors have the partitions' windows. It is answered with Drained.
	Drain struct{}
	// Hurry cuts Drain short.
	Hurry struct{}
	// StopIntake says that nothing is polled because the partitions cannot store their state.
	StopIntake struct{ Problem error }
	// ResumeIntake says that the partitions can store their state again.
	ResumeIntake struct{ StoppedFor time.Duration }
	// Finish ends the detector.
	Finish struct {
		Err    error // nil after a clean stop
		AtOnce bool  // a step may still be under way: the session has to be closed when it is over
	}
)

func (Open) String() string           { return "open" }
func (Flush) String() string          { return "flush" }
func (Discard) String() string        { return "discard" }
func (p Pause) String() string        { return "pause " + p.For.String() }
func (r Reopen) String() string       { return "reopen in " + r.Pause.String() }
func (Unassign) String() string       { return "unassign all" }
func (Reconcile) String() string      { return "reconcile" }
func (Cut) String() string            { return "cut" }
func (Drain) String() string          { return "drain" }
func (Hurry) String() string          { return "hurry" }
func (s StopIntake) String() string   { return "stop intake: " + s.Problem.Error() }
func (r ResumeIntake) String() string { return "resume intake after " + r.StoppedFor.String() }

func (p Poll) String() string {
	if p.Limit == DefaultBatch {
		return "poll " + p.For.String()
	}
	return fmt.Sprintf("poll %s for %d records", p.For, p.Limit)
}

func (s Score) String() string {
	var text strings.Builder
	text.WriteString("score")
	for _, slice := range s.Slices {
		fmt.Fprintf(&text, " p%d", slice.Partition)
	}
	return text.String()
}

func (e End) String() string {
	if e.Commit {
		return "end with a commit"
	}
	return "end with an abort"
}

func (c Close) String() string {
	text := "close and stay"
	if c.Leave {
		text = "close and leave"
	}
	if c.Uncommitted != nil {
		text += " uncommitted"
	}
	return text
}

func (c Conclude) String() string {
	text := "conclude aborted"
	if c.Committed {
		text = "conclude committed"
	}
	if c.Transaction.Empty() {
		text += " nothing"
	}
	if c.More {
		text += ", more to come"
	}
	return text
}

func (s Store) String() string {
	text := "store"
	for _, partition := range s.Partitions {
		text += fmt.Sprintf(" p%d", partition)
	}
	return text
}

func (r Reload) String() string {
	var text strings.Builder
	text.WriteString("reload")
	for _, failed := range r.Failed {
		fmt.Fprintf(&text, " p%d", failed.Partition)
	}
	return text.String()
}

func (f Finish) String() string {
	text := "finish"
	if f.AtOnce {
		text += " at once"
	}
	if f.Err != nil {
		text += ": " + f.Err.Error()
	}
	return text
}
