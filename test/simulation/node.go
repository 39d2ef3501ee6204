package simulation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/bootstrap"
	"anomalydetector/configs"
	"anomalydetector/persistence"
)

// node is a machine that runs one detector process after another, as a service
// manager does: a process that ends by itself is started again.
type node struct {
	name    string
	address string // for other nodes
	http    string // for probes
	run     *run
	busy    chan struct{} // holds a token; who takes it may start and end the process

	process atomic.Pointer[process] // nil while none runs
	started int                     // processes

	disk    string       // the data directory that the last process left; empty: none
	older   []string     // copies of it, from other times
	copies  int          // that were made
	failing atomic.Int32 // so many writes fail from now on
	full    atomic.Bool  // the disk is
}

// process is one life of the program.
type process struct {
	node    *node
	party   string // its name on the network
	dir     string // its data directory
	signals chan os.Signal
	ended   chan struct{} // closed when Run has returned
	err     error         // what it returned
	asked   bool          // to end
	probed  chan struct{} // closed when nobody asks it any more
	claimed float64       // anomalies that it said were committed, the last time; once it is not asked any more

	mu      sync.Mutex
	clients map[*kgo.Client]bool // whether each is open
	log     bytes.Buffer
}

// OnNewClient makes a process a hook of its Kafka clients.
func (p *process) OnNewClient(client *kgo.Client) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clients[client] = true
}

// OnClientClosed is the end of what OnNewClient began.
func (p *process) OnClientClosed(client *kgo.Client) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clients[client] = false
}

// OnProduceRecordBuffered is called at the beginning of Produce.
func (p *process) OnProduceRecordBuffered(*kgo.Record) {
	if delay := p.node.run.scenario.ProduceDelay; delay > 0 {
		time.Sleep(delay)
	}
}

func (p *process) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(text)
}

func newNode(r *run, number int) *node {
	n := &node{name: fmt.Sprintf("n%d", number), address: nodeAddress(number), http: httpAddress(number), run: r, busy: make(chan struct{}, 1)}
	n.busy <- struct{}{}
	return n
}

// hold lets one at a time start and end the process.
func (n *node) hold() func() {
	<-n.busy
	return func() { n.busy <- struct{}{} }
}

// start runs the program as its main function does, but for the network and
// where it writes. To be called by who holds the node.
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
		n.run.problem("%s: data directory: %v", p.party, err)
	}
	if len(n.older) < 2 && n.started > 1 && n.run.has(stateOlder) {
		n.older = append(n.older, n.snapshot())
	}
	fmt.Fprintf(p, "--- %s starts at %.3f s\n", p.party, n.run.clock().Seconds())
	world := &bootstrap.World{Stdout: p, Stderr: p, Now: time.Now, Signals: p.signals, Release: func() {},
		Env: func(name string) string {
			env := map[string]string{"DETECTOR_DATA_DIR": p.dir, "KAFKA_HOST": brokerAddress(0) + "," + brokerAddress(1), "DETECTOR_HTTP": n.http}
			if n.run.scenario.Cluster {
				env["DETECTOR_CLUSTER_LISTEN"] = n.address
			}
			return env[name]
		}}
	go func() {
		p.err = n.run.program(world, n.run.confPath(), p)
		close(p.ended)
	}()
	go p.probe()
	go n.keep(p)
}

// inherit gives a process the data directory that the last one left.
func (n *node) inherit(dir string) error {
	last := n.disk
	n.disk = dir
	if last == "" {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, "node-id"), []byte(n.name+"\n"), 0o644)
	}
	return os.Rename(last, dir)
}

// snapshot copies the data directory as it is at this instant: when all that
// goes on in the process waits for something.
func (n *node) snapshot() string {
	<-n.run.quiet
	defer func() { n.run.quiet <- struct{}{} }()
	synctest.Wait()
	n.copies++
	to := filepath.Join(n.run.dir, fmt.Sprintf("%s.copy%d", n.name, n.copies))
	if err := copyTree(n.disk, to); err != nil {
		n.run.problem("%s: copy the data directory: %v", n.name, err)
	}
	return to
}

// replaceState gives the next process another state than the last one left.
func (n *node) replaceState(kind faultKind) {
	if n.disk == "" || n.process.Load() != nil {
		return
	}
	switch {
	case kind == stateGone:
		if err := os.RemoveAll(filepath.Join(n.disk, "state")); err != nil {
			n.run.problem("%s: remove the state: %v", n.name, err)
		}
	case kind == stateOlder && len(n.older) > 0:
		n.disk = n.older[0]
		n.older = nil
	}
}

// copyTree copies a directory, leaving holes where there are zeros.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil || entry.IsDir() {
			return errors.Join(err, os.MkdirAll(filepath.Join(to, name), 0o755))
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := os.Create(filepath.Join(to, name))
		if err != nil {
			return err
		}
		defer file.Close()
		var empty [4096]byte
		for at := 0; at < len(content); at += len(empty) {
			page := content[at:min(at+len(empty), len(content))]
			if bytes.Equal(page, empty[:len(page)]) {
				continue
			}
			if _, err := file.WriteAt(page, int64(at)); err != nil {
				return err
			}
		}
		return file.Truncate(int64(len(content)))
	})
}

// errWrite is what a write fails with.
var errWrite = errors.New("input/output error")

// store makes the disk slow, full, or faulty.
func (n *node) store(o *persistence.Options) {
	disk := n.run.scenario.Disk
	o.Journal, o.Split = disk.Journal, disk.Split
	o.Free = func() (uint64, error) {
		if n.full.Load() {
			return 0, nil
		}
		return 1 << 40, nil
	}
	o.BeforeWrite = func() error {
		if disk.Delay > 0 {
			time.Sleep(disk.Delay)
		}
		if n.failing.Load() > 0 && n.failing.Add(-1) >= 0 {
			n.run.count(func(report *Report) { report.Struck[writeFails]++ })
			return errWrite
		}
		return nil
	}
}

// program is what main does after reading the command line.
func (r *run) program(world *bootstrap.World, conf string, p *process) error {
	config, err := configs.Load(conf, world.Env)
	if err != nil {
		return err
	}
	timing := r.scenario.Timing
	return bootstrap.Run(world, []*configs.Config{config}, bootstrap.Options{
		Client: []kgo.Opt{kgo.Dialer(r.network.dialer(p.party)), kgo.WithHooks(p)},
		Timing: &timing, Batch: r.scenario.Batch, Store: p.node.store,
		HandoffFrom: r.scenario.HandoffFrom, Listener: r.network.listener(p.party), Dial: r.network.dialer(p.party),
	})
}

// keep starts the process again if it ends by itself.
func (n *node) keep(p *process) {
	<-p.ended
	release := n.hold()
	defer release()
	if p.asked || n.process.Load() != p {
		return
	}
	n.process.Store(nil)
	n.run.exited(p)
	n.bury(p)
	n.run.later(time.Second, func() {
		release := n.hold()
		defer release()
		n.start()
	})
}

// kill ends the process at once: nothing it does from now on has an effect. Its
// goroutines are then wound up. To be called by who holds the node.
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
	n.bury(p)
}

// stop ends the process as an operator does, and tells what is wrong with that.
// To be called by who holds the node.
func (n *node) stop(clean bool) {
	p := n.process.Load()
	if p == nil {
		return
	}
	p.asked = true
	n.process.Store(nil)
	begin := time.Now()
	p.signals <- syscall.SIGTERM
	<-p.ended
	if clean && p.err != nil {
		n.run.problem("%s was stopped, and ended after %s with: %v", p.party, time.Since(begin), p.err)
	}
	if open := p.open(); p.err == nil && len(open) > 0 {
		n.run.problem("%s was stopped, and left %d clients open", p.party, len(open))
	}
	n.bury(p)
}

// bury ends what a process that is no more has left running, as the operating
// system would.
func (n *node) bury(p *process) {
	n.run.network.kill(p.party)
	n.run.burials.Go(func() {
		<-p.probed
		n.run.count(func(report *Report) { report.Claimed += int(p.claimed) })
		// It may be closing some itself, and a client must not be closed twice at a time.
		time.Sleep(31*time.Second + 7*time.Millisecond)
		for _, client := range p.open() {
			client.Close()
		}
	})
	text := p.text()
	for line := range strings.Lines(text) {
		// No fault damages what is stored.
		if strings.Contains(line, "panic") || strings.Contains(line, "corrupt") {
			n.run.problem("%s: %s", p.party, strings.TrimSpace(line))
		}
	}
	n.run.mu.Lock()
	defer n.run.mu.Unlock()
	n.run.logs = append(n.run.logs, text)
}

// text is what it has logged.
func (p *process) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// open are the clients that were not closed.
func (p *process) open() (clients []*kgo.Client) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for client, open := range p.clients {
		if open {
			clients = append(clients, client)
		}
	}
	return clients
}

// operator is a client outside the simulated trouble.
func (r *run) operator(options ...kgo.Opt) *kgo.Client {
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(brokerAddress(0), brokerAddress(1), brokerAddress(2)),
		kgo.Dialer(r.network.dialer("operator")),
		kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }),
		kgo.MetadataMinAge(50 * time.Millisecond),
	}, options...)...)
	if err != nil {
		panic(err) // the options are wrong
	}
	return client
}

// insist repeats what faults may disturb, within reason.
func (r *run) insist(what string, try func(context.Context) error) bool {
	var err error
	for range 300 {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		err = try(ctx)
		cancel()
		if err == nil {
			return true
		}
		time.Sleep(500 * time.Millisecond)
	}
	r.problem("%s: %v", what, err)
	return false
}
