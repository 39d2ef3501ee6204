// Package transactions ends the transactions that tests and benchmarks write. It imports nothing of this project.
package transactions

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// End ends a transaction of a client that has written to a topic, and has flushed.
//
// The client's own EndTransaction aborts the first transaction and returns no error if it comes too early (franz-go v1.22.2 and
// v1.22.3). It looks for partitions with acknowledged records among those it has stored, but sends the first records of a
// topic before it stores the topic's partitions. End waits until it has stored them. A transaction with offsets of a
// consumer group, such as the detector's, needs no such care.
func End(ctx context.Context, client *kgo.Client, topic string, end kgo.TransactionEndTry) error {
	for {
		leader, _, err := client.PartitionLeader(topic, 0)
		if leader >= 0 || err != nil { // it has stored that the partition has no leader
			return client.EndTransaction(ctx, end)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the client has not heard of topic %s: %w", topic, ctx.Err())
		case <-time.After(time.Millisecond):
		}
	}
}
