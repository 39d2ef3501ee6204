package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
)

// phase is where a partition is in its life. Only enter changes the name. The transitions are those of messages.Phase:
//
//	phase        what ends it                                          next
//	unassigned   an assignment                                         importing or replaying
//	importing    the fetch from other nodes has ended                  replaying
//	replaying    the history is read and stored                        ready
//	ready        another assignment                                    importing or replaying
//	any          its windows cannot be used any more                   broken
//	broken       another assignment                                    importing or replaying
//
// A partition scores slices and takes part in transactions only while it is ready.
type phase struct {
	name messages.Phase
	why  breakage // why it is broken
	over bool     // it panicked, and the detector is about to stop it: it takes no more messages
	gone bool     // letGo has released what it held
}

// breakage is why the windows of a partition cannot be used.
type breakage int

const (
	unbroken     breakage = iota
	tooShort              // a late record needs older history than was replayed
	damaged               // the stored state is corrupt, and must not be used again
	undecided             // a slice failed in the middle, so the windows are half changed
	historyFails          // the history could not be read or stored
)

// ready tells whether the windows hold all records before position.next, so that the next record can be scored.
func (p *partition) ready() bool { return p.phase.name == messages.Ready }

// enterPhase changes the phase, and reports it to the detector.
func (p *partition) enterPhase(ctx actor.Context, name messages.Phase) {
	p.enter(ctx, name, unbroken, nil)
}

// breakDown enters the phase broken. The detector logs an error that is not nil. It is nil if a messages.SliceFailed or a log
// line of the partition tells the reason.
func (p *partition) breakDown(ctx actor.Context, why breakage, err error) {
	p.enter(ctx, messages.Broken, why, err)
}

func (p *partition) enter(ctx actor.Context, name messages.Phase, why breakage, err error) {
	p.log.Debug("partition enters a phase", "phase", name, "from", p.phase.name, "offset", p.position.next, "error", err)
	p.phase.name, p.phase.why = name, why
	ctx.Send(ctx.Parent(), &messages.PhaseEntered{
		Partition: p.number, Generation: p.assigned.to.Generation, Phase: name, Err: err, Next: p.position.next, Records: p.assigned.replayed,
		Entities: p.known(), Cached: len(p.entities.byKey), StreamTime: p.history.StreamTime(),
	})
}
