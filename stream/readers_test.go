package stream

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// clients counts the clients that are made and closed, and their connections.
type clients struct{ made, closed, connections atomic.Int32 }

func (c *clients) OnNewClient(*kgo.Client)    { c.made.Add(1) }
func (c *clients) OnClientClosed(*kgo.Client) { c.closed.Add(1) }
func (c *clients) OnBrokerConnect(kgo.BrokerMetadata, time.Duration, net.Conn, error) {
	c.connections.Add(1)
}

// A standby asks for a span each second. A client for each would cost the broker more than the records do.
func TestStandbyKeepsItsReader(t *testing.T) {
	cluster, config := testConfig(t)
	must(t, cluster.CreateTopic("in", 1, nil))
	var count clients
	config.Client = append(config.Client, kgo.WithHooks(&count))
	producer, err := kgo.NewClient(kgo.SeedBrokers(config.Brokers...), kgo.DefaultProduceTopic("in"))
	must(t, err)
	defer producer.Close()
	history := NewHistory(config)
	read := int64(0)
	const spans, steady = 20, 5
	connections := int32(0)
	for until := int64(3); until <= 3*spans; until += 3 {
		for range 4 { // one more than is asked for, so that some are read ahead
			must(t, producer.ProduceSync(context.Background(), &kgo.Record{Value: []byte("v")}).FirstErr())
		}
		_, err := history.Read(context.Background(), Span{From: until - 3, Until: until, More: true}, func(run Replayed) error {
			for _, record := range run.Records {
				if record.Offset != read {
					t.Fatalf("offset %d was read after %d others", record.Offset, read)
				}
				read++
			}
			return nil
		})
		must(t, err)
		if until == 3*steady {
			connections = count.connections.Load()
		}
	}
	if now := count.connections.Load(); now != connections {
		t.Errorf("%d connections were made for the first %d spans, and %d for the next ones", connections, steady, now-connections)
	}
	if read != 3*spans {
		t.Errorf("%d records were read, want %d", read, 3*spans)
	}
	if made := count.made.Load(); made > 2 {
		t.Errorf("%d clients were made for %d spans, want one to read and one to ask", made, spans)
	}
	must(t, history.Close())
	for _, from := range []int64{-1, 0} { // a partition may begin to read while all stops
		_, err := history.Read(context.Background(), Span{From: from, Until: 3}, func(Replayed) error { return nil })
		if !errors.Is(err, errHistoryClosed) {
			t.Errorf("reading from %d after the end: %v", from, err)
		}
	}
	if made, closed := count.made.Load(), count.closed.Load(); made != closed {
		t.Errorf("%d clients were made, %d closed", made, closed)
	}
}

// The bad timestamp may be that of the record where scoring goes on, or that of the last record of the topic.
// It may lie in the future or in 1970.
func TestOneBadTimestampDoesNotDecideHowMuchIsRead(t *testing.T) {
	hour, first := time.Hour.Milliseconds(), int64(1_600_000_000_000)
	for name, c := range map[string]struct{ bad, until, at int64 }{
		"of the future":           {50, 50, first + 1000*24*hour},
		"of 1970":                 {50, 50, 1},
		"of the future, the last": {99, 100, first + 1000*24*hour},
		"of 1970, the last":       {99, 100, 1},
	} {
		t.Run(name, func(t *testing.T) {
			cluster, config := testConfig(t)
			must(t, cluster.CreateTopic("in", 1, nil))
			client, err := kgo.NewClient(kgo.SeedBrokers(config.Brokers...), kgo.DefaultProduceTopic("in"))
			must(t, err)
			defer client.Close()
			for i := range int64(100) {
				at := first + i*hour
				if i == c.bad {
					at = c.at
				}
				must(t, client.ProduceSync(context.Background(), &kgo.Record{Timestamp: time.UnixMilli(at), Value: []byte("v")}).FirstErr())
			}
			records, _ := readAll(t, config, Span{From: -1, Until: c.until, Length: 10 * time.Hour, Slack: time.Hour, CompleteAt: 1 << 60})
			if records < 8 || records > 14 {
				t.Errorf("%d records were read for a history of 10 hours, one an hour", records)
			}
		})
	}
}

// The warning is given even if no record is left before the offset.
func TestDeletedHistoryIsWarnedOf(t *testing.T) {
	cluster, config := testConfig(t)
	must(t, cluster.CreateTopic("in", 1, nil))
	transactional(t, config, kgo.TryCommit, 1000, 5)
	end := cluster.PartitionInfo("in", 0).HighWatermark
	must(t, cluster.DeleteRecords("in", 0, end))
	var log strings.Builder
	config.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if records, _ := readAll(t, config, Span{From: -1, Until: end, Length: time.Hour, Slack: time.Hour, CompleteAt: 1 << 60}); records != 0 {
		t.Errorf("%d records were read of an empty topic", records)
	}
	if !strings.Contains(log.String(), "the history was deleted from the topic") {
		t.Errorf("it was not said that the history is missing, only %q", log.String())
	}
}
