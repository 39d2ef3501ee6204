package stream

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// CheckAccess asks the broker for permissions that a session would miss only after it is open. It changes
// nothing: it asks for things that do not exist, and a broker looks at the permission first. Its error is one of
// a permission; if the broker does not tell for another reason, it returns nil, and the session meets that.
func CheckAccess(ctx context.Context, config Config) error {
	client, err := kgo.NewClient(config.client("topics")...)
	if err != nil {
		return fmt.Errorf("create Kafka client: %w", err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	err = config.groupAccess(ctx, client)
	if err == nil {
		err = config.transactionAccess(ctx, client)
	}
	config.Observer.note(Opening, err)
	return err
}

// groupAccess asks for the permission Read on the group, with a heartbeat of a member that does not exist.
func (c Config) groupAccess(ctx context.Context, client *kgo.Client) error {
	request := kmsg.NewPtrHeartbeatRequest()
	request.Group, request.Generation, request.MemberID = c.Group, -1, Program+"-check"
	answer, err := request.RequestWith(ctx, client)
	if err == nil {
		err = kerr.ErrorForCode(answer.ErrorCode)
	}
	if errors.Is(err, kerr.GroupAuthorizationFailed) {
		return fmt.Errorf("group %s: %w", c.Group, err)
	}
	return nil
}

// transactionAccess asks for the permission Write on the transactional ids, by ending transactions of a
// producer that does not exist.
func (c Config) transactionAccess(ctx context.Context, client *kgo.Client) error {
	for _, id := range []string{c.transactionalID(), c.isolationID()} {
		request := kmsg.NewPtrEndTxnRequest()
		request.TransactionalID, request.ProducerID = id, math.MaxInt64
		answer, err := request.RequestWith(ctx, client)
		if err == nil {
			err = kerr.ErrorForCode(answer.ErrorCode)
		}
		if errors.Is(err, kerr.TransactionalIDAuthorizationFailed) {
			return fmt.Errorf("transactional id %s: %w", id, err)
		}
	}
	return nil
}
