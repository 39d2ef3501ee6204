package cluster

import (
	"fmt"
	"testing"
	"time"

	"anomalydetector/messages"
	"anomalydetector/stream"
)

// A node that does not answer still has partitions, by what the group says; but not those
// that a node which answers has taken over meanwhile.
func TestSilentNodesHaveWhatTheGroupSays(t *testing.T) {
	n := &Node{config: Config{Advertise: "heir:1", Now: time.Now}}
	d := &Detector{node: n, name: "d", partitions: 4, departing: make(map[string]time.Time)}
	n.detectors = []*Detector{d}
	for _, m := range []stream.Member{{ID: "1", Address: "silent:1", Partitions: []int32{0, 1, 2}}, {ID: "2", Address: "heir:1", Partitions: []int32{3}}} {
		d.view.members = append(d.view.members, member{m})
	}
	nodes := []messages.NodeStatus{{Address: "silent:1", Problem: "not today"}, {Address: "heir:1", Detectors: []messages.DetectorStatus{{Detector: "d", Partitions: []messages.PartitionStatus{
		{Partition: 2, Role: messages.RoleAssigned, Phase: messages.Replaying}, {Partition: 1, Role: messages.RoleStandby, Phase: messages.Ready}}}}}}
	n.claim(nodes)
	got := ""
	for _, node := range nodes {
		for _, d := range node.Detectors {
			for _, p := range d.Partitions {
				got += fmt.Sprint(node.Address, " ", p.Partition, " ", p.Role, " ", p.Phase, "; ")
			}
		}
	}
	if want := "silent:1 0 assigned unknown; silent:1 1 assigned unknown; heir:1 2 assigned replaying; heir:1 1 standby ready; "; got != want {
		t.Errorf("partitions are %s; want %s", got, want)
	}
}
