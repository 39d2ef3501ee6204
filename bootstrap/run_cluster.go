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

// clusterOf is the [cluster] section of a process; nil if no configuration has one in force. It returns
// a *configs.Error if two configurations differ.
func clusterOf(confs []*configs.Config) (*configs.Cluster, error) {
	var agreed *configs.Config
	for _, config := range confs {
		switch {
		case config.Cluster.Listen == "":
		case agreed == nil:
			agreed = config
		case agreed.Cluster != config.Cluster:
			return nil, &configs.Error{File: config.Source, Section: "cluster", Problem: "it differs from that of " + agreed.Source,
				Expected: "want the same section in all configurations of a process, which share the port"}
		}
	}
	if agreed == nil {
		return nil, nil
	}
	return &agreed.Cluster, nil
}

// forQuestions is how many goroutines may run besides those that score partitions. If all processors
// of the Go scheduler are busy, it polls the network only every 10 ms, and answers to other nodes wait.
const forQuestions = 2

// newNode makes this process a node of a cluster.
func newNode(section *configs.Cluster, node *persistence.Node, limit *limiter.Limiter, world *World, log *slog.Logger, options Options) (*cluster.Node, error) {
	server, client, err := clusterTLS(section).Load()
	if err != nil {
		return nil, fmt.Errorf("[cluster]: %w", err)
	}
	names, err := cluster.ParseNames(section.TLSNames)
	if err != nil {
		return nil, fmt.Errorf("[cluster] tls_names: %w", err)
	}
	if doubt := names.Doubts(server, section.Advertise); doubt != nil {
		log.Warn("other nodes will refuse this one", "section", "cluster", "problem", doubt)
	}
	if world.Env("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(processors + forQuestions)
	}
	config := cluster.Config{
		Listen: section.Listen, Advertise: section.Advertise, Node: node.ID, Version: version(),
		Process: strconv.FormatInt(world.Now().UnixMilli(), 36),
		Server:  server, Client: client, Names: names, Insecure: section.Insecure, Log: log, Now: world.Now, Listener: net.Listen, Dial: new(net.Dialer).DialContext,
		OnSharing: func(nodes int) { limit.Resize(share(nodes)) },
	}
	if options.Listener != nil {
		config.Listener, config.Dial = options.Listener, options.Dial
	}
	return cluster.New(config)
}

// share is how many partitions of this process may work at the same time, if a number of nodes run on
// this machine. Processors that GOMAXPROCS or a container's limit assigns to this process are not
// shared.
func share(nodes int) int {
	if processors != runtime.NumCPU() {
		return processors
	}
	return (processors + nodes - 1) / nodes
}

func clusterTLS(section *configs.Cluster) cluster.TLSFiles {
	return cluster.TLSFiles{CA: section.TLSCA, Cert: section.TLSCert, Key: section.TLSKey, Names: section.TLSNames}
}

// watch makes the node watch the group of a detector and answer for it. A detector that stores windows
// also hands them to other nodes and takes theirs.
func (b *built) watch(node *cluster.Node, streams stream.Config, standbys int) error {
	group, err := stream.NewGroup(streams)
	if err != nil {
		return err
	}
	b.peers = node.Watch(cluster.WatcherConfig{
		Detector: b.config.Name, Instance: streams.Member, Group: group, Store: b.config.Store, Standbys: standbys,
	})
	if b.config.Store != nil {
		b.config.Peers = b.peers
	}
	return nil
}

// prepare delays joining the group for the first time, until the node has the windows of its expected
// share. After a lost membership it returns at once: the node still has its own windows.
func (b *built) prepare(ctx context.Context) {
	if b.peers != nil && !b.prepared {
		b.prepared = true
		b.peers.Prepare(ctx)
	}
}

// answer starts the node, which answers for detectors that have been started.
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
