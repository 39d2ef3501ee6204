package actors

import (
	"cmp"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
)

// assigned is a partition's latest assignment, and the source that its windows are brought forward from.
type assigned struct {
	to       messages.Assignment
	waiting  *messages.Assignment // one that came while a checkpoint was being written; nil: none
	kept     bool                 // windows of before go on; else they are built anew from the topic
	replayed int64                // records since the assignment
	reading  uint64               // number of the source under way: what comes of another one is stale
	stop     func()               // ends the source under way; nil: there is none
}

// began notes a source, and returns its number.
func (a *assigned) began(stop func()) uint64 {
	a.stop = stop
	a.reading++
	return a.reading
}

// cancel ends the source under way, if there is one.
func (a *assigned) cancel() {
	if a.stop != nil {
		a.stop()
		a.stop = nil
	}
}

// from tells whether something comes from the source under way.
func (a *assigned) from(reading uint64) bool { return reading == a.reading && a.stop != nil }

// missing is how many offsets a replay would read, at most.
func (p *partition) missing() int64 {
	if p.assigned.kept {
		return p.assigned.to.Offset - p.position.next
	}
	return p.assigned.to.Offset
}

// assign brings the windows up to the assignment's offset. Windows that are behind it, in memory or on disk, are brought
// forward; otherwise they are built anew.
func (p *partition) assign(ctx actor.Context, assignment *messages.Assignment) {
	if p.stored.writing != nil {
		p.assigned.waiting = assignment
		return
	}
	p.assigned.cancel()
	p.rollBack(ctx)
	another := p.assigned.to.Topic.Differs(assignment.Topic)
	if another { // what was known of late records is of the former topic
		p.history.ForgetTopic()
		clear(p.refused)
	}
	p.assigned.to, p.assigned.replayed = *assignment, 0
	p.shared.topic = assignment.Topic.Topic
	p.assigned.kept = p.ready() && !another && !assignment.NoCommittedOffset && p.position.next <= assignment.Offset
	if !p.assigned.kept {
		p.forget(ctx)
		var err error
		if p.assigned.kept, err = p.restore(); err != nil {
			p.breakDown(ctx, cmp.Or(p.phase.why, storeFails), err) // what was damaged stays so for the next assignment
			return
		}
	}
	if p.importPays() {
		p.beginImport(ctx)
		return
	}
	p.replay(ctx)
}

// forget drops all windows.
func (p *partition) forget(ctx actor.Context) {
	for _, entity := range p.entities.byKey {
		ctx.Stop(entity.pid)
	}
	p.entities.clear()
	p.history.BeginAnew()
}
