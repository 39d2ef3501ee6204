package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
)

// phase is where a partition is in its life. enterPhase alone changes its name; the transitions are those of messages.Phase:
//
//	phase        what ends it                                          next
//	unassigned   an assignment                                         importing or replaying
//	importing    the windows of another node are taken, or not         replaying
//	replaying    the history is read and stored                        ready
//	ready        another assignment                                    importing or replaying
//	any          its windows cannot be used any more                   broken
//	broken       another assignment                                    importing or replaying
//
// Slices are scored and transactions committed in ready alone.
type phase struct {
	name messages.Phase
	why  breakage // of broken
	over bool     // it panicked, and is about to be stopped: it takes no more messages
	gone bool     // it has let go of all that it held
}

// breakage is why the windows of a partition cannot be used.
type breakage int

const (
	unbroken     breakage = iota
	tooShort              // a late record needs older history than was replayed
	damaged               // what is stored could not be read, or is not what was written: it must not be used again
	undecided             // a record could not be decided on, so the windows are half changed
	historyFails          // the history could not be read
	storeFails            // the windows could not be stored, or the stored ones not opened
)

// ready tells whether the windows reach up to position.next, and records may be scored.
func (p *partition) ready() bool { return p.phase.name == messages.Ready }

// enterPhase is the one place where a partition changes its phase. It reports it to the detector.
func (p *partition) enterPhase(ctx actor.Context, name messages.Phase) {
	p.enter(ctx, name, unbroken, nil)
}

// breakDown enters the phase broken. An error is for people; nil: the detector learns it from a messages.SliceFailed.
func (p *partition) breakDown(ctx actor.Context, why breakage, err error) {
	p.enter(ctx, messages.Broken, why, err)
}

func (p *partition) enter(ctx actor.Context, name messages.Phase, why breakage, err error) {
	p.log.Debug("partition enters a phase", "phase", name, "from", p.phase.name, "offset", p.position.next, "error", err)
	p.phase.name, p.phase.why = name, why
	ctx.Send(ctx.Parent(), &messages.PhaseEntered{
		Partition: p.number, Generation: p.assigned.to.Generation, Phase: name, Err: err, Unstored: why == storeFails, Next: p.position.next, Records: p.assigned.replayed,
		Entities: p.known(), Cached: len(p.entities.byKey), StreamTime: p.history.StreamTime(),
	})
}
