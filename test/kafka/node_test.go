package kafka_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"anomalydetector/loopback"
)

// team is a case with several nodes that share its partitions.
type team struct {
	*world
	conf     string
	standbys int // of each partition
	nodes    []*node
}

// node is one process of a team. It reaches the broker through one proxy, and the other nodes reach it
// through another one.
type node struct {
	*process // nil before the first start
	team     *team
	name     string
	listen   string // address at which the test asks it
	broker   *proxy
	peers    *proxy
}

// newTeam makes a node for each door of the broker, and starts none. The lines in more are added to the
// configuration.
func newTeam(t *testing.T, name string, standbys int, more ...string) *team {
	t.Helper()
	doors := os.Getenv("KAFKA_TEST_DOORS")
	if doors == "" {
		t.Skip("no broker with doors: run this with `make test-kafka`")
	}
	w := &team{world: newWorld(t, name), standbys: standbys}
	w.createInput()
	w.conf = w.world.conf(append([]string{"[cluster]", fmt.Sprint("standbys = ", standbys)}, more...)...)
	for i, pair := range strings.Split(doors, ",") {
		door, outside, _ := strings.Cut(pair, "/")
		n := &node{team: w, name: fmt.Sprintf("n%d", i+1), listen: freeAddress(t)}
		n.broker = newProxy(t, outside, door)
		n.peers = newProxy(t, freeAddress(t), n.listen)
		w.nodes = append(w.nodes, n)
	}
	return w
}

// freeAddress is a loopback address with a free port.
func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := loopback.FreeAddress()
	must(t, err)
	return address
}

func (n *node) variables() []string {
	return []string{
		"DETECTOR_NODE_ID=" + n.name, "KAFKA_HOST=" + n.broker.address, "DETECTOR_DATA_DIR=" + filepath.Join(n.team.home, n.name),
		"DETECTOR_CLUSTER_LISTEN=" + n.listen, "DETECTOR_CLUSTER_ADVERTISE=" + n.peers.address,
	}
}

func (n *node) start() {
	n.team.Helper()
	n.process = n.team.startWith(n.variables(), n.team.conf)
}

func (n *node) kill() {
	n.signal(syscall.SIGKILL)
	<-n.exited
}

// phase is how far an open transaction is.
type phase string

const (
	writing    phase = "writing"    // anomalies are in it
	committing phase = "committing" // the offsets are in it, too, and it is about to end
)

// inTransaction tells whether the node has an open transaction in the wanted phase.
func (n *node) inTransaction(wanted phase) bool {
	id := n.team.name + ".detector." + n.name
	found, err := n.team.admin.DescribeTransactions(context.Background(), id)
	is := writing
	if _, offsets := found[id].Topics["__consumer_offsets"]; offsets {
		is = committing
	}
	return err == nil && found[id].State == "Ongoing" && is == wanted
}

func (w *team) start() {
	w.Helper()
	for _, n := range w.nodes {
		n.start()
	}
}

// finish feeds the rest of the case, and compares the output.
func (w *team) finish() {
	w.Helper()
	w.feedTo(100)
	w.untilCommitted()
	w.untilSteady()
	for _, n := range w.nodes {
		n.stop()
	}
	w.verify()
}

// feedTo feeds until the given percentage of the case has been fed.
func (w *world) feedTo(percent int) {
	w.Helper()
	w.feed(max(len(w.golden.Records)*percent/100-w.fed, 0))
}

// meanwhile waits for a condition. In the meantime it feeds a little again and again, up to the given
// percentage of the case.
func (w *team) meanwhile(percent int, what string, condition func() bool) {
	w.Helper()
	const little = 25
	w.until(what, func() bool {
		w.feed(min(little, max(len(w.golden.Records)*percent/100-w.fed, 0)))
		return condition()
	})
}

// ask runs a command that asks the node, as an operator would on its machine.
func (n *node) ask(answer any, command string, arguments ...string) error {
	arguments = append([]string{command, "--json", "--node", n.listen, n.team.conf}, arguments...)
	asking := n.team.command(n.variables(), arguments...)
	var problem strings.Builder
	asking.Stderr = &problem
	said, err := asking.Output()
	if err != nil {
		return fmt.Errorf("%s of node %s: %w: %s", command, n.name, err, &problem)
	}
	return json.Unmarshal(said, answer)
}

// status is the answer of a node about all nodes.
type status struct {
	Nodes []struct {
		Address, Problem string
		Detectors        []struct{ Partitions []partitionStatus }
	}
	Unowned  []any
	Partial  bool
	Problems []string
}

type partitionStatus struct {
	Partition   int32
	Role, State string
	Offset      int64
}

// status is empty if the node does not answer.
func (n *node) status() (s status) {
	if err := n.ask(&s, "status"); err != nil {
		return status{Partial: true, Problems: []string{err.Error()}}
	}
	return s
}

// read is how many records each node has read of the partitions that are assigned to it, by the node's address.
func (s status) read() map[string]int64 {
	records := make(map[string]int64)
	for _, n := range s.Nodes {
		for _, d := range n.Detectors {
			for _, p := range d.Partitions {
				if p.Role == "assigned" {
					records[n.Address] += p.Offset
				}
			}
		}
	}
	return records
}

// silent are the addresses of the nodes that did not answer.
func (s status) silent() (addresses []string) {
	for _, n := range s.Nodes {
		if n.Problem != "" {
			addresses = append(addresses, n.Address)
		}
	}
	return addresses
}

// holder is a node that has a partition, with its role and phase.
type holder struct {
	address string
	partitionStatus
}

// holders are the nodes that have a partition in a role and phase.
func (s status) holders(partition int32, role, phase string) (all []holder) {
	for _, n := range s.Nodes {
		for _, d := range n.Detectors {
			for _, p := range d.Partitions {
				if p.Partition == partition && p.Role == role && p.State == phase {
					all = append(all, holder{n.Address, p})
				}
			}
		}
	}
	return all
}

// shared tells whether exactly the given nodes have answered, each partition has one owner, which is ready,
// and each node has its share up to rounding.
func (s status) shared(partitions int32, nodes ...*node) bool {
	owned := make(map[string]int32)
	for partition := range partitions {
		owners := s.holders(partition, "assigned", "ready")
		if len(owners) != 1 {
			return false
		}
		owned[owners[0].address]++
	}
	for _, n := range nodes {
		if owned[n.peers.address] < partitions/int32(len(nodes)) {
			return false
		}
	}
	return !s.Partial && len(s.Problems) == 0 && len(s.Unowned) == 0 && len(s.Nodes) == len(nodes)
}

// steady tells whether each partition has one owner, which is ready, and no other holders but its
// standbys. A partition with records has the given number of standbys, at the same offset as the owner.
func (s status) steady(partitions int32, each int, fed map[int32]bool) bool {
	has, wanted := 0, int(partitions)+each*len(fed)
	for _, n := range s.Nodes {
		for _, d := range n.Detectors {
			has += len(d.Partitions)
		}
	}
	for partition := range partitions {
		owners, standbys := s.holders(partition, "assigned", "ready"), s.holders(partition, "standby", "ready")
		behind := func(standby holder) bool { return standby.Offset != owners[0].Offset }
		if len(owners) != 1 || fed[partition] && (len(standbys) != each || slices.ContainsFunc(standbys, behind)) {
			return false
		}
	}
	return has == wanted
}

// fedPartitions are the partitions that have records.
func (w *team) fedPartitions() map[int32]bool {
	fed := make(map[int32]bool)
	for _, r := range w.golden.Records[:w.fed] {
		fed[r.Partition] = true
	}
	return fed
}

// untilSteady waits until each node reports that all nodes share the partitions and that each partition
// has its standbys. A partition without a committed offset has none.
func (w *team) untilSteady() {
	w.Helper()
	w.untilCommitted()
	fed := w.fedPartitions()
	var last status
	defer func() {
		if w.Failed() {
			w.Logf("the last status: %+v", last)
		}
	}()
	for _, n := range w.nodes {
		w.until("node "+n.name+" says that all is steady", func() bool {
			last = n.status()
			return last.shared(w.golden.Partitions, w.nodes...) && last.steady(w.golden.Partitions, w.standbys, fed)
		})
	}
}
