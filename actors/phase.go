package actors

import (
	"fmt"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
)

// phase is where a partition is in its life. enterPhase alone changes its name, along the table of messages.Phase. A
// partition scores slices and takes part in transactions only while it is ready.
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
	damaged               // what is stored could not be read, or is not what was written: it must not be used again
	undecided             // a record could not be decided on, so the windows are half changed
	historyFails          // the history could not be read
	storeFails            // the windows could not be stored, or the stored ones not opened
)

// ready tells whether the windows hold all records before position.next, so that the next record can be scored.
func (p *partition) ready() bool { return p.phase.name == messages.Ready }

// breakDown enters the phase broken. The detector logs an error that is not nil. It is nil if a messages.SliceFailed, or a log
// line of the partition, tells the reason.
func (p *partition) breakDown(ctx actor.Context, why breakage, err error) {
	p.enterPhase(ctx, messages.Broken, why, err)
}

// enterPhase is the one place where a partition changes its phase. It reports it to the detector.
func (p *partition) enterPhase(ctx actor.Context, name messages.Phase, why breakage, err error) {
	if !p.phase.name.LeadsTo(name) {
		panic(fmt.Sprintf("a partition that is %s cannot become %s", p.phase.name, name))
	}
	p.log.Debug("phase of the partition's windows", "from", p.phase.name, "to", name, "offset", p.position.next, "problem", err)
	p.phase.name, p.phase.why = name, why
	ctx.Send(ctx.Parent(), &messages.PhaseEntered{
		Partition: p.number, Generation: p.assigned.to.Generation, Phase: name, Err: err, Unstored: why == storeFails, Next: p.position.next, Records: p.assigned.replayed,
		Entities: p.known(), Cached: len(p.entities.byKey), StreamTime: p.history.StreamTime(), Open: p.openEpisodes(),
	})
}
