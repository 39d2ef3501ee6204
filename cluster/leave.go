package cluster

import (
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
)

// Yield implements actors.Peers.
func (d *Detector) Yield() {
	ctx, cancel := context.WithTimeout(d.node.life, yieldAtMost)
	defer cancel()
	d.mu.Lock()
	d.leaving = true
	d.mu.Unlock()
	log := d.node.config.Log.With("detector", d.name)
	began := d.node.config.Now()
	ready := make(map[int32]bool) // a partition that was stays near enough
	for told := false; ; told = true {
		ours, now, coming := d.successors(ctx)
		for _, partition := range now {
			ready[partition] = true
		}
		coming = slices.DeleteFunc(coming, func(partition int32) bool { return ready[partition] })
		switch {
		case len(coming) == 0 && !told:
			return // all is well, or nobody takes them
		case len(coming) == 0:
			log.Info("leaving the group", "partitions", ours, "ready_elsewhere", len(ready), "seconds", d.node.config.Now().Sub(began).Seconds())
			return
		case !told:
			log.Info("other nodes get the windows before this one leaves the group", "partitions", ours)
		}
		select {
		case <-time.After(yieldLook):
		case <-ctx.Done():
			log.Warn("leaving the group though other nodes do not have all windows yet", "partitions", ours,
				"ready_elsewhere", len(ready), "after", yieldAtMost.String())
			return
		}
	}
}

// successors tells the others that we leave, and returns how many partitions we have,
// which of them others have the windows of, and which they are getting.
func (d *Detector) successors(ctx context.Context) (ours int, ready, coming []int32) {
	v, _ := d.look(ctx)
	at := slices.IndexFunc(v.members, d.isUs)
	if at < 0 || v.problem(d.name) != nil {
		return 0, nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var mu sync.Mutex
	each(ctx, v.others(d.node.config.Advertise), func(ctx context.Context, address string) {
		var theirs messages.Succession
		values := url.Values{"detector": {d.name}, "instance": {v.members[at].who()}}
		if d.node.client.doJSON(ctx, http.MethodPost, address, "/v1/leaving", values, &theirs) != nil {
			return // it is older, leaves as well, or is away: it takes nothing in advance
		}
		mu.Lock()
		defer mu.Unlock()
		ready, coming = append(ready, theirs.Ready...), append(coming, theirs.Coming...)
	})
	return len(v.members[at].Partitions), ready, coming
}

// succeed gets ready for an instance that leaves, and tells how far that is.
func (d *Detector) succeed(ctx context.Context, instance string) (messages.Succession, error) {
	d.mu.Lock()
	leaving := d.leaving
	if !leaving {
		d.departing[instance] = d.node.config.Now().Add(departingFor)
	}
	d.mu.Unlock()
	if leaving {
		return messages.Succession{}, errors.New("this node is about to leave, too")
	}
	inherited := d.inherits(d.seen())
	if !d.isFollowing(inherited) { // else that is done every second
		d.follow(ctx)
	}
	status, err := actors.AskStatus(ctx, d.root, d.pid)
	if err != nil {
		return messages.Succession{}, err
	}
	succession := messages.Succession{Ready: []int32{}, Coming: []int32{}}
	for _, partition := range inherited {
		for _, p := range status.Partitions {
			switch {
			case p.Partition != partition || p.Role != messages.RoleStandby:
			case p.State == messages.StateFollowing:
				succession.Ready = append(succession.Ready, partition)
			default:
				succession.Coming = append(succession.Coming, partition)
			}
		}
	}
	return succession, nil
}

// isFollowing tells whether the detector was told to keep these warm.
func (d *Detector) isFollowing(partitions []int32) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !slices.ContainsFunc(partitions, func(partition int32) bool { return !slices.Contains(d.followed, partition) })
}

// inherits are the partitions that will be ours when those have left that are about
// to, and are theirs now.
func (d *Detector) inherits(v view, partitions int32) (inherited []int32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.node.config.Now()
	var instances []string
	for instance, until := range d.departing {
		left := v.stable && !slices.ContainsFunc(v.members, func(m member) bool { return m.who() == instance })
		if left || now.After(until) {
			delete(d.departing, instance)
		} else {
			instances = append(instances, instance)
		}
	}
	if len(instances) == 0 || d.leaving {
		return nil
	}
	for _, partition := range v.without(instances, partitions)[d.instance] {
		if owner := v.owner(partition); owner != nil && slices.Contains(instances, owner.who()) {
			inherited = append(inherited, partition)
		}
	}
	return inherited
}
