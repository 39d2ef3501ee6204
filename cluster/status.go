package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"anomalydetector/actors"
	"anomalydetector/messages"
)

// Cluster asks all nodes for their status, within the deadline of the context. If a node does not
// answer or a group cannot be asked, the status is partial and says which and why.
func (n *Node) Cluster(ctx context.Context) messages.ClusterStatus {
	status := messages.ClusterStatus{At: n.config.Now().UTC(), Nodes: []messages.NodeStatus{}, Unowned: []messages.PartitionName{}}
	addresses := []string{n.config.Advertise}
	problem := func(text string) { status.Partial, status.Problems = true, append(status.Problems, text) }
	for _, w := range n.watchers {
		v, partitions := w.seen()
		if err := v.problem(w.name); err != nil {
			problem(err.Error())
		}
		for _, partition := range v.unowned(partitions) {
			status.Unowned = append(status.Unowned, messages.PartitionName{Detector: w.name, Partition: partition})
		}
		for _, m := range v.members {
			switch {
			case m.Address == "":
				problem(fmt.Sprintf("detector %s: %s", w.name, w.unreachable(m)))
			case !slices.Contains(addresses, m.Address):
				addresses = append(addresses, m.Address)
			}
		}
	}
	slices.Sort(addresses)
	var mu sync.Mutex
	each(ctx, addresses, func(ctx context.Context, address string) {
		var one messages.NodeStatus
		if address == n.config.Advertise {
			one = n.status(ctx)
		} else if err := n.client.getJSON(ctx, address, "/v1/node", nil, &one); err != nil {
			one = messages.NodeStatus{Address: address, Problem: err.Error()}
		}
		mu.Lock()
		defer mu.Unlock()
		status.Nodes = append(status.Nodes, one)
		status.Partial = status.Partial || one.Problem != "" ||
			slices.ContainsFunc(one.Detectors, func(d messages.DetectorStatus) bool { return d.State == messages.StateUnknown })
	})
	slices.SortFunc(status.Nodes, func(a, b messages.NodeStatus) int { return strings.Compare(a.Address, b.Address) })
	n.fillSilent(status.Nodes)
	// The view is up to lookEvery old: a node may own a partition that has no owner in it.
	status.Unowned = slices.DeleteFunc(status.Unowned, func(p messages.PartitionName) bool { return claimed(status.Nodes, p) })
	return status
}

// status is what this node says of itself.
func (n *Node) status(ctx context.Context) messages.NodeStatus {
	status := messages.NodeStatus{
		Address: n.config.Advertise, Node: n.config.Node, Process: n.config.Process, Version: n.config.Version, Protocol: Protocol,
		Started: n.started.UTC(), Detectors: []messages.DetectorStatus{},
	}
	for _, w := range n.watchers {
		one, err := actors.AskStatus(ctx, w.root, w.pid)
		if err != nil {
			one = messages.DetectorStatus{Detector: w.name, State: messages.StateUnknown, Problem: err.Error(),
				Partitions: []messages.PartitionStatus{}}
		}
		if v, _ := w.seen(); one.Problem == "" && v.err != nil {
			one.Problem = v.problem(w.name).Error() // cut off from the broker, it may have lost what it believes it owns
		}
		status.Detectors = append(status.Detectors, one)
	}
	return status
}

// fillSilent gives each node that does not answer the partitions that it owns in the view of the
// group. It leaves out those that an answering node claims: their owner has changed since.
func (n *Node) fillSilent(nodes []messages.NodeStatus) {
	var answering []messages.NodeStatus
	for _, node := range nodes {
		if node.Problem == "" {
			answering = append(answering, node)
		}
	}
	for _, w := range n.watchers {
		v, _ := w.seen()
		for _, m := range v.members {
			for i := range nodes {
				if node := &nodes[i]; node.Problem == "" || node.Address != m.Address {
					continue
				}
				silent := messages.DetectorStatus{Detector: w.name, State: messages.StateUnknown, Partitions: []messages.PartitionStatus{}}
				for _, partition := range m.Partitions {
					if !claimed(answering, messages.PartitionName{Detector: w.name, Partition: partition}) {
						silent.Partitions = append(silent.Partitions, messages.PartitionStatus{Partition: partition, Role: messages.RoleAssigned, Phase: messages.PhaseUnknown})
					}
				}
				nodes[i].Detectors = append(nodes[i].Detectors, silent)
			}
		}
	}
}

// claimed tells whether a partition is assigned to one of these nodes, by their own account.
func claimed(nodes []messages.NodeStatus, name messages.PartitionName) bool {
	for _, node := range nodes {
		for _, d := range node.Detectors {
			for _, p := range d.Partitions {
				if d.Detector == name.Detector && p.Partition == name.Partition && p.Role == messages.RoleAssigned {
					return true
				}
			}
		}
	}
	return false
}
