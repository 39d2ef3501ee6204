package kafka_test

import (
	"errors"
	"io"
	"maps"
	"net"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// cutting is a way to cut a proxy.
type cutting string

const (
	// drop: packets vanish. Connections stay open and silent. When the proxy is mended, what was sent
	// arrives, as if TCP had sent it again. New connections hang.
	drop cutting = "drop"
	// reset: connections end with an error, and new ones are refused.
	reset cutting = "reset"
)

// proxy carries TCP connections from its address to another one, unless it is cut. Only the goroutine of
// the test cuts and mends it.
type proxy struct {
	t           testing.TB
	address, to string
	accepting   sync.WaitGroup
	dropping    bool
	fillers     []net.Conn // they fill the queue, so that new connections wait

	mu       sync.Mutex
	listener *net.TCPListener          // nil while new connections are refused
	carries  chan struct{}             // closed unless packets vanish
	ends     map[*net.TCPConn]struct{} // both ends of all connections
}

// newProxy starts a proxy. When it is mended, it listens again at the same address, which nobody may have taken meanwhile.
func newProxy(t testing.TB, address, to string) *proxy {
	t.Helper()
	p := &proxy{t: t, address: address, to: to, carries: make(chan struct{}), ends: make(map[*net.TCPConn]struct{})}
	close(p.carries)
	p.listen()
	t.Cleanup(func() {
		p.mend()
		p.cut(reset)
	})
	return p
}

func (p *proxy) listen() {
	p.t.Helper()
	listener, err := net.Listen("tcp", p.address)
	must(p.t, err)
	p.mu.Lock()
	p.listener = listener.(*net.TCPListener)
	p.mu.Unlock()
	p.accept(p.listener)
}

// cut cuts a proxy that is not cut.
func (p *proxy) cut(how cutting) {
	p.t.Helper()
	if how == drop {
		p.dropping = true
		p.mu.Lock()
		p.carries = make(chan struct{})
		p.mu.Unlock()
		must(p.t, p.listener.SetDeadline(time.Now()))
		p.accepting.Wait()
		p.fill()
		return
	}
	p.listener.Close()
	p.mu.Lock()
	p.listener = nil
	ends := slices.Collect(maps.Keys(p.ends))
	p.mu.Unlock()
	p.breakOff(ends...)
	p.accepting.Wait()
}

// mend undoes a cut, if there is one.
func (p *proxy) mend() {
	p.t.Helper()
	switch {
	case p.listener == nil:
		p.listen()
	case p.dropping:
		p.dropping = false
		for _, filler := range p.fillers {
			filler.Close()
		}
		p.fillers = nil
		p.queue(syscall.SOMAXCONN)
		must(p.t, p.listener.SetDeadline(time.Time{}))
		close(p.carries)
		p.accept(p.listener)
	}
}

// fill makes new connections hang: the kernel answers none while the queue of those to accept is full.
func (p *proxy) fill() {
	p.t.Helper()
	p.queue(0)
	for {
		filler, err := net.DialTimeout("tcp", p.address, 100*time.Millisecond)
		if timedOut(err) {
			return
		}
		must(p.t, err)
		p.fillers = append(p.fillers, filler)
	}
}

func timedOut(err error) bool {
	var failed net.Error
	return errors.As(err, &failed) && failed.Timeout()
}

// queue sets how many connections, besides one, may wait to be accepted.
func (p *proxy) queue(length int) {
	p.t.Helper()
	raw, err := p.listener.SyscallConn()
	must(p.t, err)
	must(p.t, raw.Control(func(fd uintptr) { err = syscall.Listen(int(fd), length) }))
	must(p.t, err)
}

// pass waits while packets vanish.
func (p *proxy) pass() {
	p.mu.Lock()
	carries := p.carries
	p.mu.Unlock()
	<-carries
}

// accept takes new connections until the proxy is cut.
func (p *proxy) accept(listener *net.TCPListener) {
	p.accepting.Go(func() {
		for {
			near, err := listener.AcceptTCP()
			if err != nil {
				return
			}
			if p.keep(listener, near) {
				go p.carry(listener, near)
			}
		}
	})
}

// carry carries one connection until it ends.
func (p *proxy) carry(listener *net.TCPListener, near *net.TCPConn) {
	p.pass()
	conn, err := net.Dial("tcp", p.to)
	if err != nil {
		p.breakOff(near) // nobody listens there
		return
	}
	far := conn.(*net.TCPConn)
	if !p.keep(listener, far) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { p.copy(far, near) })
	both.Go(func() { p.copy(near, far) })
	both.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, end := range []*net.TCPConn{near, far} {
		end.Close()
		delete(p.ends, end)
	}
}

// copy carries one direction until it ends or either end breaks.
func (p *proxy) copy(to, from *net.TCPConn) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		p.pass()
		if n > 0 {
			if _, broken := to.Write(buffer[:n]); broken != nil {
				err = broken
			}
		}
		switch {
		case err == io.EOF:
			to.CloseWrite()
			return
		case err != nil:
			p.breakOff(to, from)
			return
		}
	}
}

// keep remembers an end of a connection, unless the proxy was cut meanwhile.
func (p *proxy) keep(listener *net.TCPListener, end *net.TCPConn) bool {
	p.mu.Lock()
	p.ends[end] = struct{}{}
	current := listener == p.listener
	p.mu.Unlock()
	if !current {
		p.breakOff(end)
	}
	return current
}

// breakOff ends connections so that the other side sees a reset.
func (p *proxy) breakOff(ends ...*net.TCPConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, end := range ends {
		end.SetLinger(0)
		end.Close()
		delete(p.ends, end)
	}
}

func TestProxyCarriesNothingWhileItIsCut(t *testing.T) {
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer echo.Close()
	go func() {
		for {
			conn, err := echo.Accept()
			if err != nil {
				return
			}
			go io.Copy(conn, conn)
		}
	}()
	p := newProxy(t, freeAddress(t), echo.Addr().String())
	dial := func(patience time.Duration) (net.Conn, error) { return net.DialTimeout("tcp", p.address, patience) }
	send := func(conn net.Conn) {
		t.Helper()
		_, err := conn.Write([]byte("x"))
		must(t, err)
	}
	receive := func(conn net.Conn, patience time.Duration) error {
		conn.SetReadDeadline(time.Now().Add(patience))
		_, err := io.ReadFull(conn, make([]byte, 1))
		return err
	}
	const moment = 200 * time.Millisecond
	conn, err := dial(patience)
	must(t, err)
	send(conn)
	must(t, receive(conn, patience))

	p.cut(drop)
	send(conn)
	if err := receive(conn, moment); !timedOut(err) {
		t.Errorf("drop: a connection says %v, want silence", err)
	}
	if _, err := dial(moment); !timedOut(err) {
		t.Errorf("drop: a new connection says %v, want silence", err)
	}
	p.mend()
	if err := receive(conn, patience); err != nil {
		t.Errorf("mended: what was sent meanwhile does not come: %v", err)
	}
	for range 3 {
		another, err := dial(patience)
		must(t, err)
		send(another)
		must(t, receive(another, patience))
	}

	p.cut(reset)
	if err := receive(conn, patience); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("reset: a connection says %v", err)
	}
	if _, err := dial(patience); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("reset: a new connection says %v", err)
	}
	p.mend()
	conn, err = dial(patience)
	must(t, err)
	send(conn)
	must(t, receive(conn, patience))
}
