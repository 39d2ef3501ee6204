package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/configs"
	"anomalydetector/messages"
	"anomalydetector/stream"
	"anomalydetector/synthetic"
)

// demoCommand shows the detector at work with nothing else installed.
type demoCommand struct {
	Duration time.Duration `default:"20s" help:"How long the live part takes (default ${default}); it covers two days of the stream."`
	Entities int           `default:"200" help:"Number of entities (default ${default})."`
	Seed     uint64        `default:"1" help:"Seed of the stream: the same seed gives the same stream (default ${default})."`
}

const (
	demoConf       = "hegemonydetector.conf"
	demoPartitions = 3
	demoDrain      = 30 * time.Second // for the detector to finish after the last bin
)

// Run feeds a synthetic stream to a real detector on an embedded broker, and
// prints what it commits and which of the injected events it found.
func (c *demoCommand) Run(world *World) (err error) {
	if c.Duration <= 0 {
		return usageError("--duration: want more than 0, for example 20s")
	}
	options := synthetic.Default()
	options.Entities, options.Seed = c.Entities, c.Seed
	options.Events = max(1, min(options.Events, c.Entities/5))
	source, err := synthetic.New(options)
	if err != nil {
		return usageError(err.Error())
	}

	var stops []func() error
	defer func() { err = errors.Join(err, joinStops(stops)) }()
	data, err := os.MkdirTemp("", "anomalydetector-demo-")
	if err != nil {
		return fmt.Errorf("make a directory for the demo: %w", err)
	}
	stops = append(stops, func() error { return os.RemoveAll(data) })
	cluster, err := stream.Embedded()
	if err != nil {
		return err
	}
	stops = append(stops, func() error { cluster.Close(); return nil })
	brokers := strings.Join(cluster.ListenAddrs(), ",")

	config, err := configs.Load(demoConf, func(name string) string {
		return map[string]string{"KAFKA_HOST": brokers, "DETECTOR_DATA_DIR": data}[name]
	})
	if err != nil {
		return err
	}
	config.Log.File, config.Job.Duration = "", 0
	if err := cluster.CreateTopic(config.IO.InputTopic, demoPartitions, nil); err != nil {
		return fmt.Errorf("create the demo's input topic: %w", err)
	}

	show := newDemoPage(world, source)
	show.begin(options, config)
	feeder, err := newFeeder(cluster.ListenAddrs(), config.IO.InputTopic)
	if err != nil {
		return err
	}
	stops = append(stops, func() error { feeder.client.Close(); return nil })

	// The stream is fed beside the detector, which ends when it has seen it all.
	over := make(chan os.Signal, 2)
	inner := *world
	inner.Signals = over
	feeding, cancel := context.WithCancel(context.Background())
	defer cancel()
	go relay(feeding, world.Signals, over, cancel)
	fed := make(chan error, 1)
	go func() {
		err := feeder.feed(feeding, source, options, c.Duration)
		if err == nil {
			err = feeder.drained(feeding, config.IO.ConsumerGroup)
		}
		over <- os.Interrupt
		fed <- err
	}()
	ran := Run(&inner, []*configs.Config{config}, Options{OnCommit: show.committed, Quiet: true})
	cancel()
	if err := errors.Join(ran, ignoreCancel(<-fed)); err != nil {
		return err
	}
	show.end()
	return nil
}

// relay passes signals on, and ends the feeding at the first.
func relay(ctx context.Context, from <-chan os.Signal, to chan<- os.Signal, cancel func()) {
	for {
		select {
		case s := <-from:
			cancel()
			to <- s
		case <-ctx.Done():
			return
		}
	}
}

func ignoreCancel(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// feeder produces a synthetic stream.
type feeder struct {
	client *kgo.Client
	topic  string
}

func newFeeder(brokers []string, topic string) (*feeder, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.DefaultProduceTopic(topic),
		kgo.ProducerLinger(5*time.Millisecond))
	if err != nil {
		return nil, fmt.Errorf("create the demo's producer: %w", err)
	}
	return &feeder{client: client, topic: topic}, nil
}

// feed produces the history at once and the live bins over so long a time.
func (f *feeder) feed(ctx context.Context, source *synthetic.Stream, options synthetic.Options, live time.Duration) error {
	tick := time.NewTicker(live / time.Duration(options.LiveBins))
	defer tick.Stop()
	for i := range source.Bins() {
		if i > options.HistoryBins {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		var records []*kgo.Record
		for _, point := range source.Bin(i) {
			records = append(records, &kgo.Record{
				Key: []byte(point.Entity), Value: point.Payload, Timestamp: time.UnixMilli(point.At),
			})
		}
		if err := f.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
			return fmt.Errorf("produce bin %d of the demo's stream: %w", i, err)
		}
	}
	return nil
}

// drained waits until the group has committed all that was fed.
func (f *feeder) drained(ctx context.Context, group string) error {
	ctx, cancel := context.WithTimeout(ctx, demoDrain)
	defer cancel()
	admin := kadm.NewClient(f.client)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		lags, err := admin.Lag(ctx, group)
		if err == nil {
			if lag, ok := lags[group]; ok && lag.Error() == nil && len(lag.Lag) > 0 && lag.Lag.Total() == 0 {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for the detector to read the stream to its end: %w", ctx.Err())
		}
	}
}

// demoPage is what the demo prints.
type demoPage struct {
	world  *World
	mu     sync.Mutex // the detector's goroutine prints anomalies
	events []synthetic.Event
	found  []bool
	others int
	shown  int
}

func newDemoPage(world *World, source *synthetic.Stream) *demoPage {
	events := source.Events()
	return &demoPage{world: world, events: events, found: make([]bool, len(events))}
}

func (p *demoPage) begin(options synthetic.Options, config *configs.Config) {
	days := func(bins int) string {
		return fmt.Sprintf("%.0f days", (time.Duration(bins)*options.Bin).Hours()/24)
	}
	fmt.Fprintf(p.world.Stdout, `A synthetic AS hegemony stream, a Kafka broker inside this process, and the real
detector on %s. %d networks: %s of history at once, then %s with
%d events (spikes, shifts, outages) hidden in them. Anomalies, as they are committed:

%-16s  %-24s  %9s  %12s  %9s
`, config.Source, options.Entities, days(options.HistoryBins), days(options.LiveBins), len(p.events),
		"time (UTC)", "entity (scope,asn)", "hegemony", "usual level", "deviation")
}

func (p *demoPage) committed(findings []messages.Finding) {
	p.mu.Lock()
	defer p.mu.Unlock()
	slices.SortStableFunc(findings, func(a, b messages.Finding) int { return a.At.Compare(b.At) })
	for _, f := range findings {
		p.shown++
		fmt.Fprintf(p.world.Stdout, "%-16s  %-24s  %9.4f  %12.4f  %+9.1f  %s\n",
			f.At.UTC().Format("2006-01-02 15:04"), f.Entity, f.Value, f.Usual, f.Deviation, p.label(f))
	}
}

// label tells which event a finding belongs to, and remembers that it was found.
func (p *demoPage) label(f messages.Finding) string {
	at := f.At.UnixMilli()
	for i, event := range p.events {
		if event.Entity == f.Entity && event.From <= at && at <= event.Until {
			p.found[i] = true
			return event.Kind.String()
		}
	}
	p.others++
	return "no event here"
}

func (p *demoPage) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	found := 0
	for i, event := range p.events {
		if p.found[i] {
			found++
			continue
		}
		fmt.Fprintf(p.world.Stdout, "not found: %s of %s at %s, from %.4f to %.4f\n", event.Kind, event.Entity,
			time.UnixMilli(event.From).UTC().Format("2006-01-02 15:04"), event.Usual, event.Changed)
	}
	fmt.Fprintf(p.world.Stdout, "\nFound %d of %d injected events; %d anomalies in all, %d of them outside any event.\n",
		found, len(p.events), p.shown, p.others)
}
