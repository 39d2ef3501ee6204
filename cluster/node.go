package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/actors"
	"anomalydetector/messages"
	"anomalydetector/persistence"
	"anomalydetector/stream"
)

// Config is what a node is told of itself.
type Config struct {
	Listen    string // host:port
	Advertise string // host:port under which the others reach it
	Node      string // the id in its data directory
	Process   string // differs between two runs
	Version   string // of the program
	// Server and Client are for mutual TLS; nil: plain text.
	Server, Client *tls.Config
	Insecure       bool // plain text also beyond loopback
	Log            *slog.Logger
	Now            func() time.Time

	// OnSharing is told, again and again, how many nodes have the host of this one in
	// their address, itself included: they share its processors.
	OnSharing func(nodes int)

	// Listener and Dial replace TCP in tests.
	Listener func(network, address string) (net.Listener, error)
	Dial     func(ctx context.Context, network, address string) (net.Conn, error)
}

// Protocol is what nodes speak: it changes if an older node would misunderstand
// a newer one, which then refuse each other.
const Protocol = 1

const (
	lookEvery  = time.Second // at each group
	askTimeout = 2 * time.Second
	buryAtMost = 10 * time.Second
	countEvery = time.Minute
)

// Node is this process as one of a cluster.
type Node struct {
	config    Config
	started   time.Time
	detectors []*Detector
	listener  net.Listener
	server    http.Server
	client    *client
	exports   chan struct{} // a token for each that may run
	fetches   chan struct{} // the same: who waits for its turn here does not wait for an answer there
	life      context.Context
	end       context.CancelFunc
	running   sync.WaitGroup
}

// New makes a node that listens, and does not answer yet.
func New(config Config) (*Node, error) {
	listener, err := config.Listener("tcp", config.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for other nodes ([cluster] listen): %w", err)
	}
	n := &Node{config: config, listener: limit(listener, mostConnections), started: config.Now(), exports: make(chan struct{}, exportsAtOnce), fetches: make(chan struct{}, exportsAtOnce)}
	n.life, n.end = context.WithCancel(context.Background())
	n.client = newClient(config.Client, config.Dial)
	n.server = http.Server{
		Handler: n.handler(), TLSConfig: config.Server, ReadHeaderTimeout: askTimeout, ReadTimeout: readAtMost, IdleTimeout: time.Minute,
		MaxHeaderBytes: mostHeader, HTTP2: &http.HTTP2Config{MaxConcurrentStreams: mostStreams, MaxReceiveBufferPerStream: mostHeader,
			MaxReceiveBufferPerConnection: 4 * mostHeader},
		ErrorLog: slog.NewLogLogger(config.Log.Handler(), slog.LevelDebug),
	}
	return n, nil
}

// Address is where the others reach this node.
func (n *Node) Address() string { return n.config.Advertise }

// Process tells the runs of a node apart.
func (n *Node) Process() string { return n.config.Process }

// Detector is one configuration, with its group as it was last seen. It is a
// partition's Peers.
type Detector struct {
	node     *Node
	name     string
	instance string // under which it is a member of the group
	group    *stream.Group
	store    *persistence.Store // nil: nothing is stored
	standbys int
	bound    chan struct{} // closed when the next two are set
	root     *actor.RootContext
	pid      *actor.PID

	telling chan struct{} // taken by who tells the detector what to follow: in order, and while asking the broker

	mu         sync.Mutex
	view       view
	partitions int32    // of the input topic; 0: not known
	atRest     []member // of the group, when it was at rest the last time
	preparing  bool     // to join the group, or joining it
	joinBy     time.Time
	wants      []int32              // what is to be kept warm
	followed   []int32              // what the detector was told last: of those, what something is committed of
	told       bool                 // that, since it prepares
	looked     time.Time            // when the partitions were counted
	departing  map[string]time.Time // members that are about to leave, by their ids, and until when that counts
	leaving    bool                 // we are about to leave
	refused    map[string]error     // addresses that are not dialled, by the ids of their members
}

// Watch adds a detector. The node closes the group in the end.
func (n *Node) Watch(name, instance string, group *stream.Group, store *persistence.Store, standbys int) *Detector {
	d := &Detector{node: n, name: name, instance: instance, group: group, store: store, standbys: standbys, bound: make(chan struct{}), telling: make(chan struct{}, 1),
		departing: make(map[string]time.Time)}
	n.detectors = append(n.detectors, d)
	return d
}

// Bind says which actor answers for a detector, before Start.
func (d *Detector) Bind(root *actor.RootContext, pid *actor.PID) {
	d.root, d.pid = root, pid
	close(d.bound)
}

// Start answers, and looks at the groups, from now on.
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
			n.config.Log.Error("other nodes are not answered any more", "error", err)
		}
	})
	for _, d := range n.detectors {
		n.running.Go(d.watch)
	}
}

// Close breaks off what is under way. It may be called without Start.
func (n *Node) Close() error {
	n.end()
	err := n.server.Close()
	n.listener.Close() // if it was not started
	n.client.http.CloseIdleConnections()
	n.running.Wait()
	for _, d := range n.detectors {
		d.group.Close()
	}
	return err
}

// watch looks at the group again and again.
func (d *Detector) watch() {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		v, partitions := d.look(d.node.life)
		d.node.config.OnSharing(d.node.sharing())
		d.node.running.Go(func() { d.bury(d.node.life, v, partitions) })
		d.follow(d.node.life)
		select {
		case <-ticker.C:
		case <-d.node.life.Done():
			return
		}
	}
}

// sharing is for OnSharing.
func (n *Node) sharing() int {
	host, _, _ := net.SplitHostPort(n.config.Advertise) // it was checked
	here := map[string]bool{n.config.Advertise: true}
	for _, d := range n.detectors {
		v, _ := d.seen()
		for _, m := range v.members {
			if other, _, err := net.SplitHostPort(m.Address); err == nil && other == host {
				here[m.Address] = true
			}
		}
	}
	return len(here)
}

// look asks the broker for the group, and returns what is seen then.
func (d *Detector) look(ctx context.Context) (v view, partitions int32) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	now := d.node.config.Now()
	found, stable, err := d.group.Members(ctx)
	var counted int32
	if err == nil && d.countDue(now) {
		counted, err = d.group.Partitions(ctx)
	}
	d.note(found, stable, counted, err, now)
	return d.seen()
}

// note keeps what the broker has said.
func (d *Detector) note(found []stream.Member, stable bool, counted int32, err error, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if counted > 0 {
		d.partitions, d.looked = counted, now
	}
	if err != nil {
		d.view.err = err
		return
	}
	d.view.update(d.dialableOf(found), stable, now)
}

// countDue tells whether the partitions are to be counted: some may be added.
func (d *Detector) countDue(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.partitions == 0 || now.Sub(d.looked) > countEvery
}

// seen is a copy of the view, and how many partitions there are.
func (d *Detector) seen() (v view, partitions int32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v = d.view
	v.members = slices.Clone(v.members)
	return v, d.partitions
}

// follow tells the detector which partitions of others it keeps warm, and how far
// they are.
func (d *Detector) follow(ctx context.Context) error {
	d.telling <- struct{}{}
	defer func() { <-d.telling }()
	v, partitions := d.seen()
	preparing := d.isPreparing(v)
	if d.store == nil {
		return nil
	}
	if err := v.problem(d.name); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	wanted := d.wanted(ctx, v, partitions, preparing)
	message := &messages.Standbys{}
	if len(wanted) > 0 {
		committed, topic, err := d.group.Committed(ctx)
		if err != nil {
			return err
		}
		for _, partition := range wanted {
			if offset, ok := committed[partition]; ok {
				message.Partitions = append(message.Partitions, messages.Assignment{Partition: partition, Topic: topic, Offset: offset})
			}
		}
	}
	d.mu.Lock()
	d.told = d.told || preparing
	d.wants, d.followed = wanted, d.followed[:0]
	for _, one := range message.Partitions {
		d.followed = append(d.followed, one.Partition)
	}
	d.mu.Unlock()
	d.root.Send(d.pid, message)
	return nil
}

// wanted are the partitions of others to keep warm.
func (d *Detector) wanted(ctx context.Context, v view, partitions int32, preparing bool) []int32 {
	d.mu.Lock()
	before, leaving := slices.Clone(d.wants), d.leaving
	d.mu.Unlock()
	if leaving {
		return before // another one that leaves may count on it until we have left
	}
	wanted := v.standbys(d.instance, partitions, d.standbys)
	wanted = append(wanted, d.inherits(v, partitions)...)
	if preparing {
		wanted = append(wanted, v.withUs(d.instance, partitions)...)
	}
	wanted = append(wanted, d.arriving(ctx, v, before)...)
	slices.Sort(wanted)
	return slices.Compact(wanted)
}

// arriving are those of these partitions that have no owner at the moment, or are
// ours and the detector does not know yet.
func (d *Detector) arriving(ctx context.Context, v view, of []int32) []int32 {
	of = slices.DeleteFunc(of, func(partition int32) bool {
		owner := v.owner(partition)
		return owner != nil && !d.isUs(*owner)
	})
	if len(of) == 0 {
		return nil
	}
	status, err := actors.AskStatus(ctx, d.root, d.pid)
	return slices.DeleteFunc(of, func(partition int32) bool {
		return err == nil && !slices.ContainsFunc(status.Partitions, func(p messages.PartitionStatus) bool {
			return p.Partition == partition && p.Role == messages.RoleStandby
		})
	})
}

// detector finds one by its name; an empty name is that of the only one.
func (n *Node) detector(name string) (*Detector, error) {
	if name == "" && len(n.detectors) == 1 {
		return n.detectors[0], nil
	}
	var names []string
	for _, d := range n.detectors {
		if d.name == name {
			return d, nil
		}
		names = append(names, d.name)
	}
	return nil, fmt.Errorf("no detector %q here; there are %v", name, names)
}
