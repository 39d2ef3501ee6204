package stream

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The client does not know whether the batch was written, and so tries for ever.
func TestDeletedOutputTopicIsNoticedThoughTheClientIsSilent(t *testing.T) {
	cluster, session := joined(t, 1, func(c *Config) { c.Timing.Transaction = 2 * time.Second }) // it does not look earlier
	must(t, cluster.CreateTopic("out", 1, nil))
	must(t, cluster.CreateTopic("bad", 1, nil))
	fault := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "out", Err: kerr.RequestTimedOut, Count: -1})
	session.Produce(&kgo.Record{Topic: "out", Key: []byte("k"), Value: []byte("v")})
	must(t, fault.Wait(t.Context(), 1))
	_, err := kadm.NewClient(session.client).DeleteTopics(context.Background(), "out")
	must(t, err)
	if err := session.Flush(context.Background()); !gone(err) {
		t.Errorf("the flush ended with: %v", err)
	}
	if _, err := session.End(context.Background(), false); !gone(err) {
		t.Errorf("the transaction ended with: %v", err)
	}
}
