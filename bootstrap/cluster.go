package bootstrap

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"strconv"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/cluster"
	"anomalydetector/configs"
	"anomalydetector/limiter"
	"anomalydetector/persistence"
	"anomalydetector/stream"
)

// clusterOf is the [cluster] section that the configurations of a process agree
// on; nil if none of them has one in force.
func clusterOf(confs []*configs.Config) (*configs.Cluster, error) {
	var agreed *configs.Config
	for _, config := range confs {
		switch {
		case config.Cluster.Listen == "":
		case agreed == nil:
			agreed = config
		case agreed.Cluster != config.Cluster:
			return nil, &configs.Error{File: config.Source, Section: "cluster", Problem: "it differs from that of " + agreed.Source,
				Expected: "want the same in all configurations of a process, for they share the port"}
		}
	}
	if agreed == nil {
		return nil, nil
	}
	return &agreed.Cluster, nil
}

// forQuestions is how many more goroutines run at the same time in a node than
// partitions score: Go looks for what came over the network only every 10 ms while
// all that may run are busy.
const forQuestions = 2

// newNode makes this process a node of a cluster.
func newNode(section *configs.Cluster, node *persistence.Node, turns *limiter.Limiter, world *World, log *slog.Logger, options Options) (*cluster.Node, error) {
	server, client, err := clusterTLS(section).Load()
	if err != nil {
		return nil, fmt.Errorf("[cluster]: %w", err)
	}
	if world.Env("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(processors + forQuestions)
	}
	config := cluster.Config{
		Listen: section.Listen, Advertise: section.Advertise, Node: node.ID, Version: version(),
		Process: strconv.FormatInt(world.Now().UnixMilli(), 36),
		Server:  server, Client: client, Insecure: section.Insecure, Log: log, Now: world.Now, Listener: net.Listen, Dial: new(net.Dialer).DialContext,
		OnSharing: func(nodes int) { turns.Resize(share(nodes)) },
	}
	if options.Listener != nil {
		config.Listener, config.Dial = options.Listener, options.Dial
	}
	return cluster.New(config)
}

// share is how many partitions may work at the same time where so many nodes are on
// this machine. What an operator or a container's limit has said of the processors
// is ours alone.
func share(nodes int) int {
	if processors != runtime.NumCPU() {
		return processors
	}
	return (processors + nodes - 1) / nodes
}

func clusterTLS(section *configs.Cluster) cluster.TLSFiles {
	return cluster.TLSFiles{CA: section.TLSCA, Cert: section.TLSCert, Key: section.TLSKey}
}

// watch lets a node answer for a detector, and tells that of the others.
func (b *built) watch(node *cluster.Node, streams stream.Config, standbys int) error {
	group, err := stream.NewGroup(streams)
	if err != nil {
		return err
	}
	b.peers = node.Watch(b.config.Name, streams.Member, group, b.config.Store, standbys)
	if b.config.Store != nil {
		b.config.Peers = b.peers
	}
	return nil
}

// prepare waits, before the group is joined for the first time, until that is good
// for it. Who lost its membership has its own windows, and joins at once.
func (b *built) prepare(ctx context.Context) {
	if b.peers != nil && !b.prepared {
		b.prepared = true
		b.peers.Prepare(ctx)
	}
}

// answer lets a node answer for detectors that have been started.
func answer(node *cluster.Node, root *actor.RootContext, all []*built, pids []*actor.PID) {
	if node == nil {
		return
	}
	for i, b := range all {
		if b.peers != nil {
			b.peers.Bind(root, pids[i])
		}
	}
	node.Start()
}
