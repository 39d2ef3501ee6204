package stream

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"anomalydetector/messages"
	"anomalydetector/test/transactions"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func testConfig(t *testing.T, options ...kfake.Opt) (*kfake.Cluster, Config) {
	t.Helper()
	cluster, err := Embedded(options...)
	must(t, err)
	t.Cleanup(cluster.Close)
	return cluster, Config{
		Brokers: cluster.ListenAddrs(), Log: slog.New(slog.DiscardHandler), InputTopic: "in", OutputTopic: "out",
		DeadLetterTopic: "bad", Group: "group", Member: "one", Timing: DefaultTiming(),
	}
}

func TestMissingOutputTopicIsCreatedAndAnExistingOneLeftAlone(t *testing.T) {
	cluster, config := testConfig(t)
	must(t, cluster.CreateTopic("in", 1, nil))
	must(t, cluster.CreateTopic("out", 3, nil))
	for range 2 {
		must(t, PrepareTopics(context.Background(), config))
	}
	for topic, want := range map[string]int{"out": 3, "bad": outputPartitions} {
		if got := len(cluster.PartitionInfos(topic)); got != want {
			t.Errorf("topic %s has %d partitions, want %d", topic, got, want)
		}
	}
}

func TestMissingInputTopicIsAnErrorAndCreatesNothing(t *testing.T) {
	cluster, config := testConfig(t)
	if err := PrepareTopics(context.Background(), config); err == nil {
		t.Error("no error without an input topic")
	}
	if got := len(cluster.PartitionInfos("out")); got != 0 {
		t.Errorf("the output topic was made, with %d partitions", got)
	}
}

// transactional writes a committed or aborted transaction to the input topic.
func transactional(t *testing.T, config Config, commit kgo.TransactionEndTry, at int64, count int) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(config.Brokers...), kgo.TransactionalID("upstream"), kgo.DefaultProduceTopic("in"))
	must(t, err)
	defer client.Close()
	must(t, client.BeginTransaction())
	for range count {
		client.Produce(context.Background(), &kgo.Record{Timestamp: time.UnixMilli(at), Value: []byte("v")}, nil)
	}
	must(t, client.Flush(context.Background()))
	must(t, transactions.End(context.Background(), client, "in", commit))
}

// readAll returns how many records a span has, and their completeness watermark.
func readAll(t *testing.T, config Config, span Span) (records int, completeFrom int64) {
	t.Helper()
	completeFrom, err := NewHistory(config).Read(context.Background(), span, func(run Replayed) error {
		records += len(run.Records)
		return nil
	})
	must(t, err)
	return records, completeFrom
}

// The last offset before Until is a control record. Aborted records are not part of the history.
func TestHistoryOfATransactionalTopicEnds(t *testing.T) {
	cluster, config := testConfig(t)
	must(t, cluster.CreateTopic("in", 1, nil))
	transactional(t, config, kgo.TryCommit, 1000, 5)
	transactional(t, config, kgo.TryAbort, 2000, 5)
	end := cluster.PartitionInfo("in", 0).HighWatermark
	records, completeFrom := readAll(t, config, Span{From: -1, Until: end, Length: time.Hour, Slack: time.Hour, CompleteAt: 1 << 60})
	if records != 5 || completeFrom != Complete {
		t.Errorf("%d records, complete from %d; want the 5 committed ones, complete", records, completeFrom)
	}
}

// The time that counts is that of the record at Until, not the newest one.
func TestHistoryBeginsWhereTheRecordAtItsEndNeedsIt(t *testing.T) {
	cluster, config := testConfig(t)
	must(t, cluster.CreateTopic("in", 1, nil))
	client, err := kgo.NewClient(kgo.SeedBrokers(config.Brokers...), kgo.DefaultProduceTopic("in"))
	must(t, err)
	defer client.Close()
	hour := time.Hour.Milliseconds()
	for i := range int64(100) {
		must(t, client.ProduceSync(context.Background(), &kgo.Record{Timestamp: time.UnixMilli(1_600_000_000_000 + i*hour), Value: []byte("v")}).FirstErr())
	}
	first := int64(1_600_000_000_000)
	for name, c := range map[string]struct {
		span         Span
		records      int
		completeFrom int64
	}{
		"in the middle":       {Span{From: -1, Until: 50, Length: 10 * time.Hour, Slack: time.Hour, CompleteAt: 1 << 60}, 11, first + 49*hour},
		"at the end":          {Span{From: -1, Until: 100, Length: 10 * time.Hour, Slack: time.Hour, CompleteAt: 1 << 60}, 12, first + 98*hour},
		"for a late record":   {Span{From: -1, Until: 50, Length: 10 * time.Hour, Slack: time.Hour, CompleteAt: first + 30*hour}, 30, first + 30*hour},
		"the whole topic":     {Span{From: -1, Until: 5, Length: 10 * time.Hour, Slack: time.Hour, CompleteAt: 1 << 60}, 5, Complete},
		"from where it ended": {Span{From: 40, Until: 50, Length: 10 * time.Hour, Slack: time.Hour, CompleteAt: 1 << 60}, 10, Complete},
		"nothing":             {Span{From: -1, Until: 0, Length: time.Hour, Slack: time.Hour, CompleteAt: 1 << 60}, 0, Complete},
	} {
		if records, completeFrom := readAll(t, config, c.span); records != c.records || completeFrom != c.completeFrom {
			t.Errorf("%s: %d records, complete from %d; want %d, from %d", name, records, completeFrom, c.records, c.completeFrom)
		}
	}
}

// A real broker (4.1) finds no offset after a part of a segment was deleted. If the history then began at the
// end, it would have no points and still claim to be complete.
func TestHistoryIsReadThoughTheBrokerFindsNoOffsetForItsTime(t *testing.T) {
	cluster, config := testConfig(t)
	must(t, cluster.CreateTopic("in", 1, nil))
	client, err := kgo.NewClient(kgo.SeedBrokers(config.Brokers...), kgo.DefaultProduceTopic("in"))
	must(t, err)
	defer client.Close()
	first, hour := int64(1_600_000_000_000), time.Hour.Milliseconds()
	for i := range int64(20) {
		must(t, client.ProduceSync(context.Background(), &kgo.Record{Timestamp: time.UnixMilli(first + i*hour), Value: []byte("v")}).FirstErr())
	}
	cluster.ControlKey(int16(kmsg.ListOffsets), func(request kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		asked := request.(*kmsg.ListOffsetsRequest)
		if len(asked.Topics) != 1 || len(asked.Topics[0].Partitions) != 1 || asked.Topics[0].Partitions[0].Timestamp < 0 {
			return nil, nil, false
		}
		none := kmsg.NewListOffsetsResponseTopicPartition()
		none.Offset, none.Timestamp = -1, -1
		answered := kmsg.NewListOffsetsResponseTopic()
		answered.Topic, answered.Partitions = asked.Topics[0].Topic, []kmsg.ListOffsetsResponseTopicPartition{none}
		answer := request.ResponseKind().(*kmsg.ListOffsetsResponse)
		answer.Topics = append(answer.Topics, answered)
		return answer, nil, true
	})
	records, completeFrom := readAll(t, config, Span{From: -1, Until: 15, Length: 10 * time.Hour, Slack: time.Hour, CompleteAt: 1 << 60})
	if records != 15 || completeFrom != Complete {
		t.Errorf("%d records, complete from %d; want all 15 that the topic has before the end", records, completeFrom)
	}
}

// joined opens a session that has been assigned the one partition of its topic, which holds some records.
func joined(t *testing.T, records int, change ...func(*Config)) (*kfake.Cluster, *Session) {
	t.Helper()
	cluster, config := testConfig(t)
	for _, change := range change {
		change(&config)
	}
	must(t, cluster.CreateTopic("in", 1, nil))
	client, err := kgo.NewClient(kgo.SeedBrokers(config.Brokers...), kgo.DefaultProduceTopic("in"))
	must(t, err)
	defer client.Close()
	for range records {
		must(t, client.ProduceSync(context.Background(), &kgo.Record{Value: []byte("v")}).FirstErr())
	}
	session, err := Open(context.Background(), config)
	must(t, err)
	t.Cleanup(func() { session.Close(true) })
	assigned(t, session)
	return cluster, session
}

// A replay after a late record or a panic must find that history.
func TestPartitionThatBeganWithoutAnOffsetHasHistoryOnceSomethingIsCommitted(t *testing.T) {
	_, session := joined(t, 5)
	before, _ := session.Assignments()
	if !before[0].NoCommittedOffset {
		t.Fatalf("%+v is not fresh, though nothing was ever committed", before[0])
	}
	session.Resume(0, before[0].Generation)
	for read := 0; read < 5; {
		slices, err := session.Poll(context.Background(), 5)
		must(t, err)
		for _, slice := range slices {
			read += len(slice.Records)
		}
	}
	committed, err := session.End(context.Background(), true)
	must(t, err)
	after, _ := session.Assignments()
	if !committed || after[0].Offset != 5 || after[0].NoCommittedOffset {
		t.Errorf("committed: %v, then %+v; want offset 5, not fresh", committed, after[0])
	}
}

// What a transaction under way has written is part of the partition, but nobody can read it yet.
func TestTransactionUnderWayCannotBeRead(t *testing.T) {
	cluster, session := joined(t, 5)
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.TransactionalID("upstream"), kgo.DefaultProduceTopic("in"))
	must(t, err)
	defer client.Close()
	must(t, client.BeginTransaction())
	for range 3 {
		must(t, client.ProduceSync(context.Background(), &kgo.Record{Value: []byte("v")}).FirstErr())
	}
	before, _ := session.Assignments()
	session.Resume(0, before[0].Generation)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	until := func(offset int64) (last messages.Slice) {
		t.Helper()
		for ctx.Err() == nil {
			slices, err := session.Poll(ctx, 5)
			must(t, err)
			for _, slice := range slices {
				if last = slice; slice.Records[len(slice.Records)-1].Offset >= offset {
					return last
				}
			}
		}
		t.Fatalf("no record of offset %d comes; the last ones are %+v", offset, last)
		return last
	}
	if last := until(4); last.Readable != 5 || last.End != 8 {
		t.Errorf("the partition can be read up to %d and ends at %d, want 5 and 8", last.Readable, last.End)
	}
	// The records are not delivered, but the marker of the abort is: it is the last record.
	must(t, transactions.End(ctx, client, "in", kgo.TryAbort))
	if last := until(8); last.Readable != 9 || last.End != 9 {
		t.Errorf("after the abort the partition can be read up to %d and ends at %d, want 9", last.Readable, last.End)
	}
}

func TestBrokerThatTellsNoStableOffsetHasAllRecordsReadable(t *testing.T) {
	for stable, want := range map[int64]int64{-1: 7, 0: 7, 4: 7, 5: 5, 6: 6, 7: 7} {
		var partition kgo.FetchTopicPartition
		partition.Records = []*kgo.Record{{Offset: 3}, {Offset: 4}}
		partition.HighWatermark, partition.LastStableOffset = 7, stable
		if end := readable(partition); end != want {
			t.Errorf("with the stable offset %d the partition can be read up to %d, want %d", stable, end, want)
		}
	}
}

// An offset that waits for the end of a transaction proves nothing yet.
func TestAbortIsVerifiedByStableOffsets(t *testing.T) {
	cluster, session := joined(t, 1)
	const unstable = 3
	fault := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetFetch}, Err: kerr.UnstableOffsetCommit, Count: unstable})
	must(t, session.verifyAbort(context.Background()))
	if fault.Hits() != unstable {
		t.Errorf("the offsets were asked for %d times while they were not stable, want %d", fault.Hits(), unstable)
	}
}

func TestDisagreementOnCommittedOffsetsIsAnError(t *testing.T) {
	ours := map[int32]kgo.EpochOffset{0: {Offset: 5}, 1: {Offset: 7}}
	at := func(offset int64) map[int32]kadm.OffsetResponse {
		return map[int32]kadm.OffsetResponse{0: {Offset: kadm.Offset{At: offset}}, 1: {Offset: kadm.Offset{At: -1}}}
	}
	must(t, agree(ours, at(5), nil))
	if agree(ours, at(6), nil) == nil {
		t.Error("a commit beyond ours is no error")
	}
	unused := map[int32]int64{0: 3} // where we did not begin
	must(t, agree(ours, at(3), unused))
	if agree(ours, at(6), unused) == nil {
		t.Error("a commit beyond ours is no error where another offset was not used")
	}
}
