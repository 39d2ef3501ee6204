package actors

import (
	"errors"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
	"anomalydetector/persistence"
)

// What a partition does when the transaction ends. It stores what was committed, and undoes what was aborted.

// commit stores the windows in a checkpoint. The next abort goes back to them. A partition that is not ready has nothing in the
// transaction, so it only answers. No checkpoint is being written, because the detector waits for the last answer.
func (p *partition) commit(ctx actor.Context) {
	if !p.ready() {
		p.checkpointed(ctx, false, nil)
		return
	}
	p.position.epoch++
	p.position.committed = p.position.next
	p.refused.committed(p.position.next)
	p.history.Committed(p.position.next)
	if p.stored.state != nil {
		p.commitEpisodes()
		p.stored.state.Commit() // first: an abort must not undo these points, even if the sweep fails
	}
	if err := p.sweep(); err != nil {
		p.checkpointed(ctx, false, err)
		return
	}
	p.checkpoint(ctx, p.position.next, func(ctx actor.Context, w *checkpointWritten) {
		if p.stored.state != nil {
			p.config.measure().Checkpoint(w.took, w.err == nil)
		}
		p.checkpointed(ctx, w.err == nil, w.err)
	})
}

// checkpointed answers a commit.
func (p *partition) checkpointed(ctx actor.Context, stored bool, err error) {
	if errors.Is(err, persistence.ErrCorrupt) {
		p.log.Error("the stored state is corrupt, rebuilding its partition", "error", err)
		p.breakDown(ctx, damaged, nil)
		err = nil
	}
	ctx.Send(ctx.Parent(), &messages.Checkpointed{Partition: p.number, Cached: len(p.entities.byKey), Stored: stored, Err: err})
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
