package simulation

import (
	"context"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Parties that only dial. The operator and the people are on good connections: no fault
// strikes one of theirs unless it strikes the party at the other end.
const (
	feederParty   = "feeder"
	operatorParty = "operator"
	people        = "people" // whoever asks over HTTP
)

// network is the connections between the parties. Brokers listen, feeder, operator and
// people dial, and nodes do both. Data arrives after a latency that the seed draws, in
// order within a connection, unless a fault is in the way.
//
// One lock guards all of it: a bubble has little to gain from more.
type network struct {
	mu        sync.Mutex
	seed      uint64
	peerDelay time.Duration        // of each answer of a node to another
	listeners map[string]*listener // by address
	wires     map[*wire]struct{}
	dials     map[string]uint64    // by party: connections so far
	dead      map[string]bool      // parties whose process was killed
	frozen    map[string]time.Time // by party: since when its process stands still
	thawed    map[string]time.Time // by party: when its process last went on
	held      map[link]int         // faults that let nothing pass, by link
	refusing  map[string]int       // faults that keep a broker away, by its address
	traps     []*trap              // for the requests that faults will spoil
	changed   chan struct{}        // closed and replaced when a fault begins or ends
	sprung    func(kind faultKind) // called for each request that a trap spoilt, with the lock held
}

// link is a party that dials and the address of one that listens.
type link struct{ party, address string }

func newNetwork(seed uint64, peerDelay time.Duration, sprung func(faultKind)) *network {
	return &network{
		seed: seed, peerDelay: peerDelay, sprung: sprung, changed: make(chan struct{}),
		listeners: make(map[string]*listener), wires: make(map[*wire]struct{}), dials: make(map[string]uint64),
		dead: make(map[string]bool), frozen: make(map[string]time.Time), thawed: make(map[string]time.Time), held: make(map[link]int), refusing: make(map[string]int),
	}
}

// wake lets all that wait look again. The caller holds the lock.
func (n *network) wake() {
	close(n.changed)
	n.changed = make(chan struct{})
}

func (n *network) with(change func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change()
	n.wake()
}

// kill ends a party for good: nothing that it sends from now on arrives. Data that is
// under way arrives or is lost: the seed draws which, for each connection.
func (n *network) kill(party string) {
	n.with(func() {
		n.dead[party] = true
		delete(n.frozen, party)
		for w := range n.wires {
			from, to := &w.toBroker, &w.toClient
			switch party {
			case w.party:
			case w.server:
				from, to = to, from
			default:
				continue
			}
			if w.dice.IntN(2) == 0 {
				from.chunks = nil
			}
			from.shut, to.broken = true, true
		}
		for address, l := range n.listeners {
			if l.party == party {
				delete(n.listeners, address)
			}
		}
	})
}

// freeze stops a party, as SIGSTOP does; its connections stay.
func (n *network) freeze(party string) { n.with(func() { n.frozen[party] = time.Now() }) }
func (n *network) unfreeze(party string) {
	n.with(func() { delete(n.frozen, party); n.thawed[party] = time.Now() })
}

// stood tells whether a party's process has not run all the time since then.
func (n *network) stood(party string, since time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, still := n.frozen[party]
	return still || n.dead[party] || !n.thawed[party].Before(since)
}

// hold lets nothing pass on a link. After release the data arrives.
func (n *network) hold(l link)    { n.with(func() { n.held[l]++ }) }
func (n *network) release(l link) { n.with(func() { n.held[l]-- }) }

// cut breaks the connections that match, both ways. Data that is under way is lost.
func (n *network) cut(match func(link) bool) {
	n.with(func() {
		for w := range n.wires {
			if match(link{w.party, w.address}) {
				w.reset()
			}
		}
	})
}

// refuse takes a broker off the network; admit puts it back.
func (n *network) refuse(address string) {
	n.with(func() { n.refusing[address]++ })
	n.cut(func(l link) bool { return l.address == address })
}
func (n *network) admit(address string) { n.with(func() { n.refusing[address]-- }) }

// set lays a trap; clear removes all.
func (n *network) set(t *trap) { n.with(func() { n.traps = append(n.traps, t) }) }
func (n *network) clear()      { n.with(func() { n.traps = nil }) }

// listener belongs to a broker or a node.
type listener struct {
	network *network
	party   string // empty: a broker
	address string
	accept  chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

// listener returns a function that listens for a party, in place of net.Listen.
func (n *network) listener(party string) func(network, address string) (net.Listener, error) {
	return func(_, address string) (net.Listener, error) { return n.listen(party, address) }
}

func (n *network) listen(party, address string) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.dead[party] {
		return nil, &net.OpError{Op: "listen", Net: "simulated", Err: syscall.EADDRNOTAVAIL}
	}
	l := &listener{network: n, party: party, address: address, accept: make(chan net.Conn), closed: make(chan struct{})}
	n.listeners[address] = l
	return l, nil
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.accept:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *listener) Addr() net.Addr { return address(l.address) }

type address string

func (address) Network() string  { return "simulated" }
func (a address) String() string { return string(a) }

// dialer returns a function that dials as a party, in place of net.Dialer.
func (n *network) dialer(party string) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, _, address string) (net.Conn, error) { return n.dial(ctx, party, address) }
}

func (n *network) dial(ctx context.Context, party, address string) (net.Conn, error) {
	refused := &net.OpError{Op: "dial", Net: "simulated", Err: syscall.ECONNREFUSED}
	for {
		n.mu.Lock()
		target := n.listeners[address]
		if n.dead[party] || n.refusing[address] > 0 || target == nil {
			n.mu.Unlock()
			return nil, refused
		}
		if _, frozen := n.frozen[party]; !frozen && n.held[link{party, address}] == 0 {
			w := n.connect(party, target)
			n.mu.Unlock()
			select {
			case target.accept <- &end{wire: w, in: &w.toBroker, out: &w.toClient}:
				return &end{wire: w, in: &w.toClient, out: &w.toBroker, client: true}, nil
			case <-target.closed:
				return nil, refused
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		changed := n.changed
		n.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, &net.OpError{Op: "dial", Net: "simulated", Err: ctx.Err()}
		}
	}
}

// sameNode tells whether a party is a process of a node.
func sameNode(party, node string) bool {
	name, _, _ := strings.Cut(party, "#")
	return name == node
}
