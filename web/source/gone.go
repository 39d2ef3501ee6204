package source

import (
	"slices"
	"time"

	"anomalydetector/messages"
	"anomalydetector/web/answers"
)

// goneFor is how long a node is shown after its last answer.
const goneFor = 15 * time.Minute

// sighting is when a node answered last, and what it said then.
type sighting struct {
	at   time.Time
	node messages.NodeStatus
}

// notice remembers which nodes answer. A node is noticed only if somebody asks for the status of all nodes.
func (now *looked) notice(before map[string]sighting) {
	now.sightings = make(map[string]sighting)
	for address, s := range before {
		if now.at.Sub(s.at) < goneFor {
			now.sightings[address] = s
		}
	}
	for _, node := range now.status.Nodes {
		if node.Problem == "" {
			node.Detectors = nil
			now.sightings[node.Address] = sighting{now.at, node}
		}
	}
}

// gone adds to the nodes what they said before they stopped answering.
func gone(nodes []answers.Node, sightings map[string]sighting) []answers.Node {
	for address, s := range sightings {
		at := slices.IndexFunc(nodes, func(n answers.Node) bool { return n.Address == address })
		if at >= 0 && nodes[at].Problem == "" {
			continue
		}
		last := s.at.UTC()
		if at >= 0 {
			nodes[at].Answered = &last
			continue
		}
		nodes = append(nodes, answers.Node{Address: address, ID: s.node.Node, Version: s.node.Version, Answered: &last,
			Problem: "is not in the consumer group any more", Detectors: []answers.NodeDetector{}})
	}
	return nodes
}
