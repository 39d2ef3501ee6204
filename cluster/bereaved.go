package cluster

import (
	"context"
	"slices"

	"anomalydetector/stream"
)

// What is done for members that are gone: the transaction that one left open holds
// back all who read the output, until it times out.

// atRest tells whether nothing is about to move.
func (v *view) atRest(partitions int32) bool {
	return v.err == nil && v.stable && len(v.unowned(partitions)) == 0
}

// gone are the instances that were members, and are none now although the group
// is at rest and all partitions have owners: so they have lost theirs for good.
func (v *view) gone(earlier []member, partitions int32) (instances []string) {
	if !v.atRest(partitions) {
		return nil
	}
	for _, e := range earlier {
		if !slices.ContainsFunc(v.members, func(m member) bool { return m.Instance == e.Instance }) {
			instances = append(instances, e.Instance)
		}
	}
	return instances
}

// bury ends the transactions of members that are gone, if we are the one among
// those left who does that.
func (d *Detector) bury(ctx context.Context, v view, partitions int32) {
	d.mu.Lock()
	gone := v.gone(d.atRest, partitions)
	if v.atRest(partitions) {
		d.atRest = v.members
	}
	d.mu.Unlock()
	var left []string
	for _, m := range v.members {
		if m.Address != "" { // others do not do that
			left = append(left, m.Instance)
		}
	}
	stream.Prefer(left, 0)
	if len(left) == 0 || left[0] != d.instance {
		return
	}
	for _, instance := range gone {
		ctx, cancel := context.WithTimeout(ctx, buryAtMost)
		fenced, err := d.group.Fence(ctx, instance)
		cancel()
		log := d.node.config.Log.With("detector", d.name, "member", instance)
		switch {
		case err != nil:
			log.Warn("a member is gone, and a transaction it may have left open ends only by its timeout", "error", err)
		case fenced:
			log.Info("a member is gone, the transaction it left open is aborted")
		}
	}
}
