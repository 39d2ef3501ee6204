package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
)

// What the detector does with its standby partitions. Another node scores them; this node only keeps copies of their
// windows, which it imports from the other node or replays from the topic. The windows end at the offset that the group
// has committed: a standby partition is assigned again and again, each time up to a later offset. If the group then
// assigns the partition to this node, only a few records are missing.

// standBy brings the standby partitions to the offsets that were committed meanwhile.
func (d *Detector) standBy(ctx actor.Context, s *messages.Standbys) {
	if d.stopping() {
		return
	}
	wanted := make(map[int32]bool, len(s.Partitions))
	for _, target := range s.Partitions {
		wanted[target.Partition] = true
		d.standByOne(ctx, target)
	}
	for number, partition := range d.partitions {
		if partition.standby() && !wanted[number] {
			d.drop(ctx, number)
		}
	}
}

func (d *Detector) standByOne(ctx actor.Context, target messages.Assignment) {
	if d.config.Store.Room() != nil {
		return
	}
	partition, known := d.partitions[target.Partition]
	switch {
	case !known:
		partition = newTrackedPartition(target.Partition, messages.RoleStandby)
		d.partitions[target.Partition] = partition
		d.config.Log.Info("standby of a partition begins", "topic", d.config.InputTopic,
			"partition", target.Partition, "offset", target.Offset)
	case !partition.standby():
		return // it is assigned to this node
	case partition.prepares():
		return // it has not reached the last offset yet
	case partition.ready() && target.Offset <= partition.next && !partition.topic.Differs(target.Topic):
		return // it has this offset already
	}
	d.spawn(ctx, partition)
	partition.next, target.Standby = target.Offset, true
	d.sendAssignment(ctx, partition, target)
}
