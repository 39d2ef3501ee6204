package source

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/stream"
	"anomalydetector/test/transactions"
)

// world is an embedded broker with a topic.
func world(t *testing.T, partitions int32) stream.Config {
	t.Helper()
	cluster, err := stream.Embedded(kfake.SeedTopics(partitions, "in"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return stream.Config{Brokers: cluster.ListenAddrs(), Log: slog.New(slog.DiscardHandler), InputTopic: "in", Timing: stream.DefaultTiming()}
}

// at is a record at a minute.
func at(partition int32, minute int64, scope string) *kgo.Record {
	value, _ := msgp.AppendMapStrIntf(nil, map[string]any{"scope": scope, "asn": "1", "hege": 1})
	return &kgo.Record{Topic: "in", Partition: partition, Timestamp: time.UnixMilli(minute * 60_000), Value: value}
}

// produce writes records in one transaction, which ends as it is said.
func produce(t *testing.T, config stream.Config, end kgo.TransactionEndTry, records ...*kgo.Record) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(config.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID(t.Name()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := transactions.End(ctx, client, "in", end); err != nil {
		t.Fatal(err)
	}
}

func TestTopicIsReadBetweenTwoTimes(t *testing.T) {
	minute := func(m int64) time.Time { return time.UnixMilli(m * 60_000) }
	for _, c := range []struct {
		name        string
		from, until time.Time
		want        []string
	}{
		{"all", time.Time{}, time.Time{}, []string{"0 60000 a,1 1", "1 180000 b,1 1", "2 120000 late,1 1", "3 tombstone", "4 540000 far,1 1", "5 300000 c,1 1", "0 60000 old,1 1"}},
		{"from", minute(3), time.Time{}, []string{"1 180000 b,1 1", "3 tombstone", "4 540000 far,1 1", "5 300000 c,1 1"}},
		{"until", time.Time{}, minute(3), []string{"0 60000 a,1 1", "2 120000 late,1 1", "0 60000 old,1 1"}},
		{"between", minute(2), minute(6), []string{"1 180000 b,1 1", "2 120000 late,1 1", "3 tombstone", "5 300000 c,1 1"}},
		{"later than all", minute(100), time.Time{}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := world(t, 3)
			tombstone := at(0, 4, "")
			tombstone.Value = nil
			produce(t, config, kgo.TryCommit, at(0, 1, "a"), at(0, 3, "b"), at(0, 2, "late"), tombstone, at(0, 9, "far"), at(0, 5, "c"), at(1, 1, "old"))
			produce(t, config, kgo.TryAbort, at(0, 4, "aborted"), at(2, 4, "aborted"))
			from, err := OpenTopic(context.Background(), stream.NewHistory(config), "in", c.from, c.until, hegemony)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, everything(t, from, hegemony), c.want...)
			if done, of := from.Progress(); done != of {
				t.Errorf("progress is %d of %d at the end", done, of)
			}
			produce(t, config, kgo.TryCommit, at(1, 4, "written meanwhile")) // is not read
			if err := from.Rewind(); err != nil {
				t.Fatal(err)
			}
			compare(t, everything(t, from, hegemony), c.want...)
			if err := from.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestOpenTransactionEndsATopic: what is in it is not committed, and nobody waits for its end.
func TestOpenTransactionEndsATopic(t *testing.T) {
	config := world(t, 1)
	produce(t, config, kgo.TryCommit, at(0, 1, "a"))
	client, err := kgo.NewClient(kgo.SeedBrokers(config.Brokers...), kgo.TransactionalID("open"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := errors.Join(client.BeginTransaction(), client.ProduceSync(t.Context(), at(0, 2, "b")).FirstErr()); err != nil {
		t.Fatal(err)
	}
	from, err := OpenTopic(t.Context(), stream.NewHistory(config), "in", time.Time{}, time.Time{}, hegemony)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	if _, of := from.Progress(); of != 2 { // a record, and the marker after it
		t.Errorf("it wants to read %d offsets", of)
	}
	compare(t, everything(t, from, hegemony), "0 60000 a,1 1")
}

func TestTopicThatIsMissingIsSaid(t *testing.T) {
	config := world(t, 1)
	config.InputTopic = "none"
	history := stream.NewHistory(config)
	if _, err := OpenTopic(context.Background(), history, "none", time.Time{}, time.Time{}, hegemony); err == nil {
		t.Error("a topic that is not there is opened")
	}
	if err := history.Close(); err != nil {
		t.Error(err)
	}
}

// TestTopicHasTheRecordsDatapoints has more than a block of records.
func TestTopicHasTheRecordsDatapoints(t *testing.T) {
	config := world(t, 1)
	var written []*kgo.Record
	for i := range int64(20_000) {
		written = append(written, at(0, i, "a"))
	}
	produce(t, config, kgo.TryCommit, written...)
	from, err := OpenTopic(context.Background(), stream.NewHistory(config), "in", time.Time{}, time.Time{}, hegemony)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	d, rows := NewDecoder(hegemony), 0
	for b := range blocks(t, from) {
		d.Decode(b, func(r *Row) {
			if string(d.Datapoint(nil, b, r)) != string(written[rows].Value) || r.Line != rows || r.At != written[rows].Timestamp.UnixMilli() {
				t.Fatalf("row %d is %+v", rows, r)
			}
			rows++
		}, func(f *Fault) { t.Error(reason(f)) })
		from.Release(b)
	}
	if rows != len(written) {
		t.Errorf("read %d of %d rows", rows, len(written))
	}
}
