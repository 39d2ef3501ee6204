package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Fence aborts the transaction that a member left open, and returns whether there was one. Until the broker's
// timeout such a transaction holds back the readers of the output and the members that take over the
// partitions. The next process of the same name would abort it in the same way. If the member is alive after
// all, it cannot commit any more and opens a new session.
func (g *Group) Fence(ctx context.Context, member string) (fenced bool, err error) {
	config := g.config
	config.Member = member
	id := config.transactionalID()
	described, err := g.admin.DescribeTransactions(ctx, id)
	if err == nil {
		err = described[id].Err
	}
	if errors.Is(err, kerr.TransactionalIDNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at the transaction of %s: %w", id, err)
	}
	if described[id].State != "Ongoing" {
		return false, nil
	}
	client, err := kgo.NewClient(append(config.client("fence"),
		kgo.TransactionalID(id), kgo.TransactionTimeout(config.Timing.Transaction))...)
	if err != nil {
		return false, err
	}
	defer client.Close()
	if _, _, err := client.ProducerID(ctx); err != nil {
		return false, fmt.Errorf("end the transaction of %s: %w", id, err)
	}
	return true, nil
}
