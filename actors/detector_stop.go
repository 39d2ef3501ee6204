package actors

import (
	"context"

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
	peers, self, root := d.config.Peers, ctx.Self(), ctx.ActorSystem().Root
	go func() {
		defer hurry()
		peers.Yield(yielding)
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

func (d *Detector) yielded() {
	d.stopping = true
	if d.cut != nil {
		d.cut()
	}
}
