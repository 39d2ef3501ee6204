package cluster

import (
	"context"
	"slices"

	"anomalydetector/actors"
	"anomalydetector/messages"
)

// updateStandbys tells the detector which partitions of other nodes to keep as standbys, each with
// its committed offset.
func (w *GroupWatcher) updateStandbys(ctx context.Context) error {
	w.updating <- struct{}{}
	defer func() { <-w.updating }()
	v, partitions := w.seen()
	now := w.seeJoined(v)
	if w.store == nil {
		return nil
	}
	if err := v.problem(w.name); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	wanted := w.wantedStandbys(ctx, v, partitions, now)
	message := &messages.Standbys{}
	if len(wanted) > 0 {
		committed, topic, err := w.group.Committed(ctx)
		if err != nil {
			return err
		}
		for _, partition := range wanted {
			if offset, ok := committed[partition]; ok {
				message.Partitions = append(message.Partitions, messages.Assignment{Partition: partition, Topic: topic, Offset: offset})
			}
		}
	}
	w.mu.Lock()
	w.prepared = w.prepared || now.keepsShare()
	w.wanted, w.requested = wanted, w.requested[:0]
	for _, one := range message.Partitions {
		w.requested = append(w.requested, one.Partition)
	}
	w.mu.Unlock()
	w.root.Send(w.pid, message)
	return nil
}

// wantedStandbys are the partitions of other nodes whose windows this node keeps up to date.
func (w *GroupWatcher) wantedStandbys(ctx context.Context, v view, partitions int32, now phase) []int32 {
	w.mu.Lock()
	before, stops := slices.Clone(w.wanted), w.phase.stops()
	w.mu.Unlock()
	if stops {
		return before // another node that drains may count on them until this one has left
	}
	wanted := v.standbys(w.instance, partitions, w.standbys)
	wanted = append(wanted, w.takesOver(v, partitions)...)
	if now.keepsShare() {
		wanted = append(wanted, v.withUs(w.instance, partitions)...)
	}
	wanted = append(wanted, w.arriving(ctx, v, before)...)
	slices.Sort(wanted)
	return slices.Compact(wanted)
}

// arriving keeps a standby while it moves here: of the given partitions it returns those that have
// no owner at the moment, and those that are assigned to this node and that the detector still has
// as standbys.
func (w *GroupWatcher) arriving(ctx context.Context, v view, of []int32) []int32 {
	of = slices.DeleteFunc(of, func(partition int32) bool {
		owner := v.owner(partition)
		return owner != nil && !w.isUs(*owner)
	})
	if len(of) == 0 {
		return nil
	}
	status, err := actors.AskStatus(ctx, w.root, w.pid)
	return slices.DeleteFunc(of, func(partition int32) bool {
		return err == nil && !slices.ContainsFunc(status.Partitions, func(p messages.PartitionStatus) bool {
			return p.Partition == partition && p.Role == messages.RoleStandby
		})
	})
}

// isRequested tells whether updateStandbys has already found all of these partitions to be wanted.
func (w *GroupWatcher) isRequested(partitions []int32) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !slices.ContainsFunc(partitions, func(partition int32) bool { return !slices.Contains(w.wanted, partition) })
}
