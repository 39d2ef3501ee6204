package actors

import (
	"context"
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
	"anomalydetector/round"
)

// How a detector ends.

// drained says that the successors have the windows, or that the wait for them was given up.
type drained struct{}

// stop stops the detector. If this node has windows that successors need, the detector first waits until they have them.
func (d *Detector) stop(ctx actor.Context, s *messages.Stop) {
	if d.round.Mode() == round.Running {
		d.config.Log.Info("stopping", "reason", s.Reason)
	}
	successors := d.config.Peers != nil && !d.config.Stay && d.scores()
	d.run(ctx, d.round.Stop(d.config.Now(), s.AtOnce, successors))
}

// scores tells whether the detector can score any of its partitions.
func (d *Detector) scores() bool {
	for _, partition := range d.partitions {
		if d.session != nil && partition.scores() {
			return true
		}
	}
	return false
}

// drain waits for the successors, on a goroutine beside the step. The stop goes on even if the wait fails.
func (d *Detector) drain(ctx actor.Context) {
	draining, hurry := context.WithCancel(context.Background())
	d.hurry = hurry
	config, self, root := d.config, ctx.Self(), ctx.ActorSystem().Root
	go func() {
		defer hurry()
		if err := safely("the wait for other nodes", func() error { config.Peers.Drain(draining); return nil }); err != nil {
			f, _ := isFault(err)
			config.tellFault(config.Log, f, nil)
		}
		root.Send(self, &drained{})
	}()
}

func (d *Detector) stopping() bool { return d.round.Mode() == round.Stopping }

// hurryUp ends a detector whose stop takes longer than Config.StopWithin, because a broker that hangs never answers.
func (d *Detector) hurryUp(ctx actor.Context, now time.Time) {
	if !d.round.Overdue(now) {
		return
	}
	waits := "for its session to close"
	if all := d.pending(); len(all) > 0 {
		waits = "for " + all[0].Waiting.Text(d.config.names())
	}
	d.run(ctx, d.round.BreakOff(fmt.Errorf("the stop took longer than %s, waiting %s: ended at once; the next start reads again what was not committed",
		d.config.StopWithin, waits)))
}

// fell ends the detector after a panic of its own. The next process aborts the running transaction.
func (d *Detector) fell(ctx actor.Context, f *fault) {
	d.config.tellFault(d.config.Log, f, nil)
	d.run(ctx, d.round.BreakOff(f))
}

// finish is the last thing that a detector does. It runs once.
func (d *Detector) finish(ctx actor.Context, f round.Finish) {
	if f.AtOnce {
		d.letGo()
	} else {
		d.summary.tellLast(d.config.Log, d.config.Now(), &d.totals, d.partitions)
	}
	d.watching.end()
	d.config.OnEnd(f.Err)
	d.publish()
	ctx.Stop(ctx.Self())
}

// letGo cuts the step under way short, and closes the session when the step has ended. The detector does not wait for
// it. The session has to be closed because the process may have other detectors and go on: the group must not count this
// one as a member any more.
func (d *Detector) letGo() {
	d.running.cut()
	if d.session == nil || d.running.closes {
		return
	}
	config, session, over := d.config, d.session, d.running.over
	go func() {
		<-over
		if err := safely("the closing of a session", func() error { session.Close(false); return nil }); err != nil {
			f, _ := isFault(err)
			config.tellFault(config.Log, f, nil)
		}
	}()
}
