package simulation

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// people is the party of those who ask over HTTP. No fault concerns them but those of whom they ask.
const people = "people"

// network is the wires between the parties: brokers, which listen, feeder and
// operator, which dial, and nodes, which do both. Whatever is written arrives later by a
// latency drawn from the seed, in order within a connection, unless a fault is
// in the way.
//
// One lock guards all of it: a bubble has little to gain from more.
type network struct {
	mu        sync.Mutex
	seed      uint64
	peerDelay time.Duration        // of each answer of a node to another
	listeners map[string]*listener // by address
	wires     map[*wire]struct{}
	dials     map[string]uint64    // by party: numbers its connections
	dead      map[string]bool      // parties whose process was killed
	frozen    map[string]time.Time // since when parties' processes stand still
	thawed    map[string]time.Time // when those last went on
	held      map[link]int         // links that carry nothing: how many faults hold them
	refusing  map[string]int       // addresses of brokers that are away
	traps     []*trap              // requests that something is to happen to
	changed   chan struct{}        // closed and made anew when a fault begins or ends
	sprung    func(kind faultKind) // is told of each trap that a request fell into
}

// link is a party that dials and the address of one that listens.
type link struct{ party, address string }

// trap waits for a request of a kind and a party, and spoils it.
type trap struct {
	kind  faultKind // peersBreak: what a node answers another breaks off after count parts; peersLate: they arrive late
	party string    // a prefix: any process of a node
	key   int16
	delay time.Duration // of a late request
	count int
}

func newNetwork(seed uint64, peerDelay time.Duration, sprung func(faultKind)) *network {
	return &network{
		seed: seed, peerDelay: peerDelay, sprung: sprung, changed: make(chan struct{}),
		listeners: make(map[string]*listener), wires: make(map[*wire]struct{}), dials: make(map[string]uint64),
		dead: make(map[string]bool), frozen: make(map[string]time.Time), thawed: make(map[string]time.Time), held: make(map[link]int), refusing: make(map[string]int),
	}
}

// wake lets all that wait look again. To be called with the lock held.
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

// kill ends a party for good: nothing it sends from now on arrives. What is
// under way arrives, or is lost with it, one or the other for each connection.
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

// stood tells whether a party's process did not run at some time since then.
func (n *network) stood(party string, since time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, still := n.frozen[party]
	return still || n.dead[party] || !n.thawed[party].Before(since)
}

// hold lets nothing pass on a link until release; then what was sent arrives.
func (n *network) hold(l link)    { n.with(func() { n.held[l]++ }) }
func (n *network) release(l link) { n.with(func() { n.held[l]-- }) }

// cut breaks the connections that match, both ways; what is under way is lost.
func (n *network) cut(match func(link) bool) {
	n.with(func() {
		for w := range n.wires {
			if match(link{w.party, w.address}) {
				w.reset()
			}
		}
	})
}

// refuse takes a broker off the network until admit.
func (n *network) refuse(address string) {
	n.with(func() { n.refusing[address]++ })
	n.cut(func(l link) bool { return l.address == address })
}
func (n *network) admit(address string) { n.with(func() { n.refusing[address]-- }) }

// set lays a trap, and clear removes all.
func (n *network) set(t *trap) { n.with(func() { n.traps = append(n.traps, t) }) }
func (n *network) clear()      { n.with(func() { n.traps = nil }) }

// listener is a broker's, or a node's.
type listener struct {
	network *network
	party   string // empty: a broker
	address string
	accept  chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

// listener listens for a party.
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

// dialer dials as a party.
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

// connect makes a connection. To be called with the lock held.
func (n *network) connect(party string, target *listener) *wire {
	n.dials[party]++
	name := fnv.New64a()
	fmt.Fprint(name, party, target.address)
	w := &wire{network: n, party: party, address: target.address, server: target.party, spoilt: make(map[int32]faultKind),
		dice: rand.New(rand.NewPCG(n.seed^name.Sum64(), n.dials[party]))}
	w.toBroker.wake, w.toClient.wake = make(chan struct{}), make(chan struct{})
	n.wires[w] = struct{}{}
	return w
}

// wire is a connection.
type wire struct {
	network            *network
	party, address     string
	server             string // the party that listens; empty: a broker
	dice               *rand.Rand
	toBroker, toClient lane
	spoilt             map[int32]faultKind // correlation ids of requests whose answers are lost or wrong
}

// lane is one direction of a connection.
type lane struct {
	chunks []chunk
	last   time.Time     // when the newest chunk arrives
	shut   bool          // the writer has closed it: its end follows the chunks
	broken bool          // reset: nothing more arrives
	wake   chan struct{} // closed and made anew when something was written
}

type chunk struct {
	sent, due time.Time
	data      []byte
}

// latency is mostly that of a data centre, and sometimes of a bad day.
func (w *wire) latency() time.Duration {
	latency := 100*time.Microsecond + time.Duration(w.dice.Int64N(int64(2*time.Millisecond)))
	if w.dice.IntN(200) == 0 {
		latency += time.Duration(w.dice.Int64N(int64(400 * time.Millisecond)))
	}
	return latency
}

// reset breaks both directions. To be called with the lock held.
func (w *wire) reset() {
	w.toBroker.broken, w.toClient.broken = true, true
	w.toBroker.chunks, w.toClient.chunks = nil, nil
}

// write puts data into a lane. To be called with the lock held.
func (w *wire) write(l *lane, data []byte, delay time.Duration) {
	due := time.Now().Add(w.latency() + delay)
	if due.Before(l.last) {
		due = l.last
	}
	l.last = due
	l.chunks = append(l.chunks, chunk{time.Now(), due, append([]byte(nil), data...)})
	close(l.wake)
	l.wake = make(chan struct{})
}

// request applies the traps to what a client sends. It returns the delay of the
// data, and false if the data is lost. To be called with the lock held.
func (w *wire) request(data []byte) (delay time.Duration, arrives bool) {
	if w.server != "" {
		return 0, true
	}
	key, correlation, ok := parseRequest(data)
	if !ok {
		return 0, true
	}
	for i, t := range w.network.traps {
		if t.kind == peersBreak || t.kind == peersLate || t.key != key || !sameNode(w.party, t.party) {
			continue
		}
		if t.count--; t.count <= 0 {
			w.network.traps = append(w.network.traps[:i:i], w.network.traps[i+1:]...)
		}
		w.network.sprung(t.kind)
		switch t.kind {
		case requestLost:
			return 0, false
		case answerLost, answerWrong:
			w.spoilt[correlation] = t.kind
		case requestLate:
			return t.delay, true
		}
		return 0, true
	}
	return 0, true
}

// reply applies the traps to what a node answers another: one that breaks does so
// in the middle of a part, after some. To be called with the lock held.
func (w *wire) reply() (delay time.Duration, breaks bool) {
	for i, t := range w.network.traps {
		if t.kind != peersBreak && t.kind != peersLate || !sameNode(w.server, t.party) {
			continue
		}
		if t.count--; t.count <= 0 {
			w.network.traps = append(w.network.traps[:i:i], w.network.traps[i+1:]...)
		}
		if t.kind == peersLate {
			w.network.sprung(t.kind)
			return t.delay, false
		}
		if t.count <= 0 {
			w.network.sprung(t.kind)
		}
		return 0, t.count <= 0
	}
	return 0, false
}

// parseRequest reads the kind and the number of a request, which clients write
// at once.
func parseRequest(data []byte) (key int16, correlation int32, ok bool) {
	if len(data) < 12 {
		return 0, 0, false
	}
	return int16(binary.BigEndian.Uint16(data[4:])), int32(binary.BigEndian.Uint32(data[8:])), true
}

// end is a connection as one of its two parties has it.
type end struct {
	wire   *wire
	in     *lane
	out    *lane
	client bool

	closed   bool
	deadline time.Time // of reads
}

func (e *end) Write(data []byte) (int, error) {
	w := e.wire
	w.network.mu.Lock()
	defer w.network.mu.Unlock()
	if e.closed {
		return 0, net.ErrClosed
	}
	if e.out.broken || e.out.shut {
		return 0, syscall.ECONNRESET
	}
	var delay time.Duration
	if e.client {
		arrives := true
		if delay, arrives = w.request(data); !arrives {
			w.reset()
			w.network.wake()
			return len(data), nil
		}
	} else if w.server != "" && w.party != people {
		var breaks bool
		delay, breaks = w.reply()
		delay += w.network.peerDelay
		if breaks {
			w.write(e.out, data[:len(data)/2], 0)
			e.out.shut, e.in.broken = true, true
			w.network.wake()
			return len(data), nil
		}
	} else if w.server == "" && len(data) >= endTxnError+2 {
		switch w.spoilt[int32(binary.BigEndian.Uint32(data[4:]))] {
		case answerWrong:
			data = append([]byte(nil), data...)
			copy(data[endTxnError:], []byte{0xff, 0xff})
		case answerLost:
			w.reset()
			w.network.wake()
			return len(data), nil
		}
	}
	w.write(e.out, data, delay)
	return len(data), nil
}

// endTxnError is where the error code is in an answer to EndTxn: after size,
// correlation id, no tags, and throttle time. -1 is UNKNOWN_SERVER_ERROR.
const endTxnError = 4 + 4 + 1 + 4

func (e *end) Read(buffer []byte) (int, error) {
	w := e.wire
	for {
		w.network.mu.Lock()
		count, wait, err := e.take(buffer)
		changed, woken := w.network.changed, e.in.wake
		w.network.mu.Unlock()
		if count > 0 || err != nil {
			return count, err
		}
		var alarm <-chan time.Time
		var timer *time.Timer
		if wait > 0 {
			timer = time.NewTimer(wait)
			alarm = timer.C
		}
		select {
		case <-alarm:
		case <-changed:
		case <-woken:
		}
		if timer != nil {
			timer.Stop()
		}
	}
}

// take reads what has arrived, or tells how long to wait before it makes sense
// to look again: 0 is until something changes.
func (e *end) take(buffer []byte) (count int, wait time.Duration, err error) {
	w, l := e.wire, e.in
	if e.closed {
		return 0, 0, net.ErrClosed
	}
	self, other := w.party, w.server
	if !e.client {
		self, other = other, self
	}
	_, still := w.network.frozen[self] // its deadlines stand still, too
	since, frozen := w.network.frozen[other]
	unsent := frozen && len(l.chunks) > 0 && !l.chunks[0].sent.Before(since)
	stuck := still || unsent || w.network.held[link{w.party, w.address}] > 0
	switch {
	case stuck:
	case l.broken:
		return 0, 0, syscall.ECONNRESET
	case len(l.chunks) > 0:
		first := &l.chunks[0]
		if wait = time.Until(first.due); wait <= 0 {
			count = copy(buffer, first.data)
			if first.data = first.data[count:]; len(first.data) == 0 {
				l.chunks = l.chunks[1:]
			}
			return count, 0, nil
		}
	case l.shut:
		return 0, 0, io.EOF
	}
	if !e.deadline.IsZero() && !still {
		left := time.Until(e.deadline)
		if left <= 0 {
			return 0, 0, os.ErrDeadlineExceeded
		}
		if wait == 0 || left < wait {
			wait = left
		}
	}
	return 0, wait, nil
}

// Close lets what was written arrive, followed by the end.
func (e *end) Close() error {
	w := e.wire
	w.network.mu.Lock()
	defer w.network.mu.Unlock()
	if e.closed {
		return net.ErrClosed
	}
	e.closed, e.out.shut = true, true
	e.in.broken, e.in.chunks = true, nil
	if e.out.broken || e.out.shut && e.in.shut {
		delete(w.network.wires, w)
	}
	w.network.wake()
	return nil
}

func (e *end) LocalAddr() net.Addr  { return address(e.wire.party) }
func (e *end) RemoteAddr() net.Addr { return address(e.wire.address) }

func (e *end) SetDeadline(t time.Time) error { return e.SetReadDeadline(t) }

func (e *end) SetReadDeadline(t time.Time) error {
	e.wire.network.mu.Lock()
	defer e.wire.network.mu.Unlock()
	e.deadline = t
	close(e.in.wake)
	e.in.wake = make(chan struct{})
	return nil
}

// SetWriteDeadline: writes never wait.
func (e *end) SetWriteDeadline(time.Time) error { return nil }

// sameNode tells whether a party is a process of a node.
func sameNode(party, node string) bool {
	name, _, _ := strings.Cut(party, "#")
	return name == node
}
