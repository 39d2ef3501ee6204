package simulation

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// node is a machine that runs one detector process after another, as a service manager
// does: it starts a process that ends by itself again.
type node struct {
	name    string
	address string // for other nodes
	http    string // for probes
	run     *run
	busy    chan struct{} // holds a token; only its holder may start and end the process

	process atomic.Pointer[process] // nil while none runs
	started int                     // processes

	disk    string       // the data directory that the last process left; empty: none
	older   []string     // copies of it, from other times
	copies  int          // that were made
	failing atomic.Int32 // writes that are still to fail
	full    atomic.Bool  // the disk is
}

func newNode(r *run, number int) *node {
	n := &node{name: fmt.Sprintf("n%d", number), address: nodeAddress(number), http: httpAddress(number), run: r, busy: make(chan struct{}, 1)}
	n.busy <- struct{}{}
	return n
}

// hold takes the right to start and end the process, until the function that it returns is
// called.
func (n *node) hold() (release func()) {
	<-n.busy
	return func() { n.busy <- struct{}{} }
}

func (n *node) startHeld() {
	release := n.hold()
	defer release()
	n.run.judge.count(func(report *Report) { report.Starts++ })
	n.start()
}

// start begins the next process, unless one runs. The caller holds the node.
func (n *node) start() {
	if n.process.Load() != nil {
		return
	}
	n.started++
	p := &process{
		node: n, party: fmt.Sprintf("%s#%d", n.name, n.started), dir: filepath.Join(n.run.dir, fmt.Sprintf("%s.%d", n.name, n.started)),
		signals: make(chan os.Signal, 3), ended: make(chan struct{}), probed: make(chan struct{}),
		clients: make(map[*kgo.Client]bool),
	}
	n.process.Store(p)
	if err := n.inherit(p.dir); err != nil {
		n.run.judge.problem("%s: data directory: %v", p.party, err)
	}
	if len(n.older) < 2 && n.started > 1 && n.run.has(stateOlder) {
		n.older = append(n.older, n.snapshot())
	}
	fmt.Fprintf(p, "--- %s starts at %.3f s\n", p.party, n.run.clock().Seconds())
	go func() {
		p.err = p.program()
		close(p.ended)
	}()
	go p.probe()
	go n.keep(p)
}

// keep starts the next process if this one ends by itself.
func (n *node) keep(p *process) {
	<-p.ended
	release := n.hold()
	defer release()
	if p.asked || n.process.Load() != p {
		return
	}
	n.process.Store(nil)
	n.run.judge.exited(p)
	n.reap(p)
	n.run.later(time.Second, func() {
		release := n.hold()
		defer release()
		n.start()
	})
}

// kill ends the process at once: nothing that it does from now on has an effect. Signals
// then end its goroutines. The caller holds the node.
func (n *node) kill() {
	p := n.process.Load()
	if p == nil {
		return
	}
	p.asked = true
	n.process.Store(nil)
	n.run.network.kill(p.party)
	n.disk = n.snapshot()
	for range cap(p.signals) {
		p.signals <- syscall.SIGTERM
	}
	<-p.ended
	n.reap(p)
}

// stop ends the process with SIGTERM. If all was well it must end without an error. The
// caller holds the node.
func (n *node) stop(wasWell bool) {
	p := n.process.Load()
	if p == nil {
		return
	}
	p.asked = true
	n.process.Store(nil)
	begin := time.Now()
	p.signals <- syscall.SIGTERM
	<-p.ended
	if wasWell && p.err != nil {
		n.run.judge.problem("%s was stopped, and ended after %s with: %v", p.party, time.Since(begin), p.err)
	}
	if open := p.open(); p.err == nil && len(open) > 0 {
		n.run.judge.problem("%s was stopped, and left %d clients open", p.party, len(open))
	}
	n.reap(p)
}

// reap ends what a dead process has left running, as the operating system would.
func (n *node) reap(p *process) {
	n.run.network.kill(p.party)
	n.run.reaping.Go(func() {
		<-p.probed
		n.run.judge.count(func(report *Report) { report.Claimed += int(p.claimed) })
		// The process may be closing some itself. A client must not be closed twice at a time.
		time.Sleep(31*time.Second + 7*time.Millisecond)
		for _, client := range p.open() {
			client.Close()
		}
	})
	n.run.judge.reaped(p)
}
