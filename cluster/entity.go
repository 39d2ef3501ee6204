package cluster

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"anomalydetector/actors"
	"anomalydetector/messages"
	"anomalydetector/stream"
)

// Entity asks all nodes of the group for an entity by its key, within the deadline of the context.
// Only the producer of the points knows which partition an entity's points go to, so every owner is
// asked. The answer is partial if a partition could not be asked.
func (w *GroupWatcher) Entity(ctx context.Context, key string) messages.EntityAnswer {
	v, partitions := w.seen()
	whole := messages.EntityAnswer{Detector: w.name, Entity: key, Found: []messages.EntityStatus{}}
	problem := func(text string) { whole.Partial, whole.Problems = true, append(whole.Problems, text) }
	if err := v.problem(w.name); err != nil {
		problem(err.Error())
	}
	var mu sync.Mutex
	each(ctx, w.withSelf(v.members), func(ctx context.Context, m member) {
		var one messages.EntityAnswer
		switch {
		case w.isUs(m):
			one = w.entityHere(ctx, key)
		case m.Address == "":
			one = messages.EntityAnswer{Partial: true, Problems: []string{w.unreachable(m)}}
		default:
			values := url.Values{"detector": {w.name}, "key": {key}, "scope": {"node"}, "packed": {"1"}, "timeout": {left(ctx).String()}}
			if err := w.node.client.getJSON(ctx, m.Address, "/v1/entity", values, &one); err != nil {
				one = messages.EntityAnswer{Partial: true, Problems: []string{err.Error()}}
			}
			for i := range one.Found {
				one.Found[i].Unpack()
			}
		}
		mu.Lock()
		defer mu.Unlock()
		whole.Asked = append(whole.Asked, one.Asked...)
		whole.Found = append(whole.Found, one.Found...)
		whole.Partial = whole.Partial || one.Partial
		whole.Problems = append(whole.Problems, one.Problems...)
	})
	slices.Sort(whole.Asked)
	for partition := range partitions {
		if !slices.Contains(whole.Asked, partition) {
			problem(fmt.Sprintf("partition %d was not asked: it has no owner at the moment, or its owner did not answer", partition))
		}
	}
	slices.SortFunc(whole.Found, func(a, b messages.EntityStatus) int {
		if a.Partition != b.Partition {
			return int(a.Partition - b.Partition)
		}
		return cmp.Or(cmp.Compare(a.Role, b.Role), strings.Compare(a.Address, b.Address)) // assigned before standby
	})
	return whole
}

// withSelf adds this process if it is no member at the moment: its standby partitions know entities, too.
func (w *GroupWatcher) withSelf(members []member) []member {
	if slices.ContainsFunc(members, w.isUs) {
		return members
	}
	return append(members, member{stream.Member{Instance: w.instance}})
}

// entityHere is what the partitions of this node know of an entity.
func (w *GroupWatcher) entityHere(ctx context.Context, key string) messages.EntityAnswer {
	found, asked, err := actors.AskEntity(ctx, w.root, w.pid, key)
	result := messages.EntityAnswer{Detector: w.name, Entity: key, Asked: asked, Found: []messages.EntityStatus{}}
	for _, one := range found {
		one.Address = w.node.config.Advertise
		result.Found = append(result.Found, one)
	}
	if err != nil {
		result.Partial, result.Problems = true, []string{w.node.config.Advertise + ": " + err.Error()}
	}
	return result
}
