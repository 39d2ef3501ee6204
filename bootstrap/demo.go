package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"anomalydetector/actors"
	"anomalydetector/configs"
	"anomalydetector/stream"
	"anomalydetector/synthetic"
)

// demoCommand shows the detector at work with nothing else installed.
type demoCommand struct {
	Duration time.Duration `default:"20s" help:"How long the live part takes (default ${default}); it covers two days of the stream."`
	Entities int           `default:"200" help:"Number of entities (default ${default})."`
	Seed     uint64        `default:"1" help:"Seed of the stream: equal seeds give equal streams (default ${default})."`
	Nodes    int           `default:"1" help:"Number of processes that share the work (default ${default}, at most 3)."`
	Feed     bool          `help:"Only feed the stream to the brokers of KAFKA_HOST, without TLS, for a detector that runs elsewhere: the last five days, then in real time, until Ctrl-C."`
	Kill     bool          `help:"With --nodes: kill one of them in the middle of the live part, and check that nothing is lost."`
}

const (
	demoConf       = "hegemonydetector.conf"
	demoEpisodes   = "ihr_hegemony_episodes" // the topic
	demoPartitions = 3
	demoDrain      = 30 * time.Second // for the detector to finish after the last bin
	demoRoom       = 1 << 14          // commits that may wait for the terminal
)

// demoKinds are the kinds of the events. Most are such that anomalies tell of them.
var demoKinds = []synthetic.Kind{
	synthetic.Shift, synthetic.Spike, synthetic.Outage, synthetic.Shift, synthetic.Spike, synthetic.Outage, synthetic.Vanish, synthetic.Shift,
	synthetic.Spike, synthetic.Outage, synthetic.Hole, synthetic.Shift, synthetic.Spike, synthetic.Outage, synthetic.Shift, synthetic.Spike,
	synthetic.Vanish, synthetic.Outage, synthetic.Shift, synthetic.Spike,
}

// demo is a broker, a stream, and the page that shows both.
type demo struct {
	command *demoCommand
	world   *World
	options synthetic.Options
	data    string // directory
	brokers []string
	config  *configs.Config
	feeder  *feeder
	show    *demoPage
	// over receives requests to stop, and the end of the stream.
	over chan os.Signal
}

// Run feeds a synthetic stream to a real detector on an embedded broker. It prints the committed
// anomalies, and which of the injected events the detector found.
func (c *demoCommand) Run(world *World) (err error) {
	switch {
	case c.Duration <= 0:
		return usageError("--duration: want more than 0, for example 20s")
	case c.Feed:
		return c.feedOnly(world)
	case c.Nodes < 1 || c.Nodes > demoPartitions:
		return usageError(fmt.Sprintf("--nodes: want 1 to %d", demoPartitions))
	case c.Kill && c.Nodes == 1:
		return usageError("--kill: want --nodes 2 or 3 with it, so that another node can take over")
	}
	d := &demo{command: c, world: world, options: synthetic.Default(), over: make(chan os.Signal, 8)}
	d.options.Entities, d.options.Seed = c.Entities, c.Seed
	d.options.Events = max(1, min(d.options.Events, c.Entities/5))
	d.options.Kinds = demoKinds
	source, err := synthetic.New(d.options)
	if err != nil {
		return usageError(err.Error())
	}

	var stops []func() error
	defer func() { err = errors.Join(err, joinStops(stops)) }()
	if d.data, err = os.MkdirTemp("", "anomalydetector-demo-"); err != nil {
		return fmt.Errorf("make a directory for the demo: %w", err)
	}
	stops = append(stops, func() error { return os.RemoveAll(d.data) })
	cluster, err := stream.Embedded()
	if err != nil {
		return err
	}
	stops = append(stops, func() error { cluster.Close(); return nil })
	d.brokers = cluster.ListenAddrs()
	file, err := configs.Open(demoConf)
	if err != nil {
		return err
	}
	d.config, err = file.Load(func(name string) string {
		return map[string]string{"KAFKA_HOST": strings.Join(d.brokers, ","), "DETECTOR_DATA_DIR": d.data,
			"DETECTOR_HTTP": world.Env("DETECTOR_HTTP"), "DETECTOR_HTTP_INSECURE": world.Env("DETECTOR_HTTP_INSECURE"),
			"DETECTOR_HEALTH": world.Env("DETECTOR_HEALTH")}[name]
	}, configs.Override{Section: "episodes", Key: "output_topic", Value: demoEpisodes, Source: "the demo"})
	if err != nil {
		return err
	}
	d.config.Log.File, d.config.Job.Duration = "", 0
	if err := cluster.CreateTopic(d.config.IO.InputTopic, demoPartitions, nil); err != nil {
		return fmt.Errorf("create the demo's input topic: %w", err)
	}
	if d.feeder, err = newFeeder(d.brokers, d.config.IO.InputTopic); err != nil {
		return err
	}
	stops = append(stops, func() error { d.feeder.client.Close(); return nil })

	feeding, cancel := context.WithCancel(context.Background())
	defer cancel()
	out := &watchedOutput{out: world.Stdout, onFailure: func() { cancel(); d.over <- os.Interrupt }}
	d.show = newDemoPage(out, source)
	ended := make(chan struct{})
	defer close(ended)
	go relay(ended, world, d.over, cancel)
	if c.Nodes > 1 {
		err = d.nodes(feeding, cancel, source)
	} else {
		err = d.alone(feeding, cancel, source)
	}
	if err != nil {
		return err
	}
	return out.failure()
}

// alone runs the detector in this process while the stream is fed. It ends when the detector has read
// the whole stream.
func (d *demo) alone(feeding context.Context, cancel func(), source *synthetic.Stream) error {
	hub := new(actors.Hub)
	watcher := hub.Watch(demoRoom)
	shown, until := make(chan struct{}), int64(0)
	go func() {
		defer close(shown)
		for event := range watcher.C {
			d.show.committed(event.Findings)
			until = max(until, readUntil(event.Report))
		}
	}()
	inner := *d.world
	inner.Signals, inner.Hangups = d.over, nil
	fed := make(chan error, 1)
	go func() {
		defer removeOnPanic(d.data)
		fed <- d.feed(feeding, source)
	}()
	ran := Run(&inner, []*configs.Config{d.config}, Options{Hub: hub, Quiet: true, Synthetic: true,
		OnSite: func(url string) { d.show.begin(d.options, d.config, url, 1) }})
	cancel()
	watcher.Close()
	<-shown
	if err := errors.Join(ran, ignoreCancel(<-fed)); err != nil {
		return err
	}
	d.show.end(until, watcher.Lost())
	return nil
}

// readUntil is the stream time that all partitions have reached, in Unix milliseconds; 0 if unknown.
func readUntil(report *actors.Report) (until int64) {
	if report == nil {
		return 0
	}
	for i, partition := range report.Partitions {
		if i == 0 || partition.StreamTime < until {
			until = partition.StreamTime
		}
	}
	return until
}

// feed feeds the stream and waits until the detector has read it. On a terminal it then continues the
// stream, so that there is something to see; otherwise it ends the demo.
func (d *demo) feed(feeding context.Context, source *synthetic.Stream) error {
	err := d.feeder.feed(feeding, source, 0, d.options.HistoryBins, d.command.Duration/time.Duration(d.options.LiveBins))
	if err == nil {
		err = d.feeder.drained(feeding, d.config.IO.ConsumerGroup)
	}
	if err == nil && d.world.Terminal {
		err = d.goOn(feeding, source.Bins())
	}
	if feeding.Err() == nil { // otherwise the caller that cancelled the feeding stops the detector
		d.over <- os.Interrupt
	}
	return err
}

const (
	// moreBins is the length of each further part of the stream, in bins: a little more than the
	// history, because an entity has at most one event in each part.
	moreBins = 312
	morePace = time.Second
)

// goOn feeds further parts of the stream, of the same entities, until it is cancelled.
func (d *demo) goOn(feeding context.Context, from int) error {
	d.show.goOn()
	for ; ; from += moreBins {
		source, err := synthetic.New(d.more(from))
		if err != nil {
			return err
		}
		d.show.expect(source)
		if err := d.feeder.feed(feeding, source, from, from, morePace); err != nil {
			return err
		}
	}
}

// more is the options of the part of the stream that begins at a bin. The events are as frequent as in
// the first part.
func (d *demo) more(from int) synthetic.Options {
	options := d.options
	options.HistoryBins, options.LiveBins = from, moreBins
	options.Events = max(1, min(d.options.Events*moreBins/d.options.LiveBins, d.options.Entities/5))
	return options
}

// relay forwards requests to stop, and ends the feeding at the first. A closed terminal is a request,
// too: nobody sees the demo any more.
func relay(ended <-chan struct{}, world *World, to chan<- os.Signal, cancel func()) {
	hangups := world.Hangups
	if world.Nohup {
		hangups = nil
	}
	for {
		select {
		case s := <-world.Signals:
			cancel()
			to <- s
		case s := <-hangups:
			cancel()
			to <- s
		case <-ended:
			return
		}
	}
}

// removeOnPanic removes a directory during a panic. Goroutines of the demo defer it because a panic
// would end the process and leave the directory behind.
func removeOnPanic(dir string) {
	if cause := recover(); cause != nil {
		_ = os.RemoveAll(dir) // the panic matters more
		panic(cause)
	}
}

func ignoreCancel(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
