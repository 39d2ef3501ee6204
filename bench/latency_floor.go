package main

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/test/transactions"
)

// floor times what no detector can be faster than: a record alone, from its append until a reader sees it, and a record in a
// transaction of its own, until a reader of committed records sees it. An alarm takes both, one after the other.
type floor struct {
	topic         string
	plain, writer *kgo.Client // writer's are in transactions
	reader        *kgo.Client
	plainly       []float64 // milliseconds
	committed     []float64 // milliseconds
}

// newFloor has a topic of its own, with one partition.
func (b *bench) newFloor(ctx context.Context) (f *floor, err error) {
	f = &floor{topic: b.name("floor")}
	if err := b.createTopic(ctx, 1, f.topic); err != nil {
		return nil, err
	}
	if f.plain, err = newClient(b.brokers, kgo.ProducerLinger(0)); err != nil {
		return nil, err
	}
	if f.writer, err = newClient(b.brokers, kgo.ProducerLinger(0), kgo.TransactionalID(f.topic)); err != nil {
		f.plain.Close()
		return nil, err
	}
	if f.reader, err = newClient(b.brokers, append(sightingOptions(f.topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()))...); err != nil {
		f.plain.Close()
		f.writer.Close()
		return nil, err
	}
	return f, nil
}

func (f *floor) close(b *bench) {
	f.plain.Close()
	f.writer.Close()
	f.reader.Close()
	b.deleteTopics(f.topic)
}

// measure times one record of each kind.
func (f *floor) measure(ctx context.Context) error {
	began := time.Now()
	if err := f.plain.ProduceSync(ctx, &kgo.Record{Topic: f.topic}).FirstErr(); err != nil {
		return fmt.Errorf("append a record: %w", err)
	}
	if err := f.seen(ctx, began, &f.plainly); err != nil {
		return err
	}
	began = time.Now()
	err := f.writer.BeginTransaction()
	if err == nil {
		err = f.writer.ProduceSync(ctx, &kgo.Record{Topic: f.topic}).FirstErr()
	}
	if err == nil {
		err = transactions.End(ctx, f.writer, f.topic, kgo.TryCommit)
	}
	if err != nil {
		return fmt.Errorf("append a record in a transaction: %w", err)
	}
	return f.seen(ctx, began, &f.committed)
}

func (f *floor) seen(ctx context.Context, began time.Time, into *[]float64) error {
	for {
		fetches := f.reader.PollFetches(ctx)
		if fetches.NumRecords() > 0 {
			*into = append(*into, float64(time.Since(began).Microseconds())/1000)
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("wait for a record of topic %s: %w", f.topic, ctx.Err())
		}
	}
}
