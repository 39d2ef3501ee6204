package actors

import (
	"errors"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
	"anomalydetector/persistence"
)

// What a detector does with the partitions it is given, from the assignment to
// the moment they are read.

// reconcile starts what the group has given us, and drops what it has taken.
func (d *Detector) reconcile(ctx actor.Context) {
	assignments, joined := d.session.Assignments()
	d.joined = joined
	if !joined || d.result != nil { // it ends
		return
	}
	owned := make(map[int32]struct{}, len(assignments))
	for _, assignment := range assignments {
		owned[assignment.Partition] = struct{}{}
		d.assign(ctx, assignment)
	}
	for number, partition := range d.partitions {
		if _, still := owned[number]; !still && !partition.following {
			d.config.Log.Info("partition given up", "topic", d.config.InputTopic, "partition", number)
			d.drop(ctx, number)
		}
	}
}

// assign lets a partition that is new to us, or was given anew, load.
func (d *Detector) assign(ctx actor.Context, assignment messages.Assignment) {
	if d.topic.Differs(assignment.Topic) { // what is known of records is of the former one
		clear(d.refused)
	}
	d.topic = assignment.Topic
	partition, known := d.partitions[assignment.Partition]
	if !known {
		partition = &member{}
		d.partitions[assignment.Partition] = partition
	}
	d.spawn(ctx, assignment.Partition, partition)
	if partition.serial == assignment.Generation || d.config.Store != nil && d.config.Store.Room() != nil {
		return
	}
	if partition.topic.Differs(assignment.Topic) {
		partition.extent = extent{}
	}
	partition.topic = assignment.Topic
	standby := partition.following
	partition.serial, partition.ready, partition.following = assignment.Generation, false, false
	partition.done, partition.pending = 0, 0
	partition.begin(assignment.Offset)
	d.config.Log.Info("partition assigned", "topic", d.config.InputTopic, "partition", assignment.Partition,
		"offset", assignment.Offset, "new", assignment.NoCommittedOffset, "standby", standby)
	ctx.Send(partition.pid, &assignment)
}

// spawn makes the partition's actor, if there is none.
func (d *Detector) spawn(ctx actor.Context, number int32, partition *member) {
	if partition.pid == nil {
		partition.contact = newContact(d.config)
		partition.pid = ctx.Spawn(partitionProps(d.config, number, partition.contact, d.producer))
		ctx.Watch(partition.pid)
		partition.serial = 0
		if refused := d.refused[number]; len(refused) > 0 {
			ctx.Send(partition.pid, &messages.Refusals{Refused: refused})
		}
	}
}

func (d *Detector) drop(ctx actor.Context, number int32) {
	if pid := d.partitions[number].pid; pid != nil {
		ctx.Unwatch(pid)
		ctx.Stop(pid)
	}
	delete(d.partitions, number)
	d.saved(ctx, number)
}

func (d *Detector) progressed(p *messages.ReplayProgressed) {
	if partition := d.partitions[p.Partition]; partition != nil && partition.serial == p.Generation {
		partition.done, partition.pending, partition.warming = p.Done, p.Pending, false
		d.config.OnProgress(d.progress())
	}
}

func (d *Detector) phaseEntered(r *messages.PhaseEntered) {
	partition := d.partitions[r.Partition]
	if partition == nil || partition.serial != r.Generation {
		return
	}
	partition.warming = r.Phase == messages.Importing
	log := d.config.Log.With("topic", d.config.InputTopic, "partition", r.Partition)
	switch r.Phase {
	case messages.Broken:
		partition.serial = 0 // assigned again after the next end
		if errors.Is(r.Err, persistence.ErrStop) {
			d.result = r.Err
			d.halt()
		}
		log.Error("history could not be loaded", "error", r.Err, "again", !d.stopping)
		return
	case messages.Ready:
	default:
		return
	}
	partition.ready, partition.pending, partition.entities = true, 0, r.Entities
	partition.cached, partition.streamTime = r.Cached, r.StreamTime
	delete(d.falls.loading, r.Partition)
	partition.begin(r.Next)
	if partition.following {
		return
	}
	log.Info("partition ready", "entities", r.Entities, "replayed", r.Records)
	d.session.Resume(r.Partition, r.Generation)
	d.config.OnProgress(d.progress())
}

func (d *Detector) progress() Progress {
	sum := Progress{Records: d.totals.Records}
	for _, partition := range d.partitions {
		if partition.following {
			continue
		}
		sum.Done += partition.done
		sum.Pending += partition.pending
		sum.Entities += partition.entities
		if lag, behind := partition.lag(); partition.ready {
			sum.Lag += lag - behind
		}
		if !partition.ready {
			sum.Loading++
		}
	}
	return sum
}
