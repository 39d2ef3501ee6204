package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
	"anomalydetector/round"
)

// What the detector does at the end of a transaction.

// conclude tells the partitions and the watchers how the transaction ended.
func (d *Detector) conclude(ctx actor.Context, c round.Conclude) {
	over := &c.Transaction
	if c.Committed {
		if !over.Empty() {
			d.countCommitted(over)
		}
		d.settle(ctx, c.More)
	} else if !over.Empty() {
		d.totals.Aborts++
		d.config.Log.Info("transaction aborted, reading its records again")
		d.unsettle(ctx)
	}
	for _, partition := range d.partitions {
		partition.health.scored = false
	}
	if !over.Empty() && !over.Flushing.IsZero() {
		d.config.measure().Transaction(d.config.Now().Sub(over.Flushing))
	}
	d.publish()
}

// countCommitted adds a committed transaction to the totals, and tells the watchers what it found.
func (d *Detector) countCommitted(over *round.Transaction) {
	delete(d.falls.scoring, nobody)
	d.forgetRefused()
	d.totals.add(over.Tally)
	d.totals.Commits++
	d.config.measure().Detection(d.round.Committed().Sub(over.Began))
	d.config.Hub.committed(d.config.Name, over.Findings)
}

// settle tells the partitions of a commit, so that they store a checkpoint. A partition that is still storing the last
// checkpoint has scored nothing since, so it need not know before the next commit.
func (d *Detector) settle(ctx actor.Context, more bool) {
	d.commits++
	for number, partition := range d.partitions {
		if !partition.transacts() {
			continue
		}
		partition.settle()
		partition.health.proving = partition.health.proving || partition.health.scored
		if !d.round.IsSaving(number) {
			ctx.Send(partition.pid, &messages.Committed{More: more})
			d.round.Saving(number)
		}
	}
}

// store tells partitions that have postponed a checkpoint to write it. They have scored nothing since the commit that they have
// answered.
func (d *Detector) store(ctx actor.Context, owing []int32) {
	for _, number := range owing {
		ctx.Send(d.partitions[number].pid, &messages.Committed{})
	}
}

// unsettle tells the partitions of an abort.
func (d *Detector) unsettle(ctx actor.Context) {
	for _, partition := range d.partitions {
		if partition.transacts() {
			ctx.Send(partition.pid, &messages.RolledBack{})
			partition.unsettle()
		}
	}
}

// reload makes the partitions whose slice failed wait for another assignment. If a record could not be scored, that
// counts as a failure of its partition, which gets a new actor.
func (d *Detector) reload(ctx actor.Context, failed []*messages.SliceFailed) {
	for _, f := range failed {
		partition, known := d.partitions[f.Partition]
		if known {
			partition.enter(d.config.Log, messages.Unassigned)
			d.session.Pause(f.Partition)
		}
		if f.Reload {
			continue
		}
		d.config.Log.Error("record could not be scored, rebuilding its partition", "topic", d.config.InputTopic,
			"partition", f.Partition, "offset", f.Offset, "error", f.Err)
		d.count(ctx, f.Partition, false, f.Err)
		if known {
			d.drop(ctx, f.Partition)
		}
	}
}

// unassign makes all assigned partitions wait for the next session, which numbers its assignments from 1 again.
func (d *Detector) unassign() {
	for _, partition := range d.partitions {
		if !partition.standby() {
			partition.enter(d.config.Log, messages.Unassigned)
		}
	}
}
