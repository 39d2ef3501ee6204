package cluster

import (
	"context"
	"slices"

	"anomalydetector/stream"
)

// settled tells whether the group is stable and every partition has an owner.
func (v *view) settled(partitions int32) bool {
	return v.err == nil && v.stable && len(v.unowned(partitions)) == 0
}

// departed are the instances that were members in an earlier settled view and are none in this one.
// Since every partition has an owner now, they have lost theirs for good. It returns none while
// the view is not settled.
func (v *view) departed(earlier []member, partitions int32) (instances []string) {
	if !v.settled(partitions) {
		return nil
	}
	for _, e := range earlier {
		if !slices.ContainsFunc(v.members, func(m member) bool { return m.Instance == e.Instance }) {
			instances = append(instances, e.Instance)
		}
	}
	return instances
}

// fenceDeparted aborts the transactions that departed members left open: such a transaction holds back all
// read_committed readers of the output until it times out. One of the remaining nodes does this. All nodes compute
// which one.
func (w *GroupWatcher) fenceDeparted(ctx context.Context, v view, partitions int32) {
	w.mu.Lock()
	departed := v.departed(w.lastSettled, partitions)
	if v.settled(partitions) {
		w.lastSettled = v.members
	}
	w.mu.Unlock()
	var nodes []string
	for _, m := range v.members {
		if m.Address != "" { // a member without [cluster] fences nobody
			nodes = append(nodes, m.Instance)
		}
	}
	stream.Prefer(nodes, 0)
	if len(nodes) == 0 || nodes[0] != w.instance {
		return
	}
	for _, instance := range departed {
		ctx, cancel := context.WithTimeout(ctx, fenceAtMost)
		fenced, err := w.group.Fence(ctx, instance)
		cancel()
		log := w.node.config.Log.With("detector", w.name, "member", instance)
		switch {
		case err != nil:
			log.Warn("a member is gone, and its open transaction could not be aborted: readers wait until it times out", "error", err)
		case fenced:
			log.Info("a member is gone, the transaction it left open is aborted")
		}
	}
}
