package main

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/bench/report"
)

type latencyFlags struct {
	LatencyEntities int   `default:"20000" help:"Entities with full windows while alarms are timed (default ${default})."`
	LatencyLoads    []int `default:"0,20000,100000" help:"Points/s of the stream meanwhile; 0 is idle (default ${default})."`
	LatencyAlarms   int   `default:"100" help:"Alarms for each load (default ${default})."`
}

// latency times alarms, one after the other, at random moments of the commit
// interval, on a detector whose windows are full.
func (f *latencyFlags) latency(ctx context.Context, b *bench) error {
	topic, h, err := b.fill(ctx, "hegemony-latency", f.LatencyEntities, windowBins, b.settings.Partitions)
	if err != nil {
		return err
	}
	defer b.deleteTopics(topic)
	j, err := b.newJob(ctx, topic, "latency", b.settings.Partitions)
	if err != nil {
		return err
	}
	defer b.discard(j)
	p, err := b.detectorProgram(j).start(ctx)
	if err != nil {
		return err
	}
	defer p.stop()
	patient, cancel := context.WithTimeout(ctx, b.settings.Patience)
	defer cancel()
	if err := b.untilCommitted(patient, p, j, h.shape.Points); err != nil {
		return err
	}
	for _, load := range f.LatencyLoads {
		floor, err := b.newFloor(ctx)
		if err != nil {
			return err
		}
		milliseconds, appended, err := f.underLoad(ctx, b, h, j, p, floor, load)
		floor.close(b)
		if err != nil {
			b.note("alarms at %d points/s: %v", load, err)
			continue
		}
		stream := "idle"
		if load > 0 {
			stream = report.Short(appended) + " points/s"
		}
		for _, l := range []report.Latency{report.LatencyOf(stream, milliseconds),
			report.LatencyOf(stream+", a record alone", floor.plainly), report.LatencyOf(stream+", a transaction alone", floor.committed)} {
			say("%s: p50 %.0f ms, p99 %.0f ms", l.Stream, l.P50, l.P99)
			b.result.Latency = append(b.result.Latency, l)
		}
	}
	return nil
}

// underLoad times alarms, and the floor before each, while other points are appended. It returns the rate of those.
func (f *latencyFlags) underLoad(ctx context.Context, b *bench, h *hegemony, j job, p *process, floor *floor, load int) (list []float64, appended float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.settings.Patience)
	defer cancel()
	a, err := b.newAlarms(ctx, h, j)
	if err != nil {
		return nil, 0, err
	}
	defer a.close()
	start := time.Now()
	count := make(chan int, 1)
	appending, stop := context.WithCancel(ctx)
	defer stop()
	go func() { count <- b.pace(appending, h, j.input, load) }()
	random := rand.New(rand.NewPCG(b.settings.Seed, uint64(load)))
	for range f.LatencyAlarms {
		select {
		case <-time.After(time.Duration(random.Float64() * float64(time.Second))):
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		}
		if err := floor.measure(ctx); err != nil {
			return nil, 0, err
		}
		raised, at, err := a.raise(ctx, h)
		if err != nil {
			return nil, 0, err
		}
		seen, err := a.visible(ctx, p, at)
		if err != nil {
			return nil, 0, err
		}
		list = append(list, float64(seen.Sub(raised).Microseconds())/1000)
	}
	during := time.Since(start).Seconds()
	stop()
	return list, float64(<-count) / during, nil
}

// pace appends ordinary points at a rate, with the current time, until the context ends.
// It returns how many it appended.
func (b *bench) pace(ctx context.Context, h *hegemony, topic string, load int) (count int) {
	if load == 0 {
		return 0
	}
	points := h.Bin(h.Bins() - 1)
	start := time.Now()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return count
		case now := <-tick.C:
			for due := int(now.Sub(start).Seconds() * float64(load)); count < due && ctx.Err() == nil; count++ {
				r := h.record(topic, points[count%len(points)])
				r.Timestamp = now
				b.client.Produce(ctx, r, func(*kgo.Record, error) {}) // a missing one shows in the alarms
			}
		}
	}
}
