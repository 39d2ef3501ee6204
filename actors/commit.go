package actors

import (
	"errors"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
	"anomalydetector/persistence"
)

// What a partition does when the transaction ends. It stores what was committed, and undoes what was aborted.

// commit stores the windows in a checkpoint, or postpones it. The next abort goes back to them. A partition that is not ready has
// nothing in the transaction, so it only answers. No checkpoint is being written, because the detector waits for the last answer.
func (p *partition) commit(ctx actor.Context, more bool) {
	if !p.ready() {
		p.checkpointed(ctx, &messages.Checkpointed{})
		return
	}
	p.position.epoch++
	p.position.committed = p.position.next
	p.refused.committed(p.position.next)
	p.history.Committed(p.position.next)
	if p.stored.state != nil {
		p.commitEpisodes()
		p.stored.state.Commit() // first: an abort must not undo these points, even if the sweep fails
		p.stored.state.Behind(more)
	}
	if p.postpone(more) {
		p.config.measure().Postponed()
		p.checkpointed(ctx, &messages.Checkpointed{Postponed: true})
		return
	}
	if err := p.sweep(); err != nil {
		p.checkpointed(ctx, &messages.Checkpointed{Err: err})
		return
	}
	p.checkpoint(ctx, p.position.next, func(ctx actor.Context, w *checkpointWritten) {
		if p.stored.state != nil {
			p.config.measure().Checkpoint(w.took, w.err == nil)
		}
		p.checkpointed(ctx, &messages.Checkpointed{Stored: w.err == nil, Err: w.err})
	})
}

// checkpointed answers a commit.
func (p *partition) checkpointed(ctx actor.Context, answer *messages.Checkpointed) {
	if errors.Is(answer.Err, persistence.ErrCorrupt) {
		p.log.Error("the stored state is corrupt, rebuilding its partition", "error", answer.Err)
		p.breakDown(ctx, damaged, nil)
		answer.Err = nil
	}
	answer.Partition, answer.Cached = p.number, len(p.entities.byKey)
	ctx.Send(ctx.Parent(), answer)
}

// rollBack goes back to the last commit. A partition that is not ready changes nothing: none of its points belongs to the
// transaction, or its windows are going to be rebuilt.
func (p *partition) rollBack(ctx actor.Context) {
	if !p.ready() || p.position.next == p.position.committed {
		return
	}
	message := &messages.EntityRollBack{Epoch: p.position.epoch}
	for _, entity := range p.entities.byKey {
		p.deliver(entity, message)
	}
	p.rollBackEpisodes(ctx)
	if p.stored.state != nil {
		p.stored.state.RollBack()
	}
	p.position.epoch++
	p.position.next = p.position.committed
}
