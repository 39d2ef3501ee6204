package cluster

import (
	"context"
	"slices"
	"time"

	"anomalydetector/actors"
	"anomalydetector/messages"
)

const (
	prepareAtMost = 2 * time.Minute
	prepareLook   = 100 * time.Millisecond
	joinAtMost    = 30 * time.Second // until a member has partitions, if there are enough for all
	unrestAtMost  = 3 * time.Second  // that partitions have no owner: another one may be joining
)

// Prepare keeps a process from joining a group in which others do the work, until
// it has the windows of the partitions that it is to be given, as far as can be
// foreseen: nobody waits for it meanwhile, and once it is a member nobody waits for
// long. It returns at once where somebody does wait.
func (d *Detector) Prepare(ctx context.Context) {
	select {
	case <-d.bound:
	case <-ctx.Done():
		return
	}
	if d.store == nil || !d.newcomer(d.look(ctx)) {
		return
	}
	log := d.node.config.Log.With("detector", d.name)
	log.Info("others do the work: getting windows before joining the group")
	began := d.node.config.Now()
	d.setPreparing(time.Time{})
	defer func() { d.setPreparing(d.node.config.Now().Add(joinAtMost)) }()
	d.follow(ctx)
	ticker := time.NewTicker(prepareLook)
	defer ticker.Stop()
	deadline := time.After(prepareAtMost)
	ready := make(map[int32]bool)
	calm := began // the last time that the group did without us
	for {
		v, partitions := d.seen()
		if d.newcomer(v, partitions) {
			calm = d.node.config.Now()
		}
		switch {
		case len(v.members) == 0, d.node.config.Now().Sub(calm) > unrestAtMost:
			log.Info("the group does not do without us any more: joining it now")
			return
		case d.warm(ctx, ready):
			log.Info("the windows are here: joining the group", "seconds", d.node.config.Now().Sub(began).Seconds())
			return
		}
		select {
		case <-ticker.C:
		case <-deadline:
			log.Warn("the windows of others' partitions are not all here yet, joining the group all the same", "after", prepareAtMost.String())
			return
		case <-ctx.Done():
			return
		}
	}
}

// newcomer tells whether the group does without us: it has members, we are none of
// them, and each partition has an owner.
func (d *Detector) newcomer(v view, partitions int32) bool {
	return v.problem(d.name) == nil && len(v.members) > 0 && !slices.ContainsFunc(v.members, d.isUs) && len(v.unowned(partitions)) == 0
}

// setPreparing begins to keep warm what is to be ours, until we have some of our own,
// or a time, if it is not zero.
func (d *Detector) setPreparing(until time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if until.IsZero() {
		d.told = false
	}
	d.preparing, d.joinBy = true, until
}

// isPreparing tells whether what is to be ours is to be kept warm.
func (d *Detector) isPreparing(v view) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	have := slices.ContainsFunc(v.members, func(m member) bool { return d.isUs(m) && len(m.Partitions) > 0 })
	if have || !d.joinBy.IsZero() && d.node.config.Now().After(d.joinBy) {
		d.preparing = false
	}
	return d.preparing
}

// warm tells whether the detector has had the windows of all that it was told to keep
// warm: what it had once it keeps up to date. It takes down what it has.
func (d *Detector) warm(ctx context.Context, ready map[int32]bool) bool {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	status, err := actors.AskStatus(ctx, d.root, d.pid)
	if err != nil {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.told {
		return false
	}
	for _, p := range status.Partitions {
		ready[p.Partition] = ready[p.Partition] || p.Role == messages.RoleStandby && p.Phase == messages.Ready
	}
	return !slices.ContainsFunc(d.followed, func(partition int32) bool { return !ready[partition] })
}
