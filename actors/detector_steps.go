package actors

import (
	"context"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
)

// The steps of a detector that may take long run on a goroutine each, one at a
// time, and answer with a message: so the detector goes on hearing its
// partitions and a stop, even while the broker is away.

type opened struct {
	session Session
	err     error
}

type polled struct {
	slices []messages.Slice
	err    error
}

type ended struct {
	wanted    bool // a commit was asked for
	committed bool
	err       error
}

type waited struct{}

type closed struct{}

// begin runs a step. Its context ends when the detector is to stop, if the step
// can be cut short without harm.
func (d *Detector) begin(ctx actor.Context, step func(context.Context) any) {
	self, root := ctx.Self(), ctx.ActorSystem().Root
	d.step, d.cut = context.WithCancel(context.Background())
	if d.stopping {
		d.cut()
	}
	cuttable, release, stepped := d.step, d.cut, make(chan struct{})
	d.stepped = stepped
	go func() {
		defer close(stepped)
		defer release()
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

func (d *Detector) poll(ctx actor.Context, patience time.Duration) {
	session, batch := d.session, min(d.config.Batch, d.outflow.room)
	d.begin(ctx, func(cuttable context.Context) any {
		cuttable, cancel := context.WithTimeout(cuttable, patience)
		defer cancel()
		slices, err := session.Poll(cuttable, batch)
		return &polled{slices, err}
	})
}

// flush is answered by the producer, after all that the partitions sent it.
func (d *Detector) flush(ctx actor.Context) {
	d.outflow.since = d.config.Now()
	d.flushing = d.outflow.since
	d.doing, d.steps = writing, d.steps+1
	ctx.Request(d.producer, &messages.Flush{})
}

// discard is answered by the producer, too: an anomaly that is still on its way to
// it must not end up in the next transaction.
func (d *Detector) discard(ctx actor.Context) {
	d.flushing = d.config.Now()
	d.doing, d.steps = writing, d.steps+1
	ctx.Request(d.producer, &messages.Discard{})
}

// endTransaction is never cut short: a cancelled end leaves the client unusable.
func (d *Detector) endTransaction(ctx actor.Context, commit bool) {
	session := d.session
	d.doing, d.steps = ending, d.steps+1
	d.begin(ctx, func(context.Context) any {
		committed, err := session.End(context.Background(), commit)
		return &ended{commit, committed, err}
	})
}

func (d *Detector) wait(ctx actor.Context, pause time.Duration) {
	d.begin(ctx, func(cuttable context.Context) any {
		select {
		case <-time.After(pause):
		case <-cuttable.Done():
		}
		return &waited{}
	})
}

const (
	// mostDoublings of the pause between sessions that fail one after the other.
	mostDoublings = 4
	// goodSession: one that lasted so long did not fail like the one before.
	goodSession = time.Minute
)

// reopen closes the session but stays a member, and goes on after a pause, which grows
// until something is committed.
func (d *Detector) reopen(ctx actor.Context, err error) {
	if d.config.Now().Sub(d.began) >= goodSession {
		d.failures = 0
	}
	session, pause := d.session, d.config.Backoff<<min(d.failures, mostDoublings)
	d.session = nil
	d.failures++
	d.config.Log.Error("session failed, opening another", "error", err, "in_a_row", d.failures, "after", pause.String())
	d.begin(ctx, func(cuttable context.Context) any {
		session.Close(false)
		select {
		case <-time.After(pause):
		case <-cuttable.Done():
		}
		return &waited{}
	})
}

// close ends the membership for good. After a failure that a restart may cure
// the partitions are kept for it.
func (d *Detector) close(ctx actor.Context) {
	d.halt()
	d.closing = true
	session, leave := d.session, d.result == nil && !d.config.Stay
	d.begin(ctx, func(context.Context) any {
		if session != nil {
			session.Close(leave)
		}
		return &closed{}
	})
}
