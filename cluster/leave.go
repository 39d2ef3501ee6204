package cluster

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"anomalydetector/actors"
	"anomalydetector/messages"
)

// A node that is about to stop tells the others, again and again, and goes on
// detecting meanwhile. Those that will have its partitions keep them warm from then
// on, as standbys do. When they have the windows it leaves the group: little is
// missing then.

const (
	yieldAtMost  = 15 * time.Second // of the time that a stop may take
	yieldLook    = 200 * time.Millisecond
	departingFor = 5 * time.Second // so long counts what a node said of its leaving
	heirPatience = 3               // times that an heir does not answer, until it is none any more
)

// heir is another node, as one that leaves sees it.
type heir struct {
	ready  map[int32]bool // the windows that it has had: it keeps them up to date
	coming []int32        // those that it is getting
	failed int            // times in a row that it did not answer
	err    error          // of the last time
}

// missing tells whether it is still getting windows, or may be.
func (h *heir) missing() bool {
	return h.failed > 0 || slices.ContainsFunc(h.coming, func(partition int32) bool { return !h.ready[partition] })
}

// Drain implements actors.Peers.
func (d *Detector) Drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, yieldAtMost)
	defer cancel()
	defer context.AfterFunc(d.node.life, cancel)()
	d.mu.Lock()
	d.leaving = true
	d.mu.Unlock()
	log := d.node.config.Log.With("detector", d.name)
	began := d.node.config.Now()
	heirs := make(map[string]*heir) // by address
	for first := true; ; first = false {
		v, _ := d.look(ctx)
		at := slices.IndexFunc(v.members, d.isUs)
		others := v.others(d.node.config.Advertise)
		if at < 0 || len(others) == 0 || first && v.problem(d.name) != nil {
			return
		}
		d.tellLeaving(ctx, others, v.members[at].ID, heirs)
		ready, missing, refusals := tally(heirs)
		log := log.With("partitions", len(v.members[at].Partitions), "ready_elsewhere", ready, "seconds", d.node.config.Now().Sub(began).Seconds())
		switch {
		case ctx.Err() != nil:
			log.Warn("leaving the group though other nodes do not have all windows yet")
			return
		case !missing && ready == 0 && len(refusals) > 0:
			log.Info("leaving the group, other nodes get no windows before", "reason", errors.Join(refusals...))
			return
		case !missing:
			log.Info("leaving the group")
			return
		case first:
			log.Info("other nodes get the windows before this one leaves the group")
		}
		select {
		case <-time.After(yieldLook):
		case <-ctx.Done():
		}
	}
}

// tellLeaving tells the others that we leave, and takes down what they answer.
func (d *Detector) tellLeaving(ctx context.Context, others []string, id string, heirs map[string]*heir) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var mu sync.Mutex
	each(ctx, others, func(ctx context.Context, address string) {
		var theirs messages.Successor
		err := d.node.client.doJSON(ctx, http.MethodPost, address, "/v1/leaving", url.Values{"detector": {d.name}, "member": {id}}, &theirs)
		mu.Lock()
		defer mu.Unlock()
		h := heirs[address]
		if h == nil {
			h = &heir{ready: make(map[int32]bool)}
			heirs[address] = h
		}
		h.err = err
		switch {
		case err == nil:
			h.coming, h.failed = theirs.Coming, 0
			for _, partition := range theirs.Ready {
				h.ready[partition] = true
			}
		case h.failed+1 < heirPatience && !final(err):
			h.failed++
		default: // it leaves as well, is older, or is gone
			*h = heir{ready: make(map[int32]bool), err: err}
		}
	})
}

// tally sums heirs up: of how many partitions one has the windows, whether any are
// missing, and why some heirs take none.
func tally(heirs map[string]*heir) (ready int, missing bool, refusals []error) {
	all := make(map[int32]bool)
	for _, h := range heirs {
		for partition := range h.ready {
			all[partition] = true
		}
		missing = missing || h.missing()
		if h.err != nil {
			refusals = append(refusals, h.err)
		}
	}
	return len(all), missing, refusals
}

var errLeaving = errors.New("this node is about to leave, too")

// succeed gets ready for a member that leaves, and tells how far that is.
func (d *Detector) succeed(ctx context.Context, id string) (messages.Successor, error) {
	d.mu.Lock()
	leaving := d.leaving
	d.mu.Unlock()
	if leaving {
		return messages.Successor{}, errLeaving
	}
	v, partitions := d.look(ctx) // the one that leaves has looked just now, too
	if err := d.noteDeparting(id, v); err != nil {
		return messages.Successor{}, err
	}
	inherited := d.inherits(v, partitions)
	if !d.isTold(inherited) { // else that is done every second
		if err := d.follow(ctx); err != nil {
			return messages.Successor{}, err
		}
	}
	status, err := actors.AskStatus(ctx, d.root, d.pid)
	if err != nil {
		return messages.Successor{}, err
	}
	succession := messages.Successor{Ready: []int32{}, Coming: []int32{}}
	for _, partition := range inherited {
		for _, p := range status.Partitions {
			switch {
			case p.Partition != partition || p.Role != messages.RoleStandby:
			case p.Phase == messages.Ready:
				succession.Ready = append(succession.Ready, partition)
			default:
				succession.Coming = append(succession.Coming, partition)
			}
		}
	}
	return succession, nil
}

// noteDeparting remembers a member that is about to leave. Others are not: they could be
// any number.
func (d *Detector) noteDeparting(id string, v view) error {
	if !slices.ContainsFunc(v.members, func(m member) bool { return m.ID == id }) {
		return cmp.Or(v.problem(d.name), errNoMember)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.departing[id] = d.node.config.Now().Add(departingFor)
	return nil
}

var errNoMember = errors.New("the group has no such member")

// isTold tells whether the detector was told to keep these warm, unless nothing is
// committed of them.
func (d *Detector) isTold(partitions []int32) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !slices.ContainsFunc(partitions, func(partition int32) bool { return !slices.Contains(d.wants, partition) })
}

// inherits are the partitions that will be ours when those have left that are about
// to, and are theirs now.
func (d *Detector) inherits(v view, partitions int32) (inherited []int32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.node.config.Now()
	var instances []string
	for id, until := range d.departing {
		at := slices.IndexFunc(v.members, func(m member) bool { return m.ID == id })
		switch {
		case now.After(until):
			delete(d.departing, id)
		case at >= 0: // else it has left, whether its next process is there already or not
			instances = append(instances, v.members[at].who())
		}
	}
	if len(instances) == 0 {
		return nil
	}
	for _, partition := range v.without(instances, partitions)[d.instance] {
		if owner := v.owner(partition); owner != nil && slices.Contains(instances, owner.who()) {
			inherited = append(inherited, partition)
		}
	}
	return inherited
}
