package kafka_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// team is a case with several nodes that share its partitions.
type team struct {
	*world
	conf     string
	standbys int // of each partition
	nodes    []*node
}

// node is one detector of a team. It has a proxy to the broker, and another one
// through which the other nodes reach it.
type node struct {
	*process // nil until it was started
	team     *team
	name     string
	listen   string // where the operator asks it
	broker   *proxy
	peers    *proxy
}

// newTeam has a node for each door of the broker; none is started. Sections may be
// added to the configuration.
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
		n.peers = newProxy(t, "127.0.0.1:0", n.listen)
		w.nodes = append(w.nodes, n)
	}
	return w
}

// freeAddress is one of loopback that nobody listens on. Its port is below those that the
// kernel gives to connections and to listeners that ask for any: else one of them may take
// it before the process does that it is for.
func freeAddress(t *testing.T) string {
	t.Helper()
	const first, last = 10_000, 32_000
	for range 100 {
		address := fmt.Sprint("127.0.0.1:", first+rand.IntN(last-first))
		if listener, err := net.Listen("tcp", address); err == nil {
			must(t, listener.Close())
			return address
		}
	}
	t.Fatal("no port is free")
	return ""
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

// phase is how far a transaction is that the broker has open.
type phase string

const (
	writing    phase = "writing"    // anomalies are in it
	committing phase = "committing" // offsets, too, and it is about to end
)

// inTransaction tells whether the node has one that is so far.
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

// finish feeds what is left of the case, and compares.
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

// feedTo feeds until so many percent of the case have been fed.
func (w *team) feedTo(percent int) {
	w.Helper()
	w.feed(max(len(w.golden.Records)*percent/100-w.fed, 0))
}

// meanwhile waits for a condition, and feeds a little again and again, until so
// many percent of the case have been fed.
func (w *team) meanwhile(percent int, what string, condition func() bool) {
	w.Helper()
	const little = 25
	w.until(what, func() bool {
		w.feed(min(little, max(len(w.golden.Records)*percent/100-w.fed, 0)))
		return condition()
	})
}

// ask runs a command that asks the node, as an operator on its machine does.
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

// status is what a node knows of all of them.
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

// silent are the addresses of the nodes that did not answer.
func (s status) silent() (addresses []string) {
	for _, n := range s.Nodes {
		if n.Problem != "" {
			addresses = append(addresses, n.Address)
		}
	}
	return addresses
}

// holder is a node that has a partition, and how.
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

// shared: all have answered, they are these, and each partition has one owner,
// which scores. Each node has its share, but for rounding.
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

// steady: each partition has one owner, which scores, and if something of it was
// fed so many standbys, which have followed it to the same offset. Nobody has it
// otherwise.
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

// fedPartitions are those that have records.
func (w *team) fedPartitions() map[int32]bool {
	fed := make(map[int32]bool)
	for _, r := range w.golden.Records[:w.fed] {
		fed[r.Partition] = true
	}
	return fed
}

// untilSteady waits until each node says that all share the partitions, and that
// each has its standbys. Of what nothing was committed there is nothing to keep warm.
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
