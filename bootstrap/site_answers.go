package bootstrap

import (
	"context"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/actors"
	"anomalydetector/cluster"
	"anomalydetector/messages"
	"anomalydetector/web"
)

// lone answers questions about this process alone. Without a [cluster] section, that is the whole
// cluster.
type lone struct {
	about     messages.NodeStatus // without the detectors
	now       func() time.Time
	root      *actor.RootContext
	detectors []running
}

// running is a started detector.
type running struct {
	name string
	pid  *actor.PID
}

// Status is the status of this node.
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

// Entity is what this node knows of an entity; false if it has no such detector.
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

// together answers questions for all nodes. The embedded lone answers for detectors without a [cluster]
// section.
type together struct {
	*lone
	node  *cluster.Node
	peers map[string]*cluster.GroupWatcher
}

// Status is the status of all nodes.
func (t *together) Status(ctx context.Context) messages.ClusterStatus { return t.node.Cluster(ctx) }

// Entity is what all nodes know of an entity; false if there is no such detector.
func (t *together) Entity(ctx context.Context, detector, key string) (answer messages.EntityAnswer, known bool) {
	if peers := t.peers[detector]; peers != nil {
		return peers.Entity(ctx, key), true
	}
	return t.lone.Entity(ctx, detector, key)
}

// questions returns what answers the questions of the site: for this process, or for all nodes.
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

// Entities are the names of this node's entities; false if it has no such detector.
func (a *lone) Entities(ctx context.Context, detector string, q messages.EntitiesQuery) (answer messages.EntitiesAnswer, known bool) {
	for _, d := range a.detectors {
		if d.name != detector {
			continue
		}
		names, more, err := actors.AskEntities(ctx, a.root, d.pid, q)
		answer = messages.EntitiesAnswer{Detector: detector, Names: append([]messages.EntityName{}, names...), More: more}
		if err != nil {
			answer.Partial, answer.Problems = true, strings.Split(err.Error(), "\n")
		}
		return answer, true
	}
	return answer, false
}

// Entities are the names of the entities of all nodes; false if there is no such detector.
func (t *together) Entities(ctx context.Context, detector string, q messages.EntitiesQuery) (answer messages.EntitiesAnswer, known bool) {
	if peers := t.peers[detector]; peers != nil {
		return peers.Entities(ctx, q), true
	}
	return t.lone.Entities(ctx, detector, q)
}
