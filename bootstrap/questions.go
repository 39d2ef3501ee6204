package bootstrap

import (
	"context"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/actors"
	"anomalydetector/cluster"
	"anomalydetector/messages"
	"anomalydetector/web"
)

// lone answers questions about a process that has no [cluster] section: a cluster of one.
type lone struct {
	about     messages.NodeStatus // without the detectors
	now       func() time.Time
	root      *actor.RootContext
	detectors []running
}

// running is a detector that has been started.
type running struct {
	name string
	pid  *actor.PID
}

// Status is what there is to say of this node.
func (a *lone) Status(ctx context.Context) messages.ClusterStatus {
	node := a.about
	node.Detectors = []messages.DetectorStatus{}
	status := messages.ClusterStatus{At: a.now().UTC(), Unowned: []messages.PartitionName{}}
	for _, d := range a.detectors {
		one, err := actors.AskStatus(ctx, a.root, d.pid)
		if err != nil {
			one = messages.DetectorStatus{Detector: d.name, State: messages.StateUnknown, Problem: err.Error(), Partitions: []messages.PartitionStatus{}}
			status.Partial = true
		}
		node.Detectors = append(node.Detectors, one)
	}
	status.Nodes = []messages.NodeStatus{node}
	return status
}

// Entity is what is known of an entity; false if there is no such detector.
func (a *lone) Entity(ctx context.Context, detector, key string) (answer messages.EntityAnswer, known bool) {
	for _, d := range a.detectors {
		if d.name != detector {
			continue
		}
		found, asked, err := actors.AskEntity(ctx, a.root, d.pid, key)
		answer = messages.EntityAnswer{Detector: detector, Entity: key, Asked: asked, Found: []messages.EntityStatus{}}
		for _, one := range found {
			one.Address = a.about.Address
			answer.Found = append(answer.Found, one)
		}
		if err != nil {
			answer.Partial, answer.Problems = true, []string{err.Error()}
		}
		return answer, true
	}
	return answer, false
}

// together answers questions for all nodes. lone answers those about a detector without a
// [cluster] section.
type together struct {
	*lone
	node  *cluster.Node
	peers map[string]*cluster.GroupWatcher
}

// Status is what there is to say of all nodes.
func (t *together) Status(ctx context.Context) messages.ClusterStatus { return t.node.Cluster(ctx) }

// Entity is what the nodes know of an entity; false if there is no such detector.
func (t *together) Entity(ctx context.Context, detector, key string) (answer messages.EntityAnswer, known bool) {
	if peers := t.peers[detector]; peers != nil {
		return peers.Entity(ctx, key), true
	}
	return t.lone.Entity(ctx, detector, key)
}

// questions answers for the process, and for other nodes if it knows them.
func questions(world *World, node *cluster.Node, site *site, root *actor.RootContext, all []*built, pids []*actor.PID) web.Answers {
	here := &lone{now: world.Now, root: root, about: messages.NodeStatus{
		Address: site.address, Version: version(), Protocol: cluster.Protocol, Started: world.Now().UTC(),
	}}
	for i, b := range all {
		here.detectors = append(here.detectors, running{b.config.Name, pids[i]})
		here.about.Node = b.node
	}
	if node == nil {
		return here
	}
	peers := make(map[string]*cluster.GroupWatcher)
	for _, b := range all {
		if b.peers != nil {
			peers[b.config.Name] = b.peers
		}
	}
	return &together{here, node, peers}
}
