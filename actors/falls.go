package actors

import (
	"errors"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
)

// falls counts how often a partition failed by the program's own fault, in a row. Progress ends the row; another
// assignment of the partition, or progress of another partition, does not.
type falls struct {
	replaying map[int32]int // until the partition is ready
	scoring   map[int32]int // until the partition has scored something that is committed, and has stored it
}

func newFalls() falls { return falls{make(map[int32]int), make(map[int32]int)} }

// nobody stands for the producer if it fails with something that is no partition's.
const nobody = -1

// partitionFell is a partition that panicked, and is to be stopped.
type partitionFell struct {
	who    *actor.PID
	number int32
	err    error
}

// producerFell is the producer, with a record of a partition. It goes on.
type producerFell struct {
	number int32
	err    error
}

// stepFell is a step of the detector.
type stepFell struct{ fault *fault }

func (d *Detector) partitionFell(ctx actor.Context, f *partitionFell) {
	if partition := d.partitions[f.number]; partition != nil && f.who.Equal(partition.pid) {
		ctx.Unwatch(f.who)
		ctx.Stop(f.who)
		d.lost(ctx, partition, f.err)
	}
}

// partitionDied is for an actor that could not even say why.
func (d *Detector) partitionDied(ctx actor.Context, t *actor.Terminated) {
	for _, partition := range d.partitions {
		if partition.pid != nil && partition.pid.Equal(t.Who) {
			d.lost(ctx, partition, errors.New("the partition's actor died"))
		}
	}
}

// lost lets a partition whose actor is gone get another one. What the actor had of the running transaction is
// aborted.
func (d *Detector) lost(ctx actor.Context, partition *trackedPartition, err error) {
	replaying := !partition.ready()
	partition.enter(d.config.Log, messages.Unassigned)
	partition.pid = nil
	partition.health.scored, partition.health.proving = false, false // the next actor has it all to do again
	d.count(ctx, partition.number, replaying, err)
	d.run(ctx, d.round.Gone(d.config.Now(), partition.number))
}

// count adds a failure of a partition. The third one in a row ends the detector, when the step under way is over.
func (d *Detector) count(ctx actor.Context, number int32, replaying bool, err error) {
	row := d.falls.scoring
	if replaying {
		row = d.falls.replaying
	}
	row[number]++
	log := d.config.Log.With("topic", d.config.InputTopic)
	if number != nobody {
		log = log.With("partition", number)
	}
	if row[number] < attempts {
		log.Error("it failed by the program's own fault, and is tried again", "replaying", replaying, "attempt", row[number], "error", err)
		return
	}
	log.Error("it failed too often without progress: the detector ends", "replaying", replaying, "attempt", row[number], "error", err)
	d.run(ctx, d.round.Fail(d.config.Now(), err))
}
