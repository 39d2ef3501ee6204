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
	kept     bool                 // the windows of before are brought forward; false: they are rebuilt from the topic
	replayed int64                // records replayed since the assignment
	reading  uint64               // number of the latest source: a message of an older one is stale
	stop     func()               // ends the source under way; nil: there is none
}

// began notes that a source is under way, and returns its number.
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

// from tells whether a message with this number is of the source under way.
func (a *assigned) from(reading uint64) bool { return reading == a.reading && a.stop != nil }

// missing is how many offsets a replay would read at most.
func (p *partition) missing() int64 {
	if p.assigned.kept {
		return p.assigned.to.Offset - p.position.next
	}
	return p.assigned.to.Offset
}

// assign brings the windows to the assignment's offset. It brings windows forward that are behind that offset, in memory or on
// disk. If there are none, it rebuilds them from the topic.
func (p *partition) assign(ctx actor.Context, assignment *messages.Assignment) {
	if p.stored.writing != nil {
		p.assigned.waiting = assignment
		return
	}
	p.assigned.cancel()
	p.rollBack(ctx)
	another := p.assigned.to.Topic.Differs(assignment.Topic)
	if another { // its late records and refusals are of the former topic
		p.history.ForgetTopic()
		clear(p.refused)
	}
	p.assigned.to, p.assigned.replayed = *assignment, 0
	p.shared.topic = assignment.Topic.Topic
	p.assigned.kept = p.ready() && !another && !assignment.NoCommittedOffset && p.position.next <= assignment.Offset
	if !p.assigned.kept {
		p.dropWindows()
		p.episodes = newEpisodes(p) // those in memory may be of a transaction that was aborted
		var err error
		if p.assigned.kept, err = p.restore(); err != nil {
			p.breakDown(ctx, cmp.Or(p.phase.why, storeFails), err) // what was damaged stays so for the next assignment
			return
		}
	}
	p.bringEpisodes(ctx)
}

// bringForward brings the windows forward, by an import or a replay.
func (p *partition) bringForward(ctx actor.Context) {
	if p.importPays() {
		p.beginImport(ctx)
		return
	}
	p.replay(ctx)
}

// dropWindows drops all windows, so that the next replay begins without any.
func (p *partition) dropWindows() {
	p.entities.clear()
	p.ahead = ahead{} // it refers to entities, and these to others
	p.history.BeginAnew()
}
