package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
)

// falls counts how often a partition failed by the program's own fault, in a row: while
// it loaded its history, and at work. What ends the row is progress, not that the
// partition is assigned again, nor that another one gets on.
type falls struct {
	loading map[int32]int // until the partition is ready
	working map[int32]int // until it has scored something that is committed, and has stored it
}

// nobody stands for the producer, if it fails with what is no partition's.
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

// lost lets a partition whose actor is gone be made anew. What it had of a round is
// aborted.
func (d *Detector) lost(ctx actor.Context, number int32, partition *member, err error) {
	loading := !partition.ready
	partition.ready, partition.warming, partition.pid, partition.serial = false, false, nil, 0
	partition.scored, partition.proving = false, false // the next actor has it all to do again
	d.count(number, loading, err)
	d.saved(ctx, number)
	if _, answering := d.unanswered[number]; answering {
		// It is counted: for the round it is one of those that have to be loaded again.
		d.sliceFailed(ctx, &messages.SliceFailed{Partition: number, Offset: partition.next, Err: err, Reload: true})
	}
}

// count adds a failure of a partition. The third one in a row ends the detector, when
// what is under way is over.
func (d *Detector) count(number int32, loading bool, err error) {
	row := d.falls.working
	if loading {
		row = d.falls.loading
	}
	row[number]++
	log := d.config.Log.With("topic", d.config.InputTopic)
	if number != nobody {
		log = log.With("partition", number)
	}
	if row[number] < attempts {
		log.Error("it failed by the program's own fault, and is tried again", "loading", loading, "attempt", row[number], "error", err)
		return
	}
	log.Error("it failed too often without progress: the detector ends", "loading", loading, "attempt", row[number], "error", err)
	if d.result == nil {
		d.result = err
	}
	d.halt()
}

// fell ends a detector that failed itself: whatever it had in hand is aborted by the
// next process.
func (d *Detector) fell(ctx actor.Context, f *fault) {
	d.config.tellFault(d.config.Log, f, nil)
	if d.result == nil {
		d.result = f
	}
	d.over = true
	d.letGo()
	d.finish(ctx)
}

// letGo closes the session when the step under way is over, of a detector that ends at
// once. Nobody waits for that; but in a process with several detectors the group must
// not take this one for alive.
func (d *Detector) letGo() {
	if d.session == nil || d.closing {
		return
	}
	d.cut()
	config, session, stepped := d.config, d.session, d.stepped
	go func() {
		<-stepped
		if err := safely("the closing of a session", func() error { session.Close(false); return nil }); err != nil {
			f, _ := isFault(err)
			config.tellFault(config.Log, f, nil)
		}
	}()
}

// finish is the last thing a detector does, once.
func (d *Detector) finish(ctx actor.Context) {
	if !d.finished {
		d.finished = true
		d.watching.end()
		d.config.OnEnd(d.result)
		d.publish()
		ctx.Stop(ctx.Self())
	}
}
