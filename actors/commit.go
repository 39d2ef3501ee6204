package actors

import (
	"errors"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
	"anomalydetector/persistence"
)

// What a partition does when the transaction ends. What was committed is stored; what was aborted is undone.

// commit makes the windows as they are what an abort goes back to, and stores them. While history is replayed, nothing of it
// belongs to a transaction. No checkpoint is being written: the detector commits nothing before it has the last one's answer.
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
		p.stored.state.Commit() // whatever comes of the rest: it must survive an abort
	}
	if err := p.sweep(ctx); err != nil {
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
		p.log.Error("the stored state is corrupt, loading its partition anew", "error", err)
		p.breakDown(ctx, damaged, nil)
		err = nil
	}
	ctx.Send(ctx.Parent(), &messages.Checkpointed{Partition: p.number, Cached: len(p.entities.byKey), Stored: stored, Err: err})
}

// rollBack goes back to the last commit. Windows that are not ready are left as they are: none of their points belongs to the
// transaction, or they are replayed anew.
func (p *partition) rollBack(ctx actor.Context) {
	if !p.ready() || p.position.next == p.position.committed {
		return
	}
	message := &messages.EntityRollBack{Epoch: p.position.epoch}
	for _, entity := range p.entities.byKey {
		ctx.Send(entity.pid, message)
	}
	p.check()
	if p.stored.state != nil {
		p.stored.state.RollBack()
	}
	p.position.epoch++
	p.position.next = p.position.committed
}
