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
	unrestAtMost  = 3 * time.Second // a partition may have no owner for a moment, while another node joins
)

// Prepare delays joining the group until this node has the windows of its expected share. While
// the other members own every partition, nobody waits for this node, and after it joins its
// partitions are ready at once. Prepare returns at once if a partition has no owner or nothing is
// stored here, and after at most 2 minutes otherwise.
//
// It is called once, before the group is joined for the first time.
func (w *GroupWatcher) Prepare(ctx context.Context) {
	select {
	case <-w.bound:
	case <-ctx.Done():
		return
	}
	if w.store == nil || !w.newcomer(w.look(ctx)) || !w.advance(preparing) {
		w.advance(joined)
		return
	}
	defer w.advance(joining)
	log := w.node.config.Log.With("detector", w.name)
	log.Info("other nodes own every partition: getting windows before joining the group")
	began := w.node.config.Now()
	w.updateStandbys(ctx)
	ticker := time.NewTicker(prepareLook)
	defer ticker.Stop()
	deadline := time.After(prepareAtMost)
	ready := make(map[int32]bool)
	calm := began // the last time that every partition had an owner
	for {
		v, partitions := w.seen()
		if w.newcomer(v, partitions) {
			calm = w.node.config.Now()
		}
		switch {
		case len(v.members) == 0, w.node.config.Now().Sub(calm) > unrestAtMost:
			log.Info("a partition has no owner: joining the group now")
			return
		case w.shareReady(ctx, ready):
			log.Info("the windows are here: joining the group", "seconds", w.node.config.Now().Sub(began).Seconds())
			return
		}
		select {
		case <-ticker.C:
		case <-deadline:
			log.Warn("joining the group although some windows are not here yet; their partitions replay the topic", "after", prepareAtMost.String())
			return
		case <-ctx.Done():
			return
		}
	}
}

// newcomer tells whether the group works without this node: it has members, this node is none of
// them, and each partition has an owner.
func (w *GroupWatcher) newcomer(v view, partitions int32) bool {
	return v.problem(w.name) == nil && len(v.members) > 0 && !slices.ContainsFunc(v.members, w.isUs) && len(v.unowned(partitions)) == 0
}

// shareReady tells whether each standby partition has been ready at least once since it was
// requested: a standby that was ready is kept up to date. It adds those that are ready now to ready.
func (w *GroupWatcher) shareReady(ctx context.Context, ready map[int32]bool) bool {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	status, err := actors.AskStatus(ctx, w.root, w.pid)
	if err != nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.prepared {
		return false
	}
	for _, p := range status.Partitions {
		ready[p.Partition] = ready[p.Partition] || p.Role == messages.RoleStandby && p.Phase == messages.Ready
	}
	return !slices.ContainsFunc(w.requested, func(partition int32) bool { return !ready[partition] })
}
