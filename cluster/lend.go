package cluster

import (
	"context"
	"slices"
	"sync"
	"time"

	"anomalydetector/messages"
)

// A node that stops has the windows that others need then. It goes on answering for
// a while after it has left the group, and is asked although it is no member any
// more: see view.askable.

const lendLook = 200 * time.Millisecond

// Lend waits until the partitions that were ours are at work elsewhere, or nobody
// can be seen to get ready for that, or the context ends. It is called when the
// detectors have left their groups.
func (n *Node) Lend(ctx context.Context) {
	var lending sync.WaitGroup
	for _, d := range n.detectors {
		if d.store != nil {
			lending.Go(func() { d.lend(ctx) })
		}
	}
	lending.Wait()
}

func (d *Detector) lend(ctx context.Context) {
	began := d.node.config.Now()
	d.mu.Lock()
	mine := slices.Clone(d.mine)
	d.mu.Unlock()
	if len(mine) == 0 {
		return
	}
	awaited, err := d.awaited(ctx, mine)
	if err != nil || !awaited {
		return
	}
	log := d.node.config.Log.With("detector", d.name)
	log.Info("keeping the windows for the nodes that take the partitions over", "partitions", len(mine))
	for ctx.Err() == nil && (awaited || err != nil) {
		select {
		case <-time.After(lendLook):
		case <-ctx.Done():
		}
		awaited, err = d.awaited(ctx, mine)
	}
	log.Info("the windows are kept no longer", "seconds", d.node.config.Now().Sub(began).Seconds(), "in_time", ctx.Err() == nil)
}

// awaited tells whether one of these partitions is about to be given to a node that
// answers, or is not at work there yet. An error is why the group is not known.
func (d *Detector) awaited(ctx context.Context, partitions []int32) (bool, error) {
	v, _ := d.look(ctx)
	if err := v.problem(d.name); err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var mu sync.Mutex
	answers := make(map[string]messages.NodeStatus) // by address
	each(ctx, v.members, func(ctx context.Context, m member) {
		var status messages.NodeStatus
		if d.isUs(m) || m.Address == "" || d.node.client.getJSON(ctx, m.Address, "/v1/node", nil, &status) != nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		answers[m.Address] = status
	})
	return slices.ContainsFunc(partitions, func(partition int32) bool {
		owner := v.owner(partition)
		if owner == nil {
			return len(answers) > 0
		}
		status, answered := answers[owner.Address]
		return answered && !worksOn(status, messages.PartitionName{Detector: d.name, Partition: partition})
	}), nil
}

// worksOn tells whether a node has what it needs to score a partition.
func worksOn(node messages.NodeStatus, name messages.PartitionName) bool {
	p := owned(node, name)
	return p != nil && (p.State == messages.StateLive || p.State == messages.StateStopped)
}
