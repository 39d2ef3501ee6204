package cluster

import (
	"fmt"
	"testing"
	"time"

	"anomalydetector/messages"
	"anomalydetector/stream"
)

// TestSilentNodeKeepsItsPartitionsUntilAnotherNodeClaimsThem: a node that does not answer owns what
// it owns in the view of the group, but not what an answering node has taken over since.
func TestSilentNodeKeepsItsPartitionsUntilAnotherNodeClaimsThem(t *testing.T) {
	n := &Node{config: Config{Advertise: "other:1", Now: time.Now}}
	w := &GroupWatcher{node: n, name: "d", partitions: 4, draining: make(map[string]time.Time)}
	n.watchers = []*GroupWatcher{w}
	for _, m := range []stream.Member{{ID: "1", Address: "silent:1", Partitions: []int32{0, 1, 2}}, {ID: "2", Address: "other:1", Partitions: []int32{3}}} {
		w.view.members = append(w.view.members, member{m})
	}
	nodes := []messages.NodeStatus{{Address: "silent:1", Problem: "not today"}, {Address: "other:1", Detectors: []messages.DetectorStatus{{Detector: "d", Partitions: []messages.PartitionStatus{
		{Partition: 2, Role: messages.RoleAssigned, Phase: messages.Replaying}, {Partition: 1, Role: messages.RoleStandby, Phase: messages.Ready}}}}}}
	n.fillSilent(nodes)
	got := ""
	for _, node := range nodes {
		for _, d := range node.Detectors {
			for _, p := range d.Partitions {
				got += fmt.Sprint(node.Address, " ", p.Partition, " ", p.Role, " ", p.Phase, "; ")
			}
		}
	}
	if want := "silent:1 0 assigned unknown; silent:1 1 assigned unknown; other:1 2 assigned replaying; other:1 1 standby ready; "; got != want {
		t.Errorf("partitions are %s; want %s", got, want)
	}
}
