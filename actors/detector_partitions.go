package actors

import (
	"errors"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
	"anomalydetector/persistence"
)

// What the detector does with its partitions, from the assignment until they are ready.

// reconcile starts the partitions that the group has assigned, and drops those that it has revoked.
func (d *Detector) reconcile(ctx actor.Context) {
	assignments, joined := d.session.Assignments()
	d.joined = joined
	if !joined || d.round.Result() != nil { // the detector is about to end
		return
	}
	owned := make(map[int32]struct{}, len(assignments))
	for _, assignment := range assignments {
		owned[assignment.Partition] = struct{}{}
		d.assign(ctx, assignment)
	}
	for number, partition := range d.partitions {
		if _, still := owned[number]; !still && !partition.standby() {
			d.config.Log.Info("partition given up", "topic", d.config.InputTopic, "partition", number)
			d.drop(ctx, number)
		}
	}
}

// assign sends a partition its assignment if the assignment is new, or the partition needs it again.
func (d *Detector) assign(ctx actor.Context, assignment messages.Assignment) {
	if d.topic.Differs(assignment.Topic) { // the refusals are of the former topic
		clear(d.refused)
	}
	d.topic = assignment.Topic
	partition, known := d.partitions[assignment.Partition]
	if !known {
		partition = newTrackedPartition(assignment.Partition, messages.RoleAssigned)
		d.partitions[assignment.Partition] = partition
	}
	d.spawn(ctx, partition)
	current := partition.given == assignment.Generation && !partition.awaitsAssignment()
	if current || d.config.Store != nil && d.config.Store.Room() != nil {
		return
	}
	if partition.topic.Differs(assignment.Topic) {
		partition.extent = extent{end: partition.end}
	}
	standby := partition.standby()
	partition.role, partition.given = messages.RoleAssigned, assignment.Generation
	partition.replay = replayProgress{}
	partition.begin(assignment.Offset)
	d.config.Log.Info("partition assigned", "topic", d.config.InputTopic, "partition", assignment.Partition,
		"offset", assignment.Offset, "new", assignment.NoCommittedOffset, "standby", standby)
	d.sendAssignment(ctx, partition, assignment)
}

// sendAssignment sends a partition's actor an assignment, under a generation that no other assignment has.
func (d *Detector) sendAssignment(ctx actor.Context, partition *trackedPartition, assignment messages.Assignment) {
	d.assignments++
	assignment.Generation = d.assignments
	partition.enter(d.config.Log, messages.Replaying)
	d.round.Paused(partition.number)
	partition.generation, partition.topic = assignment.Generation, assignment.Topic
	ctx.Send(partition.pid, &assignment)
}

// spawn starts the partition's actor if it has none.
func (d *Detector) spawn(ctx actor.Context, partition *trackedPartition) {
	if partition.pid != nil {
		return
	}
	partition.contact = newContact(d.config)
	partition.pid = ctx.Spawn(partitionProps(d.config, partition.number, partition.contact, d.producer))
	ctx.Watch(partition.pid)
	if refused := d.refused[partition.number]; len(refused) > 0 {
		ctx.Send(partition.pid, &messages.Refusals{Refused: refused})
	}
}

// drop removes a partition, and stops its actor.
func (d *Detector) drop(ctx actor.Context, number int32) {
	if pid := d.partitions[number].pid; pid != nil {
		ctx.Unwatch(pid)
		ctx.Stop(pid)
	}
	delete(d.partitions, number)
	d.run(ctx, d.round.Gone(d.config.Now(), number))
}

func (d *Detector) progressed(p *messages.ReplayProgressed) {
	partition := d.partitions[p.Partition]
	if partition == nil || !partition.answers(p.Generation) {
		return
	}
	partition.replay = replayProgress{p.Done, p.Pending}
	d.config.OnProgress(d.progress())
}

// phaseEntered notes the phase that a partition's actor has entered.
func (d *Detector) phaseEntered(ctx actor.Context, r *messages.PhaseEntered) {
	partition := d.partitions[r.Partition]
	if partition == nil || !partition.answers(r.Generation) {
		return
	}
	before := partition.phase
	partition.enter(d.config.Log, r.Phase)
	switch r.Phase {
	case messages.Broken:
		d.partitionBroke(ctx, partition, before, r)
	case messages.Ready:
		d.partitionReady(partition, r)
	}
}

// partitionBroke pauses the fetching of the partition's records. The end of the next transaction assigns the partition
// again. If a slice is on its way to the partition, it fails, and the transaction is aborted.
func (d *Detector) partitionBroke(ctx actor.Context, partition *trackedPartition, before messages.Phase, r *messages.PhaseEntered) {
	err := r.Err
	if before == messages.Ready {
		if !partition.standby() {
			d.session.Pause(partition.number)
			d.round.Paused(partition.number)
		}
	} else {
		d.config.Log.Error("history could not be replayed", "topic", d.config.InputTopic, "partition", partition.number,
			"error", err, "again", !d.stopping() && !errors.Is(err, persistence.ErrStop))
	}
	switch {
	case errors.Is(err, persistence.ErrStop):
		d.run(ctx, d.round.Fail(d.config.Now(), err))
	case r.Unstored:
		partition.health.unstored(err)
	}
}

func (d *Detector) partitionReady(partition *trackedPartition, r *messages.PhaseEntered) {
	partition.health.stored()
	partition.replay.pending = 0
	partition.census = census{r.Entities, r.Cached, r.StreamTime, r.Open}
	partition.begin(r.Next)
	delete(d.falls.replaying, r.Partition)
	if partition.standby() {
		return
	}
	d.config.Log.Info("partition ready", "topic", d.config.InputTopic, "partition", r.Partition, "entities", r.Entities, "replayed", r.Records)
	d.session.Resume(r.Partition, partition.given)
	d.config.OnProgress(d.progress())
}

// progress sums the progress of the assigned partitions.
func (d *Detector) progress() Progress {
	sum := Progress{Records: d.totals.Records}
	for _, partition := range d.partitions {
		if partition.standby() {
			continue
		}
		sum.Done += partition.replay.done
		sum.Pending += partition.replay.pending
		sum.Entities += partition.census.entities
		if lag, behind := partition.lag(); partition.ready() {
			sum.Lag += lag - behind
		} else {
			sum.Replaying++
		}
	}
	return sum
}
