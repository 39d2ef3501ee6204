package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/configs"
	"anomalydetector/synthetic"
)

const (
	feedPartitions = 10
	feedRetry      = time.Second // after a broker did not answer
)

// feedOnly feeds the stream to the brokers of the environment. Bins have the times of the clock: the last
// five days come first, then each bin when its time comes. Equal seeds give equal bins at equal times, so
// a feeder that starts again continues after the newest record.
func (c *demoCommand) feedOnly(world *World) error {
	if c.Nodes > 1 || c.Kill {
		return usageError("--feed: want no --nodes and no --kill with it, because it starts no detector")
	}
	config, err := configs.Load(demoConf, world.Env)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan struct{})
	defer close(ended)
	go relay(ended, world, make(chan os.Signal, 8), cancel)

	topic, brokers := config.IO.InputTopic, strings.Join(config.Kafka.Brokers, ",")
	feeder, err := newFeeder(config.Kafka.Brokers, topic)
	if err != nil {
		return err
	}
	defer feeder.client.Close()
	next, err := feeder.newest(ctx, world)
	if err != nil {
		return ignoreCancel(err)
	}
	d := &demo{command: c, world: world, options: synthetic.Default(), feeder: feeder}
	d.options.Entities, d.options.Seed = c.Entities, c.Seed
	d.options.Events = max(1, min(d.options.Events, c.Entities/5))
	present := d.binAt(world.Now())
	live := present - d.options.LiveBins + 1
	first := live - d.options.HistoryBins
	if first < 0 {
		return fmt.Errorf("the clock says %s, and the stream begins at %s: set the clock", world.Now().Format(time.DateOnly), d.options.Start.Format(time.DateOnly))
	}
	if !next.IsZero() {
		first = max(first, d.binAt(next)+1)
	}
	fmt.Fprintf(world.Stdout, "Feeding topic %s at %s: the last five days, then a bin every %s. Ctrl-C ends it.\n", topic, brokers, d.options.Bin)
	return ignoreCancel(d.feedClock(ctx, first, live))
}

// binAt is the bin of a time.
func (d *demo) binAt(at time.Time) int {
	return int(at.Sub(d.options.Start) / d.options.Bin)
}

// feedClock feeds the bins from the first on, without end: those before the live part at once, those up to
// the present within --duration, and each later one when its time comes.
func (d *demo) feedClock(ctx context.Context, first, live int) error {
	var source *synthetic.Stream
	pace := time.NewTicker(max(1, d.command.Duration/time.Duration(d.options.LiveBins)))
	defer pace.Stop()
	var caughtUp bool
	for i := first; ; i++ {
		due := d.options.Start.Add(time.Duration(i) * d.options.Bin).Sub(d.world.Now())
		if due > 0 && !caughtUp {
			caughtUp = true
			fmt.Fprintln(d.world.Stdout, "The stream has reached the present.")
		}
		var wait <-chan time.Time
		switch {
		case due > 0:
			wait = time.After(due)
		case i >= live:
			wait = pace.C
		}
		if wait != nil {
			select {
			case <-wait:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if part := i - i%moreBins; source == nil || i == part {
			var err error
			if source, err = synthetic.New(d.more(part)); err != nil {
				return usageError(err.Error())
			}
		}
		if err := d.feeder.produce(ctx, i, source.Bin(i)); err != nil {
			return err
		}
	}
}

// newest is the time of the newest record in the topic; zero if there is none. It creates the topic if it is
// missing, and tries again while no broker answers.
func (f *feeder) newest(ctx context.Context, world *World) (time.Time, error) {
	told := repeated{now: world.Now}
	for {
		at, err := f.newestOnce(ctx)
		if err == nil || ctx.Err() != nil {
			return at, errors.Join(err, ctx.Err())
		}
		if told.level(err.Error()) == slog.LevelWarn {
			fmt.Fprintln(world.Stderr, "anomalydetector: cannot feed yet, trying again:", escaped(err.Error(), "\n"))
		}
		select {
		case <-time.After(feedRetry):
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		}
	}
}

func (f *feeder) newestOnce(ctx context.Context) (time.Time, error) {
	admin := kadm.NewClient(f.client)
	created, err := admin.CreateTopic(ctx, feedPartitions, -1, nil, f.topic)
	if err != nil && !errors.Is(created.Err, kerr.TopicAlreadyExists) {
		return time.Time{}, fmt.Errorf("create topic %s: %w", f.topic, err)
	}
	offsets, err := admin.ListMaxTimestampOffsets(ctx, f.topic)
	if err == nil {
		err = offsets.Error()
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("look for the newest record of %s: %w", f.topic, err)
	}
	var newest time.Time
	offsets.Each(func(o kadm.ListedOffset) {
		if at := time.UnixMilli(o.Timestamp); o.Timestamp >= 0 && at.After(newest) {
			newest = at
		}
	})
	return newest, nil
}

// produce sends a bin.
func (f *feeder) produce(ctx context.Context, i int, points []synthetic.Datapoint) error {
	var records []*kgo.Record
	for _, point := range points {
		records = append(records, &kgo.Record{
			Key: []byte(point.Entity), Value: point.Payload, Timestamp: time.UnixMilli(point.At),
		})
	}
	if err := f.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("produce bin %d of the demo's stream: %w", i, err)
	}
	return nil
}
