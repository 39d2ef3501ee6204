package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/stream"
)

// How the detector learns where the topic ends, and how much of it an open transaction holds back.

// lookEvery is how often the detector asks.
const lookEvery = 10 * time.Second

// looked is the broker's answer.
type looked struct {
	session Session               // the session at the time of the question
	from    map[int32]int64       // by partition: the offset whose record was asked for, too
	ends    map[int32]stream.Ends // nil: the broker did not answer
	err     error
}

// look asks the broker, on a goroutine beside the step.
func (d *Detector) look(ctx actor.Context, now time.Time) {
	if d.session == nil || d.stopping() || d.watching.asking || now.Sub(d.asked) < lookEvery {
		return
	}
	d.watching.asking, d.asked = true, now
	from := make(map[int32]int64)
	for number, partition := range d.partitions {
		if partition.scores() {
			if partition.seen == partition.next { // no record since the last look
				from[number] = partition.pass(partition.next)
			}
			partition.seen = partition.next
		}
	}
	config, session, life := d.config, d.session, d.life
	self, root := ctx.Self(), ctx.ActorSystem().Root
	go func() {
		l := &looked{session: session, from: from}
		if err := safely("a look at the topic's ends", func() (err error) { l.ends, err = config.Observer.Look(life, from); return err }); err != nil {
			l.ends, l.err = nil, err
			if f, panicked := isFault(err); panicked {
				config.tellFault(config.Log, f, nil)
			}
		}
		root.Send(self, l)
	}()
}

// looked notes the ends of each partition.
func (d *Detector) looked(l *looked) {
	d.watching.asking = false
	if d.session != l.session {
		return // the look may have failed because that session was closed
	}
	d.blind = l.err != nil
	if l.ends == nil {
		return
	}
	d.looks++
	for number, partition := range d.partitions {
		found, ok := l.ends[number]
		if !ok {
			continue
		}
		partition.end, partition.stable, partition.writer = found.End, max(found.Stable, partition.next), found.Writer
		if from, asked := l.from[number]; asked && found.Passed > from {
			if partition.pass(partition.from) != from { // not the end of what was passed before
				partition.from = from
			}
			partition.passed = found.Passed
		}
		partition.behind = max(found.End-max(found.Stable, partition.pass(partition.next)), 0)
	}
}
