package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
)

// What a detector does with partitions of other nodes that it keeps warm. Their
// windows follow the offsets that the group has committed: taken from their owner or
// read from the topic, stored, never scored. So they are like those of a partition
// that is loading its history, again and again; and when the group gives it to us,
// little is missing.

// followSerials: those of a session begin with 1.
const followSerials = 1 << 63

// follow brings the partitions of others up to what was committed meanwhile.
func (d *Detector) follow(ctx actor.Context, f *messages.Standbys) {
	if d.stopping {
		return
	}
	wanted := make(map[int32]bool, len(f.Partitions))
	for _, target := range f.Partitions {
		wanted[target.Partition] = true
		d.followOne(ctx, target)
	}
	for number, partition := range d.partitions {
		if partition.following && !wanted[number] {
			d.drop(ctx, number)
		}
	}
}

func (d *Detector) followOne(ctx actor.Context, target messages.Assignment) {
	if d.config.Store.Room() != nil {
		return
	}
	partition, known := d.partitions[target.Partition]
	switch {
	case !known:
		partition = &member{following: true}
		d.partitions[target.Partition] = partition
		d.config.Log.Info("partition of another node is kept warm", "topic", d.config.InputTopic,
			"partition", target.Partition, "offset", target.Offset)
	case !partition.following:
		return // it is ours
	case partition.serial != 0 && !partition.ready, partition.ready && target.Offset <= partition.next && !partition.topic.Differs(target.Topic):
		return // not so far yet, or as far as can be
	}
	d.spawn(ctx, target.Partition, partition)
	d.follows++
	target.Standby, target.Generation = true, followSerials+d.follows
	partition.serial, partition.ready = target.Generation, false
	partition.next, partition.topic = target.Offset, target.Topic
	ctx.Send(partition.pid, &target)
}
