package main

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func newClient(brokers string, options ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(brokers),
		kgo.AlwaysRetryEOF(),                       // brokers are restarted
		kgo.MetadataMinAge(100 * time.Millisecond), // topics are new
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.SnappyCompression()),
		kgo.ProducerBatchMaxBytes(1 << 20),
		kgo.MaxBufferedRecords(1 << 18),
	}, options...)...)
}

// newLoader is a client for transactions. Readers see all records of a transaction at
// once, when it commits.
func (b *bench) newLoader(name string) (*kgo.Client, error) {
	return newClient(b.brokers, kgo.TransactionalID(name), kgo.TransactionTimeout(10*time.Minute)) // a broker allows 15
}

// createTopic makes a topic that keeps records with old timestamps, and does not begin a
// segment for each week of them.
func (b *bench) createTopic(ctx context.Context, partitions int32, names ...string) error {
	config := map[string]*string{
		"retention.ms":      kadm.StringPtr("-1"),
		"retention.bytes":   kadm.StringPtr("-1"),
		"segment.ms":        kadm.StringPtr("9223372036854775807"),
		"segment.bytes":     kadm.StringPtr("1073741824"),
		"max.message.bytes": kadm.StringPtr("2097152"),
	}
	made, err := b.admin.CreateTopics(ctx, partitions, 1, config, names...)
	if err == nil {
		err = made.Error()
	}
	if err != nil {
		return fmt.Errorf("create topics %v: %w", names, err)
	}
	return nil
}

// createRolling makes a topic with small segments, so that the broker drops the files of
// deleted records early.
func (b *bench) createRolling(ctx context.Context, partitions int32, name string) error {
	if err := b.createTopic(ctx, partitions, name); err != nil {
		return err
	}
	_, err := b.admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{
		{Op: kadm.SetConfig, Name: "segment.bytes", Value: kadm.StringPtr("16777216")},
		{Op: kadm.SetConfig, Name: "file.delete.delay.ms", Value: kadm.StringPtr("1000")},
	}, name)
	return err
}

// deleteTopics removes the topics with these names or prefixes, to save disk space.
func (b *bench) deleteTopics(beginnings ...string) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	topics, err := b.admin.ListTopics(ctx)
	if err != nil {
		return
	}
	var old []string
	for _, name := range topics.Names() {
		for _, beginning := range beginnings {
			if name == beginning || len(name) > len(beginning) && name[:len(beginning)+1] == beginning+"-" {
				old = append(old, name)
			}
		}
	}
	if len(old) > 0 {
		_, _ = b.admin.DeleteTopics(ctx, old...) // removed with the broker's folder otherwise
	}
}

// committed is how many records of a topic the group has committed.
func (b *bench) committed(ctx context.Context, group, topic string) int64 {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	offsets, err := b.admin.FetchOffsets(ctx, group)
	if err != nil {
		return 0 // the coordinator is still starting; the caller asks again
	}
	var sum int64
	for _, o := range offsets[topic] {
		if o.Err == nil {
			sum += max(0, o.At)
		}
	}
	return sum
}

// setOffsets commits offsets for a group that has no members.
func (b *bench) setOffsets(ctx context.Context, group, topic string, offsets map[int32]int64) error {
	list := make(kadm.Offsets)
	for partition, at := range offsets {
		list.AddOffset(topic, partition, at, -1)
	}
	return b.admin.CommitAllOffsets(ctx, group, list)
}
