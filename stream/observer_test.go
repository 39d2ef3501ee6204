package stream

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// observed is a configuration with an observer.
func observed(t *testing.T) (*Observer, Config) {
	t.Helper()
	cluster, config := testConfig(t)
	must(t, cluster.CreateTopic("in", 1, nil))
	config.Observer = NewObserver("in", time.Now)
	return config.Observer, config
}

// look opens a session, and looks from an offset of partition 0.
func look(t *testing.T, config Config, from int64) Ends {
	t.Helper()
	session, err := Open(context.Background(), config)
	must(t, err)
	defer session.Close(true)
	ends, err := config.Observer.Look(context.Background(), map[int32]int64{0: from})
	must(t, err)
	return ends[0]
}

// Look passes over markers and aborted records, and over nothing that can be read.
func TestMarkersAndAbortedRecordsArePassed(t *testing.T) {
	_, config := observed(t)
	transactional(t, config, kgo.TryCommit, 1000, 5) // 0-4, marker 5
	transactional(t, config, kgo.TryAbort, 2000, 5)  // 6-10, marker 11
	for from, passed := range map[int64]int64{0: 0, 4: 4, 5: 12, 6: 12, 11: 12} {
		if end := look(t, config, from); end != (Ends{End: 12, Stable: 12, Passed: passed}) {
			t.Errorf("from offset %d: %+v, want passed up to %d", from, end, passed)
		}
	}
	transactional(t, config, kgo.TryCommit, 3000, 1) // 12, marker 13
	if end := look(t, config, 5); end.Passed != 12 || end.End != 14 {
		t.Errorf("with another record at 12: %+v", end)
	}
}

// Look names the producer that holds the transaction open.
func TestOpenTransactionIsReportedWithItsProducer(t *testing.T) {
	_, config := observed(t)
	transactional(t, config, kgo.TryCommit, 1000, 3) // 0-2, marker 3
	writer, err := kgo.NewClient(kgo.SeedBrokers(config.Brokers...), kgo.TransactionalID("late"), kgo.DefaultProduceTopic("in"))
	must(t, err)
	defer writer.Close()
	must(t, writer.BeginTransaction())
	must(t, writer.ProduceSync(context.Background(), &kgo.Record{Value: []byte("v")}, &kgo.Record{Value: []byte("v")}).FirstErr())
	end := look(t, config, 3)
	if end.End != 6 || end.Stable != 4 || end.Passed != 4 || end.Writer == "" {
		t.Errorf("%+v, want it to end at 6, to be stable and passed up to 4, and the writer's name", end)
	}
}

// The observer finds each activity and Kafka's name of the error in the library's own log lines.
func TestObserverHearsErrorsInTheLibraryLog(t *testing.T) {
	for name, c := range map[string]struct {
		purpose, message string
		keyvals          []any
		activity         Activity
		want             string // empty: nothing is heard
	}{
		"a retried batch": {"session", "produced", []any{"broker", "1", "to", "out[0{retrying@-1,1(NOT_ENOUGH_REPLICAS: Messages are rejected)}]"},
			Writing, "NOT_ENOUGH_REPLICAS"},
		"a written batch":     {"session", "produced", []any{"broker", "1", "to", "out[0{0=>1}]"}, Writing, ""},
		"a refused join":      {"session", "join group failed", []any{"group", "g", "err", kerr.GroupAuthorizationFailed}, Joining, "GROUP_AUTHORIZATION_FAILED"},
		"a retried request":   {"session", "retrying request", []any{"request", "EndTxn", "request_error", nil, "response_error", kerr.NotCoordinator}, Ending, "NOT_COORDINATOR"},
		"a stripped fetch":    {"session", "fetch stripped partitions", []any{"why", "KAFKA_STORAGE_ERROR{in[0]}"}, Reading, "KAFKA_STORAGE_ERROR"},
		"one of the history":  {"history", "fetch stripped partitions", []any{"why", "KAFKA_STORAGE_ERROR{in[0]}"}, Replaying, "KAFKA_STORAGE_ERROR"},
		"a message":           {"session", "EndTxn failed with CONCURRENT_TRANSACTIONS, backing off", []any{"tries", 3}, Ending, "CONCURRENT_TRANSACTIONS"},
		"a rebalance":         {"session", "heartbeat errored", []any{"err", kerr.RebalanceInProgress}, Joining, ""},
		"the end of a client": {"session", "read from broker errored", []any{"err", fmt.Errorf("read: %w", context.Canceled)}, Reaching, ""},
		"a broken connection": {"session", "unable to open connection to broker", []any{"addr", "x", "err", errors.New("refused")}, Reaching, ""},
	} {
		o := NewObserver("in", time.Now)
		begin := time.Now()
		o.hear(c.purpose, c.message, c.keyvals)
		trouble, found := o.Last(begin, c.activity)
		if trouble.Name != c.want || c.want != "" && !found {
			t.Errorf("%s is heard as %+v, %t", name, trouble, found)
		}
	}
}

// A broker's error goes before a connection that broke afterwards.
func TestBrokerErrorGoesBeforeABrokenConnection(t *testing.T) {
	o := NewObserver("in", time.Now)
	begin := time.Now()
	o.note(Writing, kerr.NotEnoughReplicas)
	o.note(Reaching, errors.New("connection reset"))
	if trouble, _ := o.Last(begin, Writing, Reaching); trouble.Name != "NOT_ENOUGH_REPLICAS" || trouble.Final {
		t.Errorf("%+v", trouble)
	}
	if trouble, found := o.Last(begin.Add(time.Hour), Writing); found {
		t.Errorf("an old error is told: %+v", trouble)
	}
	o.note(Writing, kerr.TopicAuthorizationFailed)
	if trouble, _ := o.Last(begin, Writing); !trouble.Final {
		t.Errorf("waiting helps against %+v?", trouble)
	}
}

// A configuration without an observer works.
func TestConfigWithoutObserverWorks(t *testing.T) {
	var o *Observer
	o.note(Reading, kerr.NotLeaderForPartition)
	o.opened(nil)
	o.admit(true)
	o.closed(nil)
	if o.attending() {
		t.Error("it attends")
	}
}

// A fetch that fails for ever is not the end of the topic.
func TestHistoryThatCannotBeReadIsNotTakenForEmpty(t *testing.T) {
	cluster, config := testConfig(t)
	must(t, cluster.CreateTopic("in", 1, nil))
	transactional(t, config, kgo.TryCommit, 1000, 5)
	end := cluster.PartitionInfo("in", 0).HighWatermark
	fault := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.KafkaStorageError, Count: -1})
	history := NewHistory(config)
	defer func() { must(t, history.Close()) }()
	ended := func(next int64) (bool, error) {
		r, err := history.readers.take(Span{}, next)
		must(t, err)
		defer r.client.Close()
		return history.nothingLeft(context.Background(), r, Span{}, end)
	}
	if ended, err := ended(0); ended || err != nil {
		t.Errorf("the history ended, it is said: %t, %v", ended, err)
	}
	fault.Remove()
	for next, want := range map[int64]bool{0: false, 4: false, 5: true} { // at 5 is the marker
		if ended, err := ended(next); ended != want || err != nil {
			t.Errorf("from offset %d: ended %t, %v; want %t", next, ended, err, want)
		}
	}
}

// The member counts as out although the group lets it in each time.
func TestMemberThatIsPutOutRepeatedlyCountsAsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := NewObserver("in", time.Now)
		if o.Out() {
			t.Error("out without a session")
		}
		o.admit(false)
		o.opened(&Session{})
		for second := range 60 {
			if second%2 == 0 {
				o.put(kerr.GroupAuthorizationFailed)
			} else {
				o.admit(true)
			}
			if !o.Out() {
				t.Fatalf("in after %d s", second)
			}
			time.Sleep(time.Second)
		}
		o.admit(true)
		time.Sleep(rejoins)
		if o.Out() {
			t.Error("out after it has stayed in")
		}
	})
}
