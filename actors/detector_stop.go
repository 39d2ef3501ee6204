package actors

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
)

// yielded is the end of what stop began.
type yielded struct{}

// stop lets others get ready to take over first, if there is something to take over.
func (d *Detector) stop(ctx actor.Context, s *messages.Stop) {
	switch {
	case d.stopping:
		return
	case d.hurry != nil:
		if s.AtOnce {
			d.hurry()
		}
		return
	}
	d.config.Log.Info("stopping", "reason", s.Reason)
	if d.config.Peers == nil || d.config.Stay || s.AtOnce || !d.detecting() {
		d.yielded()
		return
	}
	yielding, hurry := context.WithCancel(context.Background())
	d.hurry = hurry
	config, peers, self, root := d.config, d.config.Peers, ctx.Self(), ctx.ActorSystem().Root
	go func() {
		defer hurry()
		// Whatever becomes of it, the stop goes on.
		if err := safely("the wait for other nodes", func() error { peers.Drain(yielding); return nil }); err != nil {
			f, _ := isFault(err)
			config.tellFault(config.Log, f, nil)
		}
		root.Send(self, &yielded{})
	}()
}

// detecting tells whether a partition is at work.
func (d *Detector) detecting() bool {
	for _, partition := range d.partitions {
		if d.session != nil && partition.ready && !partition.following {
			return true
		}
	}
	return false
}

func (d *Detector) yielded() { d.halt() }

// halt begins the end, whoever asked for it: what is under way is cut short or finished,
// what was read is committed, and the session is closed.
func (d *Detector) halt() {
	if d.stopping {
		return
	}
	d.stopping, d.halted = true, d.config.Now()
	if d.cut != nil {
		d.cut()
	}
}

// hurryUp ends a detector whose stop takes too long: a broker that hangs never answers.
func (d *Detector) hurryUp(ctx actor.Context, now time.Time) {
	if !d.stopping || d.config.StopWithin == 0 || now.Sub(d.halted) < d.config.StopWithin {
		return
	}
	waits := "for its session to close"
	if all := d.pending(); len(all) > 0 {
		waits = "for " + all[0].waiting.text(d.config)
	}
	d.result = errors.Join(d.result, fmt.Errorf("the stop took longer than %s, waiting %s: ended at once; what was not committed is read again at the next start",
		d.config.StopWithin, waits))
	d.over = true
	d.letGo()
	d.finish(ctx)
}
