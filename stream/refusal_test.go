package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
)

// The broker's own words name neither the key of the configuration nor the permission.
func TestBrokerRefusalSaysWhatToDo(t *testing.T) {
	config := Config{Group: "g", Member: "m", Timing: DefaultTiming(), Log: slog.New(slog.DiscardHandler), Brokers: []string{"127.0.0.1:1"}}
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // no broker to ask
	for refusal, says := range map[error]string{
		kerr.SaslAuthenticationFailed:           "[kafka] sasl_username with the password in sasl_password_file; the file is read again",
		kerr.GroupAuthorizationFailed:           "the permission Read on the group g",
		kerr.TransactionalIDAuthorizationFailed: "the permissions Write and Describe on transactional ids that begin with g.",
		kerr.ClusterAuthorizationFailed:         "the permission IdempotentWrite on the cluster",
		kerr.InvalidSessionTimeout:              "[kafka] session_timeout is 15s, and the broker takes what its settings group.min.session.timeout.ms and",
		kerr.InvalidTransactionTimeout:          "[kafka] transaction_timeout is 20s, and the broker takes no more than its setting transaction.max.timeout.ms allows",
	} {
		err := Explain(ctx, config, fmt.Errorf("open: %w", refusal))
		if !errors.Is(err, refusal) || !strings.Contains(err.Error(), says) {
			t.Errorf("it says\n%v\nwant\n%s", err, says)
		}
	}
	if other := errors.New("other"); Explain(ctx, config, other) != other {
		t.Error("another error is not as it was")
	}
}

// The watch and a start give the same advice on what the broker does not allow.
func TestWatchAndStartGiveTheSameAdvice(t *testing.T) {
	config := Config{Group: "g", InputTopic: "in", OutputTopic: "out", Log: slog.New(slog.DiscardHandler)}
	for _, refusal := range []*kerr.Error{kerr.SaslAuthenticationFailed, kerr.GroupAuthorizationFailed, kerr.TransactionalIDAuthorizationFailed} {
		advice := config.names().Advice(refusal.Message)
		if err := Explain(context.Background(), config, refusal); advice == "" || !strings.Contains(err.Error(), advice) {
			t.Errorf("the start says %v, the watch %q", err, advice)
		}
	}
}
