package actors

import (
	"context"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
	"anomalydetector/round"
)

// A step that waits for the broker or for time runs on a goroutine of its own, one step at a time. The goroutine sends
// the detector a message at its end. Flush and discard need no goroutine, because the producer is an actor that answers.

// The messages at the end of a step.

type opened struct {
	session Session
	err     error
}

type polled struct {
	slices []messages.Slice
	err    error
}

type ended struct {
	committed bool
	err       error
}

type waited struct{}

type closed struct{}

// running is the goroutine of the step under way, or of the last one.
type running struct {
	cut    context.CancelFunc // cuts the step short; does nothing if that would do harm
	over   chan struct{}      // closed when the goroutine has ended
	closes bool               // the step closes the session for good
}

// begin starts a step on its goroutine. The step's context ends when the round cuts the step short.
func (d *Detector) begin(ctx actor.Context, step func(context.Context) any) {
	self, root := ctx.Self(), ctx.ActorSystem().Root
	cuttable, cut := context.WithCancel(context.Background())
	over := make(chan struct{})
	d.running = running{cut: cut, over: over}
	go func() {
		defer close(over)
		defer cut()
		var answer any
		if err := safely("a step of the detector", func() error { answer = step(cuttable); return nil }); err != nil {
			f, _ := isFault(err)
			answer = &stepFell{f}
		}
		root.Send(self, answer)
	}()
}

func (d *Detector) open(ctx actor.Context) {
	open := d.config.Open
	d.begin(ctx, func(cuttable context.Context) any {
		session, err := open(cuttable)
		return &opened{session, err}
	})
}

func (d *Detector) poll(ctx actor.Context, poll round.Poll) {
	session := d.session
	d.begin(ctx, func(cuttable context.Context) any {
		cuttable, cancel := context.WithTimeout(cuttable, poll.For)
		defer cancel()
		slices, err := session.Poll(cuttable, poll.Limit)
		return &polled{slices, err}
	})
}

// flush asks the producer, which answers after it has taken all that the partitions sent it. The partitions that have scored
// send the state of their episodes now, once a transaction.
func (d *Detector) flush(ctx actor.Context) {
	flush := &messages.Flush{}
	if d.config.EpisodesTopic != "" {
		for number, partition := range d.partitions {
			if partition.health.scored {
				flush.States = append(flush.States, number)
			}
		}
	}
	ctx.Request(d.producer, flush)
	for _, number := range flush.States {
		ctx.Send(d.partitions[number].pid, &messages.StateWanted{})
	}
}

// discard asks the producer, too: an anomaly that is still on its way to the producer must not get into the next
// transaction.
func (d *Detector) discard(ctx actor.Context) {
	ctx.Request(d.producer, &messages.Discard{})
}

// endTransaction cannot be cut short, because a cancelled end leaves the client unusable.
func (d *Detector) endTransaction(ctx actor.Context, commit bool) {
	session := d.session
	d.begin(ctx, func(context.Context) any {
		committed, err := session.End(context.Background(), commit)
		return &ended{committed, err}
	})
}

func (d *Detector) pause(ctx actor.Context, pause time.Duration) {
	d.begin(ctx, func(cuttable context.Context) any {
		rest(cuttable, pause)
		return &waited{}
	})
}

func rest(cuttable context.Context, pause time.Duration) {
	select {
	case <-time.After(pause):
	case <-cuttable.Done():
	}
}

// reopen closes the session, stays a member of the group, and pauses. Then the round opens another session.
func (d *Detector) reopen(ctx actor.Context, r round.Reopen) {
	session := d.session
	d.session = nil
	d.config.Log.Error("session failed, opening another", "error", r.Err, "in_a_row", r.InRow, "after", r.Pause.String())
	d.begin(ctx, func(cuttable context.Context) any {
		session.Close(false)
		rest(cuttable, r.Pause)
		return &waited{}
	})
}

// close ends the membership for good.
func (d *Detector) close(ctx actor.Context, c round.Close) {
	if c.Uncommitted != nil {
		d.config.Log.Warn("the last transaction could not be committed, the next start reads its records again", "error", c.Uncommitted)
	}
	session := d.session
	d.begin(ctx, func(context.Context) any {
		session.Close(c.Leave)
		return &closed{}
	})
	d.running.closes = true
}
