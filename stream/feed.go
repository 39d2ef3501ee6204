package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// AnyPartition is the partition of a record whose key decides.
const AnyPartition = -1

// Feed writes old records into a topic, with their own times, outside of any transaction.
type Feed struct {
	Partitions int32
	// Retention is how long the topic keeps a record, counted from the record's own time; 0: unknown. It may be Unlimited.
	Retention time.Duration

	client  *kgo.Client
	topic   string
	written atomic.Int64

	mu     sync.Mutex
	failed error // the first write that failed
}

// ErrHasRecords is in the error of an OpenFeed whose topic has records.
var ErrHasRecords = errors.New("the topic has records")

// OpenFeed opens the input topic of a configuration for writing. If the topic is missing, it is created, and keeps its records for
// ever: their own times may be older than any retention. A topic that would replace the records' times by its own is refused. So is
// one that has records, unless more may be added.
func OpenFeed(ctx context.Context, config Config, more bool) (*Feed, error) {
	f := &Feed{topic: config.InputTopic}
	client, err := kgo.NewClient(append(config.client("feed"), kgo.DefaultProduceTopic(f.topic), kgo.RecordPartitioner(kgo.BasicConsistentPartitioner(namedOrByKey)))...)
	if err != nil {
		return nil, fmt.Errorf("create Kafka client: %w", err)
	}
	f.client = client
	if err := f.prepare(ctx, config, more); err != nil {
		client.Close()
		return nil, Explain(ctx, config, err)
	}
	return f, nil
}

func (f *Feed) prepare(ctx context.Context, config Config, more bool) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	admin := kadm.NewClient(f.client)
	topics, err := admin.ListTopics(ctx, f.topic)
	if err != nil {
		return fmt.Errorf("reach a broker of %v: %w", config.Brokers, err)
	}
	if !topics.Has(f.topic) {
		config.Retention = Unlimited
		if err := config.create(ctx, admin, f.topic, making{outputPartitions, config.madeWith(nil), nil}); err != nil {
			return fmt.Errorf("create topic %s: %w", f.topic, err)
		}
	}
	about := config.describe(ctx, admin, f.topic)[f.topic]
	if about.value("message.timestamp.type") == "LogAppendTime" {
		return fmt.Errorf("topic %s gives each record the time at which it arrives (message.timestamp.type = LogAppendTime): want CreateTime", f.topic)
	}
	f.Retention = about.retention()
	all, err := boundsOf(ctx, admin, f.topic)
	for errors.Is(err, kerr.UnknownTopicOrPartition) && ctx.Err() == nil { // not all brokers know a new topic at once
		pause(ctx, 100*time.Millisecond)
		all, err = boundsOf(ctx, admin, f.topic)
	}
	if err != nil {
		return fmt.Errorf("ask for the offsets of topic %s: %w", f.topic, err)
	}
	f.Partitions = int32(len(all))
	for _, bound := range all {
		if !more && bound.first < bound.end {
			return fmt.Errorf("%w: %s", ErrHasRecords, f.topic)
		}
	}
	return nil
}

// Write writes a record into its partition, or into that of its key if the partition is AnyPartition. It waits if too much is
// on its way. Its error may be that of an earlier record.
func (f *Feed) Write(ctx context.Context, record *kgo.Record) error {
	f.client.Produce(ctx, record, func(record *kgo.Record, err error) {
		if err == nil {
			f.written.Add(1)
			return
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.failed == nil {
			f.failed = fmt.Errorf("write a record at %s into topic %s: %w", record.Timestamp.UTC().Format(time.RFC3339), f.topic, err)
		}
	})
	return f.failure()
}

// Written is how many records the topic has taken.
func (f *Feed) Written() int64 { return f.written.Load() }

func (f *Feed) failure() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed
}

// Flush waits until all records are written.
func (f *Feed) Flush(ctx context.Context) error {
	if err := f.client.Flush(ctx); err != nil {
		return fmt.Errorf("wait until topic %s has all records: %w", f.topic, err)
	}
	return f.failure()
}

// Close closes the connections.
func (f *Feed) Close() { f.client.Close() }

// namedOrByKey chooses the partition that a record names, or else the one that Kafka's own producers choose for its key.
func namedOrByKey(topic string) func(*kgo.Record, int) int {
	byKey := kgo.StickyKeyPartitioner(nil).ForTopic(topic)
	return func(record *kgo.Record, partitions int) int {
		if record.Partition != AnyPartition {
			return int(record.Partition)
		}
		return byKey.Partition(record, partitions)
	}
}
