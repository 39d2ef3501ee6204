package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Config is what a node needs to know of itself. All fields but Server, Client, Names and
// Insecure are required.
type Config struct {
	Listen    string // host:port
	Advertise string // host:port at which the other nodes reach this one
	Node      string // the id in the data directory
	Process   string // differs between two runs of a node
	Version   string // of the program
	// Server and Client are for mutual TLS; nil: plain text.
	Server, Client *tls.Config
	Names          Names // of nodes, as in the TLS configurations
	Insecure       bool  // allow plain text beyond loopback
	Log            *slog.Logger
	Now            func() time.Time

	// OnSharing is told, once a second and for each group, how many nodes advertise the host of
	// this one, itself included: they share its processors. It may be called concurrently.
	OnSharing func(nodes int)

	// Listener and Dial are the network: TCP, or what a test puts in its place.
	Listener func(network, address string) (net.Listener, error)
	Dial     func(ctx context.Context, network, address string) (net.Conn, error)
}

// Protocol is the version of what nodes say to each other. It changes if an older node would
// misunderstand a newer one; nodes of different protocols refuse each other.
const Protocol = 1

const askTimeout = 2 * time.Second

// Node is this process in a cluster.
type Node struct {
	config   Config
	started  time.Time
	watchers []*GroupWatcher
	listener net.Listener
	server   http.Server
	client   *client
	exports  chan struct{} // a token for each that runs
	fetches  chan struct{} // the same: a fetch waits here before it asks, so that its timeout there does not begin
	life     context.Context
	end      context.CancelFunc
	running  sync.WaitGroup
}

// New makes a node that listens, but does not answer before Start. It returns an error if it cannot
// listen.
func New(config Config) (*Node, error) {
	listener, err := config.Listener("tcp", config.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for other nodes ([cluster] listen): %w", err)
	}
	n := &Node{config: config, listener: limit(listener, mostConnections), started: config.Now(), exports: make(chan struct{}, exportsAtOnce), fetches: make(chan struct{}, exportsAtOnce)}
	n.life, n.end = context.WithCancel(context.Background())
	n.client = newClient(config.Client, config.Dial)
	security := config.Server
	if security != nil && security.VerifyConnection != nil {
		security = security.Clone()
		security.VerifyConnection = explained(security.VerifyConnection, config.Log, config.Now)
	}
	n.server = http.Server{
		Handler: n.handler(), TLSConfig: security, ReadHeaderTimeout: headerAtMost, ReadTimeout: readAtMost, IdleTimeout: idleAtMost,
		MaxHeaderBytes: mostHeader, HTTP2: &http.HTTP2Config{MaxConcurrentStreams: mostStreams, MaxReceiveBufferPerStream: mostHeader,
			MaxReceiveBufferPerConnection: 4 * mostHeader},
		ErrorLog: slog.NewLogLogger(config.Log.Handler(), slog.LevelDebug),
	}
	return n, nil
}

// Address is the host:port at which the other nodes reach this one.
func (n *Node) Address() string { return n.config.Advertise }

// Process identifies this run of the node.
func (n *Node) Process() string { return n.config.Process }

// Start answers other nodes and watches the groups, until Close. Each watcher must be bound.
func (n *Node) Start() {
	n.config.Log.Info("answering other nodes", "listen", n.config.Listen, "advertise", n.config.Advertise, "tls", n.config.Server != nil)
	n.running.Go(func() {
		var err error
		if n.config.Server != nil {
			err = n.server.ServeTLS(n.listener, "", "")
		} else {
			err = n.server.Serve(n.listener)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			n.config.Log.Error("this node no longer answers other nodes", "error", err)
		}
	})
	for _, w := range n.watchers {
		n.running.Go(w.watch)
	}
}

// Close breaks off what is under way, and returns when it has ended. It may be called without Start.
func (n *Node) Close() error {
	n.end()
	err := n.server.Close()
	n.listener.Close() // the server does not know it without Start
	n.client.http.CloseIdleConnections()
	n.running.Wait()
	for _, w := range n.watchers {
		w.group.Close()
	}
	return err
}

// sharing is how many nodes advertise the host of this one.
func (n *Node) sharing() int {
	host, _, _ := net.SplitHostPort(n.config.Advertise) // the configuration was checked
	here := map[string]bool{n.config.Advertise: true}
	for _, w := range n.watchers {
		v, _ := w.seen()
		for _, m := range v.members {
			if other, _, err := net.SplitHostPort(m.Address); err == nil && other == host {
				here[m.Address] = true
			}
		}
	}
	return len(here)
}

// watcher finds the watcher of a detector by its name. An empty name means the only detector. It
// returns an error that lists the names there are.
func (n *Node) watcher(detector string) (*GroupWatcher, error) {
	if detector == "" && len(n.watchers) == 1 {
		return n.watchers[0], nil
	}
	var names []string
	for _, w := range n.watchers {
		if w.name == detector {
			return w, nil
		}
		names = append(names, w.name)
	}
	return nil, fmt.Errorf("no detector %q here; there are %v", detector, names)
}
