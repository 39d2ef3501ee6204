package actors

import (
	"errors"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
)

// falls counts how often each partition failed in a row by the program's own fault. Progress of the partition sets its
// count to 0. Another assignment, or progress of another partition, does not.
type falls struct {
	replaying map[int32]int // failures before the partition is ready; being ready is progress
	scoring   map[int32]int // failures after it; a checkpoint of newly committed records is progress
}

func newFalls() falls { return falls{make(map[int32]int), make(map[int32]int)} }

// nobody stands for the partition if the producer fails with a message that concerns no single partition.
const nobody = -1

// partitionFell says that a partition panicked, and has to be stopped.
type partitionFell struct {
	who    *actor.PID
	number int32
	err    error
}

// producerFell says that the producer panicked with a record of a partition. The producer goes on.
type producerFell struct {
	number int32
	err    error
}

// stepFell says that a step of the detector panicked.
type stepFell struct{ fault *fault }

func (d *Detector) partitionFell(ctx actor.Context, f *partitionFell) {
	if partition := d.partitions[f.number]; partition != nil && f.who.Equal(partition.pid) {
		ctx.Unwatch(f.who)
		ctx.Stop(f.who)
		d.lost(ctx, partition, f.err)
	}
}

// partitionDied notes the end of a partition's actor that could not send partitionFell.
func (d *Detector) partitionDied(ctx actor.Context, t *actor.Terminated) {
	for _, partition := range d.partitions {
		if partition.pid != nil && partition.pid.Equal(t.Who) {
			d.lost(ctx, partition, errors.New("the partition's actor died"))
		}
	}
}

// lost notes that a partition's actor is gone. The running transaction is aborted if the actor had a part in it, and
// the next assignment gets a new actor.
func (d *Detector) lost(ctx actor.Context, partition *trackedPartition, err error) {
	replaying := !partition.ready()
	partition.enter(d.config.Log, messages.Unassigned)
	partition.pid = nil
	partition.health.scored, partition.health.proving = false, false // the next actor begins with none of it
	d.count(ctx, partition.number, replaying, err)
	if d.config.EpisodesTopic != "" {
		ctx.Send(d.producer, &messages.StateSaid{Partition: partition.number, Err: err}) // a flush may wait for it
	}
	d.run(ctx, d.round.Gone(d.config.Now(), partition.number))
}

// count adds a failure of a partition. The third one in a row ends the detector after the step under way.
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
		log.Error("a failure by the program's own fault, trying again", "replaying", replaying, "attempt", row[number], "error", err)
		return
	}
	log.Error("too many failures without progress, the detector ends", "replaying", replaying, "attempt", row[number], "error", err)
	d.run(ctx, d.round.Fail(d.config.Now(), err))
}
