package cluster

import "anomalydetector/messages"

// claim gives each node that does not answer the partitions that it has by what its groups
// say, except those of which one that answers says that it owns them by now.
func (n *Node) claim(nodes []messages.NodeStatus) {
	var answering []messages.NodeStatus
	for _, node := range nodes {
		if node.Problem == "" {
			answering = append(answering, node)
		}
	}
	for _, d := range n.detectors {
		v, _ := d.seen()
		for _, m := range v.members {
			for i := range nodes {
				if node := &nodes[i]; node.Problem == "" || node.Address != m.Address {
					continue
				}
				claims := messages.DetectorStatus{Detector: d.name, State: messages.StateUnknown, Partitions: []messages.PartitionStatus{}}
				for _, partition := range m.Partitions {
					if !claimed(answering, messages.PartitionName{Detector: d.name, Partition: partition}) {
						claims.Partitions = append(claims.Partitions, messages.PartitionStatus{Partition: partition, Role: messages.RoleAssigned, Phase: messages.PhaseUnknown})
					}
				}
				nodes[i].Detectors = append(nodes[i].Detectors, claims)
			}
		}
	}
}
