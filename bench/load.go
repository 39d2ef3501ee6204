package main

import (
	"context"
	"fmt"
	"hash/crc32"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/bench/report"
	"anomalydetector/synthetic"
)

const (
	bin          = 15 * time.Minute
	windowBins   = 72*4 + 1 // a point that is exactly 72 hours old still counts
	longestEvent = 24       // bins; see synthetic
)

// hegemony is a stream like the real one, keyed by scope. It ends now, as a broker takes
// no records from the future.
type hegemony struct {
	*synthetic.Stream
	shape report.Shape // without Points
	start time.Time
}

// newHegemony has one event for ten entities, if the stream is long enough.
func (b *bench) newHegemony(entities, bins int, partitions int32) (*hegemony, error) {
	return b.newHegemonyFrom(time.Now().Truncate(bin).Add(-time.Duration(bins-1)*bin), entities, bins, partitions)
}

// newHegemonyFrom is newHegemony with another first bin.
func (b *bench) newHegemonyFrom(start time.Time, entities, bins int, partitions int32) (*hegemony, error) {
	options := synthetic.Options{Seed: b.settings.Seed, Entities: entities, Bin: bin, Start: start}
	options.HistoryBins = bins / 2
	options.LiveBins = bins - options.HistoryBins
	if options.LiveBins >= longestEvent {
		options.Events = entities / 10
	}
	source, err := synthetic.New(options)
	if err != nil {
		return nil, err
	}
	return &hegemony{Stream: source, start: options.Start,
		shape: report.Shape{Entities: entities, Bins: bins, Partitions: int(partitions)}}, nil
}

// live is about how many of the points are in the windows in the end.
func live(shape report.Shape) int64 {
	return shape.Points * int64(min(shape.Bins, windowBins)) / int64(shape.Bins)
}

func (h *hegemony) partition(scope string) int32 {
	return int32(crc32.ChecksumIEEE([]byte(scope)) % uint32(h.shape.Partitions))
}

// record is a datapoint as a record of a topic.
func (h *hegemony) record(topic string, point synthetic.Datapoint) *kgo.Record {
	scope, _, _ := strings.Cut(point.Entity, ",")
	return &kgo.Record{Topic: topic, Partition: h.partition(scope), Key: []byte(scope), Value: point.Payload,
		Timestamp: time.UnixMilli(point.At)}
}

// load appends the bins from <= i < until, and returns how many points they have.
func (b *bench) load(ctx context.Context, h *hegemony, topic string, from, until int) (int64, error) {
	return b.loadWith(ctx, b.client, h, topic, from, until)
}

// loadWith is load with a client that may be in a transaction.
func (b *bench) loadWith(ctx context.Context, client *kgo.Client, h *hegemony, topic string, from, until int) (int64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	bins := make(chan []synthetic.Datapoint, 2) // made while earlier ones are sent
	go func() {
		defer close(bins)
		for i := from; i < until; i++ {
			select {
			case bins <- h.Bin(i):
			case <-ctx.Done():
				return
			}
		}
	}()
	sent := sending{client: client, cancel: cancel}
	var count int64
	for points := range bins {
		for _, point := range points {
			sent.add(ctx, h.record(topic, point))
			count++
		}
	}
	if err := sent.end(ctx); err != nil {
		return count, fmt.Errorf("load %s: %w", topic, err)
	}
	return count, nil
}

// sending collects the first failure of records that are being sent.
type sending struct {
	client *kgo.Client
	cancel func() // is called at the first failure
	once   sync.Once
	err    error
}

func (l *sending) add(ctx context.Context, r *kgo.Record) {
	l.client.Produce(ctx, r, func(_ *kgo.Record, err error) {
		if err != nil {
			l.once.Do(func() { l.err = err; l.cancel() })
		}
	})
}

// end waits until all records are written, and returns the first failure.
func (l *sending) end(ctx context.Context) error {
	flushed := l.client.Flush(ctx)
	l.once.Do(func() { l.err = flushed })
	if l.err == nil {
		l.err = ctx.Err()
	}
	return l.err
}

// fill makes a topic, and appends the whole stream.
func (b *bench) fill(ctx context.Context, name string, entities, bins int, partitions int32) (string, *hegemony, error) {
	h, err := b.newHegemony(entities, bins, partitions)
	if err != nil {
		return "", nil, err
	}
	topic, err := b.fillWith(ctx, name, h)
	return topic, h, err
}

// fillWith makes a topic, and appends the whole of a stream. It counts the stream's points.
func (b *bench) fillWith(ctx context.Context, name string, h *hegemony) (topic string, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.settings.Patience)
	defer cancel()
	topic = b.name(name)
	if err := b.createTopic(ctx, int32(h.shape.Partitions), topic); err != nil {
		return "", err
	}
	start := time.Now()
	if h.shape.Points, err = b.load(ctx, h, topic, 0, h.shape.Bins); err != nil {
		return "", err
	}
	say("%s: %s points of %d entities in %d bins, loaded in %.1f s (%s/s)", topic, report.Short(float64(h.shape.Points)), h.shape.Entities, h.shape.Bins,
		time.Since(start).Seconds(), report.Short(float64(h.shape.Points)/time.Since(start).Seconds()))
	return topic, nil
}
