package simulation

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"syscall"
	"time"
)

// connect makes a connection. The caller holds the lock.
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
	spoilt             map[int32]faultKind // by correlation id: requests whose answers are lost or wrong
}

// lane is one direction of a connection.
type lane struct {
	chunks []chunk
	last   time.Time     // when the newest chunk arrives
	shut   bool          // the writer has closed it: an end of file follows the chunks
	broken bool          // reset: nothing more arrives
	wake   chan struct{} // closed and replaced when something was written
}

type chunk struct {
	sent, due time.Time
	data      []byte
}

// latency is mostly that of a data centre on a good day, and sometimes on a bad one.
func (w *wire) latency() time.Duration {
	latency := 100*time.Microsecond + time.Duration(w.dice.Int64N(int64(2*time.Millisecond)))
	if w.dice.IntN(200) == 0 {
		latency += time.Duration(w.dice.Int64N(int64(400 * time.Millisecond)))
	}
	return latency
}

// reset breaks both directions. The caller holds the lock.
func (w *wire) reset() {
	w.toBroker.broken, w.toClient.broken = true, true
	w.toBroker.chunks, w.toClient.chunks = nil, nil
}

// write puts data into a lane. The caller holds the lock.
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

// end is one of the two ends of a connection.
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

// endTxnError is where an answer to EndTxn has its error code: after size (4 bytes),
// correlation id (4), an empty list of tags (1), and throttle time (4).
// -1 is UNKNOWN_SERVER_ERROR.
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

// take reads what has arrived. If that is nothing it returns how long to wait before it
// makes sense to look again; 0: until something changes. The caller holds the lock.
func (e *end) take(buffer []byte) (count int, wait time.Duration, err error) {
	w, l := e.wire, e.in
	if e.closed {
		return 0, 0, net.ErrClosed
	}
	self, other := w.party, w.server
	if !e.client {
		self, other = other, self
	}
	_, still := w.network.frozen[self] // then its deadlines stand still, too
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

// Close lets what was written arrive, followed by an end of file.
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

// SetWriteDeadline does nothing: writes never wait.
func (e *end) SetWriteDeadline(time.Time) error { return nil }
