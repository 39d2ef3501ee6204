package golden

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Read returns all committed records of a topic. It waits until no transaction is open in it: the broker
// marks the partitions of a transaction a little after it has committed.
func Read(topic string, options ...kgo.Opt) ([]*kgo.Record, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client, err := kgo.NewClient(append(options, kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ends, err := settled(ctx, kadm.NewClient(client), topic)
	if err != nil {
		return nil, fmt.Errorf("list the ends of %s: %w", topic, err)
	}
	positions := make(map[int32]kgo.Offset)
	missing := make(map[int32]int64)
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			positions[o.Partition] = kgo.NewOffset().AtStart()
			missing[o.Partition] = o.Offset
		}
	})
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: positions})
	var records []*kgo.Record
	for len(missing) > 0 {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil, fmt.Errorf("read %s to its end: %w", topic, ctx.Err())
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Offset+1 >= missing[r.Partition] {
				delete(missing, r.Partition)
			}
			if !r.Attrs.IsControl() {
				records = append(records, r)
			}
		})
	}
	return records, nil
}

// settled waits until everything in a topic is committed or aborted, and returns the topic's ends.
func settled(ctx context.Context, admin *kadm.Client, topic string) (kadm.ListedOffsets, error) {
	for {
		written, err := admin.ListEndOffsets(ctx, topic)
		if err == nil {
			err = written.Error()
		}
		if err != nil {
			return nil, err
		}
		stable, err := admin.ListCommittedOffsets(ctx, topic)
		if err == nil {
			err = stable.Error()
		}
		if err != nil {
			return nil, err
		}
		open := false
		written.Each(func(o kadm.ListedOffset) {
			end, ok := stable.Lookup(o.Topic, o.Partition)
			open = open || !ok || end.Offset != o.Offset
		})
		if !open {
			return stable, nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return nil, fmt.Errorf("a transaction is still open: %w", ctx.Err())
		}
	}
}
