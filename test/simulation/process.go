package simulation

import (
	"bytes"
	"context"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/actors"
	"anomalydetector/bootstrap"
	"anomalydetector/configs"
	"anomalydetector/messages"
)

// process is one life of the program.
type process struct {
	node    *node
	party   string // its name on the network
	dir     string // its data directory
	signals chan os.Signal
	ended   chan struct{} // closed when the program has returned
	err     error         // what the program returned
	asked   bool          // to end
	probed  chan struct{} // closed when nobody asks it any more over HTTP
	claimed float64       // anomalies that it last counted as committed; valid once probed is closed

	failedWrites atomic.Int32 // of its state

	mu      sync.Mutex
	clients map[*kgo.Client]bool // whether each is open
	log     bytes.Buffer
}

// program does what main does after it has read the command line. The network, the disk
// and the clock are the simulation's; all else is real.
func (p *process) program() error {
	r := p.node.run
	env := map[string]string{
		"DETECTOR_DATA_DIR": p.dir, "DETECTOR_HTTP": p.node.http, "KAFKA_HOST": brokerAddress(0) + "," + brokerAddress(1),
	}
	if r.scenario.Cluster {
		env["DETECTOR_CLUSTER_LISTEN"] = p.node.address
	}
	world := &bootstrap.World{Stdout: p, Stderr: p, Now: time.Now, Signals: p.signals, Release: func() {},
		Env: func(name string) string { return env[name] }}
	config, err := configs.Load(r.confPath(), world.Env)
	if err != nil {
		return err
	}
	timing := r.scenario.Timing
	return bootstrap.Run(world, []*configs.Config{config}, bootstrap.Options{
		Client: []kgo.Opt{kgo.Dialer(r.network.dialer(p.party)), kgo.WithHooks(p)},
		Timing: &timing, Batch: r.scenario.Batch, Store: p.store,
		HandoffFrom: r.scenario.HandoffFrom, Listener: r.network.listener(p.party), Dial: r.network.dialer(p.party),
		Postpone: r.scenario.Disk.Postpone,
		Session:  func(s actors.Session) actors.Session { return slowSession{s, r.scenario.ReadDelay} },
		Measure:  func(m actors.Measure) actors.Measure { return measured{m, r.judge} },
	})
}

// slowSession is a session whose polls take a time for each record.
type slowSession struct {
	actors.Session
	delay time.Duration
}

func (s slowSession) Poll(ctx context.Context, limit int) ([]messages.Slice, error) {
	slices, err := s.Session.Poll(ctx, limit)
	for _, slice := range slices {
		time.Sleep(s.delay * time.Duration(len(slice.Records)))
	}
	return slices, err
}

// measured counts what the program measures.
type measured struct {
	actors.Measure
	judge *judge
}

func (m measured) Postponed() {
	m.Measure.Postponed()
	m.judge.count(func(report *Report) { report.Postponed++ })
}

func (m measured) Handoff(took time.Duration, taken bool) {
	m.Measure.Handoff(took, taken)
	m.judge.count(func(report *Report) {
		if taken {
			report.Handoffs++
		} else {
			report.NoHandoffs++
		}
	})
}

// OnNewClient makes a process a hook of its Kafka clients.
func (p *process) OnNewClient(client *kgo.Client) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clients[client] = true
}

// OnClientClosed forgets what OnNewClient noted.
func (p *process) OnClientClosed(client *kgo.Client) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clients[client] = false
}

// OnProduceRecordBuffered is called at the beginning of Produce, which it makes slow.
func (p *process) OnProduceRecordBuffered(*kgo.Record) {
	if delay := p.node.run.scenario.ProduceDelay; delay > 0 {
		time.Sleep(delay)
	}
}

// Write takes what the program prints and logs.
func (p *process) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(text)
}

// text is what Write has taken.
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
