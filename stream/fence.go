package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Fence aborts the transaction that a member has left open, if there is one, as
// the next process of its name would: until it times out it holds back the readers
// of the output, and those who take over its partitions. A member that is alive
// after all cannot commit any more, and begins anew.
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
