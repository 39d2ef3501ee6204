package stream

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"anomalydetector/test/transactions"
)

// Check reads at most 20 committed records, the last ones of all partitions.
func TestCheckReadsTheLastRecords(t *testing.T) {
	good := func(n int) (values []string) {
		for i := range n {
			values = append(values, fmt.Sprintf("entity %d", i))
		}
		return values
	}
	for name, c := range map[string]struct {
		values                 []string // of records, by turns in each of two partitions
		aborted                int      // records of an aborted transaction after them
		fact, warning, problem string
	}{
		"an empty topic":      {fact: "topic in has no records at its end"},
		"few records":         {values: good(3), fact: "3 of the last 3 records of topic in can be read, such as entity entity 0"},
		"many records":        {values: good(70), fact: "20 of the last 20 records of topic in can be read, such as entity entity 50"},
		"aborted records":     {values: good(3), aborted: 30, fact: "3 of the last 3 records of topic in can be read"},
		"only aborted":        {aborted: 2, fact: "topic in has no records at its end"},
		"none can be read":    {values: []string{"bad", "bad"}, problem: "0 of the last 2 records of topic in can be read; the first that cannot: it is bad (partition 0, offset 0)"},
		"one cannot be read":  {values: []string{"a", "b", "bad"}, fact: "2 of the last 3 records", warning: "1 of the last 3 records of topic in cannot be read; the first: it is bad (partition 0, offset 1)"},
		"a bad one long past": {values: append([]string{"bad"}, good(20)...), fact: "20 of the last 20 records"},
	} {
		t.Run(name, func(t *testing.T) {
			cluster, config := testConfig(t)
			config.DeadLetterTopic = ""
			must(t, cluster.CreateTopic("in", 2, nil))
			must(t, cluster.CreateTopic("out", 1, map[string]string{"retention.ms": "-1"}))
			ctx := context.Background()
			client, err := kgo.NewClient(kgo.SeedBrokers(config.Brokers...), kgo.DefaultProduceTopic("in"), kgo.RecordPartitioner(kgo.ManualPartitioner()),
				kgo.TransactionalID("writer"))
			must(t, err)
			defer client.Close()
			begin := config.now().Truncate(time.Second)
			write := func(end kgo.TransactionEndTry, values ...string) {
				must(t, client.BeginTransaction())
				for i, value := range values {
					must(t, client.ProduceSync(ctx, &kgo.Record{Partition: int32(i % 2), Timestamp: begin.Add(time.Duration(i) * time.Millisecond), Value: []byte(value)}).FirstErr())
				}
				must(t, transactions.End(ctx, client, "in", end))
			}
			if len(c.values) > 0 {
				write(kgo.TryCommit, c.values...)
			}
			if c.aborted > 0 {
				write(kgo.TryAbort, good(c.aborted)...)
			}
			found := Check(ctx, config, Wanted{Read: func(_ int64, payload []byte) (string, error) {
				if strings.HasPrefix(string(payload), "bad") {
					return "", errors.New("it is bad")
				}
				return string(payload), nil
			}})
			if !has(found.Facts, c.fact) || c.warning == "" != (len(found.Warnings) == 0) || c.warning != "" && !has(found.Warnings, c.warning) ||
				c.problem == "" != (len(found.Problems) == 0) || c.problem != "" && !has(found.Problems, c.problem) {
				t.Errorf("found %q; want %q, %q, %q", found, c.fact, c.warning, c.problem)
			}
		})
	}
}

// Records that do not arrive in time may still be there.
func TestCheckDoesNotTakeASlowTopicForAnEmptyOne(t *testing.T) {
	cluster, config := testConfig(t)
	config.DeadLetterTopic = ""
	must(t, cluster.CreateTopic("in", 1, nil))
	client, err := kgo.NewClient(kgo.SeedBrokers(config.Brokers...), kgo.DefaultProduceTopic("in"))
	must(t, err)
	defer client.Close()
	must(t, client.ProduceSync(context.Background(), &kgo.Record{Value: []byte("v")}).FirstErr())
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: "in", Err: kerr.NotLeaderForPartition, Count: -1})
	found := Check(context.Background(), config, Wanted{Read: func(int64, []byte) (string, error) { return "", nil }})
	if !has(found.Warnings, "the last records of topic in could not be fetched") || has(found.Facts, "no records") || len(found.Problems) > 0 {
		t.Errorf("found %q", found)
	}
}
