package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"anomalydetector/messages"
)

// node is one of several detectors in a group. Each has a folder of its own, with
// its data and its copy of the configuration.
type node struct {
	job
	id      string   // in the group
	address string   // where it answers
	process *process // nil until it was started
}

// newNode is a node of the job's group, with a folder in the job's.
func (j job) newNode(id string) (*node, error) {
	address, err := freeAddress()
	n := &node{job: j, id: id, address: address}
	n.dir = filepath.Join(j.dir, id)
	return n, err
}

// freeAddress is one of loopback that nobody listens on.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// noCluster, for standbys, is a configuration without a [cluster] section.
const noCluster = -1

// nodeProgram is a detector each of whose partitions has so many standbys.
func (b *bench) nodeProgram(n *node, standbys int) program {
	var section []string
	if standbys != noCluster {
		section = []string{"[cluster]", "listen = " + n.address, fmt.Sprintf("standbys = %d", standbys)}
	}
	p := b.detectorProgram(n.job, section...)
	p.name = "node " + n.id
	p.env = append(p.env, "DETECTOR_NODE_ID="+n.id)
	return p
}

func (n *node) start(ctx context.Context, b *bench, standbys int) (err error) {
	n.process, err = b.nodeProgram(n, standbys).start(ctx)
	return err
}

func processesOf(nodes []*node) (list []*process) {
	for _, n := range nodes {
		list = append(list, n.process)
	}
	return list
}

// takenLine is what a node says when it has got windows.
var takenLine = regexp.MustCompile(`windows taken from another node .*\bpartition=(\d+)`)

// taken is of how many of these partitions a node has got the windows from another
// one, by what it said.
func taken(said string, partitions []int32) (count int) {
	for _, line := range takenLine.FindAllStringSubmatch(said, -1) {
		partition, _ := strconv.ParseInt(line[1], 10, 32) // digits, by the expression
		if slices.Contains(partitions, int32(partition)) {
			count++
		}
	}
	return count
}

// shares are the partitions that each node has, by its id, once the group has
// dealt them out evenly among all; else nil.
func (b *bench) shares(ctx context.Context, nodes []*node) map[string][]int32 {
	j := nodes[0].job
	groups, err := b.admin.DescribeGroups(ctx, j.name)
	if err != nil || groups[j.name].State != "Stable" || len(groups[j.name].Members) != len(nodes) {
		return nil // the coordinator may be loading
	}
	shares := make(map[string][]int32)
	for _, member := range groups[j.name].Members {
		assigned, ok := member.Assigned.AsConsumer()
		if !ok || member.InstanceID == nil {
			return nil
		}
		id := strings.TrimPrefix(*member.InstanceID, detectorName+".")
		for _, topic := range assigned.Topics {
			shares[id] = append(shares[id], topic.Partitions...)
		}
	}
	for _, n := range nodes {
		if !even(len(shares[n.id]), int(b.settings.Partitions), len(nodes)) {
			return nil
		}
	}
	return shares
}

// even: a node has its part of all partitions, up to rounding.
func even(has, partitions, nodes int) bool {
	return partitions/nodes <= has && has <= (partitions+nodes-1)/nodes
}

// untilShared waits until all nodes have their part of the partitions.
func (b *bench) untilShared(ctx context.Context, nodes []*node) (shares map[string][]int32, err error) {
	err = until(ctx, fmt.Sprintf("%d nodes share the partitions", len(nodes)), func() bool {
		shares = b.shares(ctx, nodes)
		return shares != nil
	}, processesOf(nodes)...)
	return shares, err
}

// status asks a node for all of them, as an operator does.
func (b *bench) status(ctx context.Context, n *node) (status messages.ClusterStatus, said string, err error) {
	command := exec.CommandContext(ctx, b.detector, "status", "--json", n.conf())
	alone(command)
	text, err := command.CombinedOutput()
	if err == nil {
		err = json.Unmarshal(text, &status)
	}
	return status, string(text), err
}

// untilSteady waits until the word of each node is that all are steady.
func (b *bench) untilSteady(ctx context.Context, nodes []*node, standbys int) error {
	var last string
	err := until(ctx, "the status of all nodes is steady", func() bool {
		for _, n := range nodes {
			status, said, err := b.status(ctx, n)
			if ctx.Err() == nil {
				last = said
			}
			if err != nil || !steady(status, len(nodes), int(b.settings.Partitions), standbys) {
				return false
			}
		}
		return true
	}, processesOf(nodes)...)
	if err != nil {
		return fmt.Errorf("%w; the last status was\n%s", err, last)
	}
	return nil
}

// steady: the nodes share the partitions, each of which has an owner that scores,
// and so many standbys that are as far as the owner.
func steady(s messages.ClusterStatus, nodes, partitions, standbys int) bool {
	owners := make(map[int32]int64) // where each is
	followers := make(map[int32][]int64)
	for _, n := range s.Nodes {
		owned := 0
		for _, d := range n.Detectors {
			for _, p := range d.Partitions {
				switch string(p.Role) + " " + string(p.Phase) {
				case "assigned ready":
					owners[p.Partition] = p.Offset
					owned++
				case "standby ready":
					followers[p.Partition] = append(followers[p.Partition], p.Offset)
				default:
					return false
				}
			}
		}
		if !even(owned, partitions, nodes) {
			return false
		}
	}
	if s.Partial || len(s.Nodes) != nodes || len(owners) != partitions {
		return false
	}
	for partition, offset := range owners {
		if len(followers[partition]) != standbys || slices.ContainsFunc(followers[partition], func(at int64) bool { return at < offset }) {
			return false
		}
	}
	return true
}
