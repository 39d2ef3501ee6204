package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"anomalydetector/loopback"
	"anomalydetector/messages"
)

// node is one of several detectors in a group. Its folder holds its data and its copy of
// the configuration.
type node struct {
	job
	id      string   // node id
	address string   // of its HTTP listener
	process *process // nil until it is started
}

// newNode makes a node of the job's group. Its folder is in the job's.
func (j job) newNode(id string) (*node, error) {
	address, err := loopback.FreeAddress()
	n := &node{job: j, id: id, address: address}
	n.dir = filepath.Join(j.dir, id)
	return n, err
}

// noCluster stands for a number of standbys: the configuration has no [cluster] section.
const noCluster = -1

// nodeProgram is a detector with a number of standbys for each partition.
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

// takenLine is a node's log line about windows that it took from another node.
var takenLine = regexp.MustCompile(`windows taken from another node .*\bpartition=(\d+)`)

// taken counts the partitions whose windows a node took from another one, by its log.
func taken(said string, partitions []int32) (count int) {
	for _, line := range takenLine.FindAllStringSubmatch(said, -1) {
		partition, _ := strconv.ParseInt(line[1], 10, 32) // digits, by the expression
		if slices.Contains(partitions, int32(partition)) {
			count++
		}
	}
	return count
}

// shares are the partitions of each node, by its id. It is nil until the group has
// assigned them evenly to all nodes.
func (b *bench) shares(ctx context.Context, nodes []*node) map[string][]int32 {
	j := nodes[0].job
	groups, err := b.admin.DescribeGroups(ctx, j.name)
	if err != nil || groups[j.name].State != "Stable" || len(groups[j.name].Members) != len(nodes) {
		return nil // the coordinator may be starting
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

// even is whether a node has its part of all partitions, up to rounding.
func even(has, partitions, nodes int) bool {
	return partitions/nodes <= has && has <= (partitions+nodes-1)/nodes
}

// untilShared waits until every node has its part of the partitions.
func (b *bench) untilShared(ctx context.Context, nodes []*node) (shares map[string][]int32, err error) {
	err = until(ctx, fmt.Sprintf("%d nodes share the partitions", len(nodes)), func() bool {
		shares = b.shares(ctx, nodes)
		return shares != nil
	}, processesOf(nodes)...)
	return shares, err
}

// status asks one node for the status of all, as an operator does.
func (b *bench) status(ctx context.Context, n *node) (status messages.ClusterStatus, said string, err error) {
	command := exec.CommandContext(ctx, b.detector, "status", "--json", n.conf())
	alone(command)
	text, err := command.CombinedOutput()
	if err == nil {
		err = json.Unmarshal(text, &status)
	}
	return status, string(text), err
}

// untilSteady waits until the status of each node says that all are steady.
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

// steady tells whether each partition has an owner that scores it, and the wanted number of
// standbys that have read as far as the owner.
func steady(s messages.ClusterStatus, nodes, partitions, standbys int) bool {
	owners := make(map[int32]int64) // partition to position
	standbyOffsets := make(map[int32][]int64)
	for _, n := range s.Nodes {
		owned := 0
		for _, d := range n.Detectors {
			for _, p := range d.Partitions {
				switch string(p.Role) + " " + string(p.Phase) {
				case "assigned ready":
					owners[p.Partition] = p.Offset
					owned++
				case "standby ready":
					standbyOffsets[p.Partition] = append(standbyOffsets[p.Partition], p.Offset)
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
		if len(standbyOffsets[partition]) != standbys || slices.ContainsFunc(standbyOffsets[partition], func(at int64) bool { return at < offset }) {
			return false
		}
	}
	return true
}
