package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"anomalydetector/configs"
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
		return map[string]string{"KAFKA_HOST": brokers, "DETECTOR_DATA_DIR": data,
			"DETECTOR_HTTP": world.Env("DETECTOR_HTTP"), "DETECTOR_HTTP_INSECURE": world.Env("DETECTOR_HTTP_INSECURE")}[name]
	})
	if err != nil {
		return err
	}
	config.Log.File, config.Job.Duration = "", 0
	if err := cluster.CreateTopic(config.IO.InputTopic, demoPartitions, nil); err != nil {
		return fmt.Errorf("create the demo's input topic: %w", err)
	}

	over := make(chan os.Signal, 8)
	feeding, cancel := context.WithCancel(context.Background())
	defer cancel()
	out := &watchedOutput{out: world.Stdout, onFailure: func() { cancel(); over <- os.Interrupt }}
	show := newDemoPage(out, source)
	show.begin(options, config)
	feeder, err := newFeeder(cluster.ListenAddrs(), config.IO.InputTopic)
	if err != nil {
		return err
	}
	stops = append(stops, func() error { feeder.client.Close(); return nil })

	// The stream is fed beside the detector, which ends when it has seen it all.
	inner := *world
	inner.Signals, inner.Hangups = over, nil
	ended := make(chan struct{})
	defer close(ended)
	go relay(ended, world, over, cancel)
	fed := make(chan error, 1)
	go func() {
		defer removeOnPanic(data)
		err := feeder.feed(feeding, source, options, c.Duration)
		if err == nil {
			err = feeder.drained(feeding, config.IO.ConsumerGroup)
		}
		if feeding.Err() == nil { // else the detector was told to end by who ended the feeding
			over <- os.Interrupt
		}
		fed <- err
	}()
	ran := Run(&inner, []*configs.Config{config}, Options{OnCommit: show.committed, Quiet: true})
	cancel()
	if err := errors.Join(ran, ignoreCancel(<-fed)); err != nil {
		return err
	}
	show.end()
	return out.failure()
}

// relay passes requests to stop on, and ends the feeding at the first. A terminal
// that is closed is one, too: a demo that nobody sees is over.
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

// removeOnPanic is deferred by goroutines whose panic would end the process and
// leave its directory behind.
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
