package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"anomalydetector/episode"
	"anomalydetector/messages"
	"anomalydetector/test/transactions"
)

// lives writes transactions to the episodes topic.
type lives struct {
	*testing.T
	cluster *kfake.Cluster
	config  Config
	client  *kgo.Client
}

func newLives(t *testing.T, partitions int32, options ...kfake.Opt) *lives {
	t.Helper()
	cluster, config := testConfig(t, options...)
	config.EpisodesTopic = "life"
	if partitions > 0 {
		must(t, cluster.CreateTopic("life", partitions, map[string]string{"cleanup.policy": "compact"}))
	}
	return &lives{t, cluster, config, writer(t, config, "owner")}
}

func writer(t *testing.T, config Config, id string) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(config.Brokers...), kgo.TransactionalID(id), kgo.DefaultProduceTopic("life"),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	must(t, err)
	t.Cleanup(client.Close)
	return client
}

// begin writes events and a state with as many bytes as parts into a transaction that stays open.
func (l *lives) begin(events int, topic string, offset int64, state string) {
	l.Helper()
	must(l.T, l.client.BeginTransaction())
	for i := range events {
		l.client.Produce(context.Background(), &kgo.Record{Partition: 1, Key: []byte(fmt.Sprint(i)), Value: []byte("{}")}, nil)
	}
	for _, part := range (episode.StateRecord{Partition: 1, Topic: topic, Offset: offset}).Split([]byte(state), 1) {
		value, err := json.Marshal(part)
		must(l.T, err)
		l.client.Produce(context.Background(), &kgo.Record{Partition: 1, Key: episode.StateKey(part.Part), Value: value}, nil)
	}
	must(l.T, l.client.Flush(context.Background()))
}

func (l *lives) commit(events int, topic string, offset int64, state string) {
	l.Helper()
	l.begin(events, topic, offset, state)
	must(l.T, transactions.End(context.Background(), l.client, "life", kgo.TryCommit))
}

func (l *lives) abort(events int, topic string, offset int64, state string) {
	l.Helper()
	l.begin(events, topic, offset, state)
	must(l.T, transactions.End(context.Background(), l.client, "life", kgo.TryAbort))
}

// finds checks what is found for an offset of the topic with the id A, in words.
func (l *lives) finds(offset int64, want string) {
	l.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	history := NewHistory(l.config)
	state, found, err := history.ReadEpisodes(ctx, 1, messages.Identity{Topic: "A"}, offset)
	must(l.T, err)
	must(l.T, history.Close())
	got := "none"
	if found {
		got = fmt.Sprintf("%s of %s at %d", state.State, state.Topic, state.Offset)
	}
	if got != want {
		l.Errorf("found %s, want %s", got, want)
	}
}

func TestNewestStateOfEpisodesIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		partitions int32
		write      func(*lives)
		want       string
	}{
		"a missing topic":              {0, func(*lives) {}, "none"},
		"a missing partition":          {1, func(*lives) {}, "none"},
		"an empty partition":           {2, func(*lives) {}, "none"},
		"one state":                    {2, func(l *lives) { l.commit(0, "A", 5, "s") }, "s of A at 5"},
		"an empty state":               {2, func(l *lives) { l.commit(0, "A", 5, "") }, " of A at 5"},
		"several parts":                {2, func(l *lives) { l.commit(9, "A", 5, "state") }, "state of A at 5"},
		"more parts than a first look": {2, func(l *lives) { l.commit(9, "A", 5, strings.Repeat("x", 3*firstTail)) }, strings.Repeat("x", 3*firstTail) + " of A at 5"},
		"the newer of two":             {2, func(l *lives) { l.commit(1, "A", 5, "old"); l.commit(1, "A", 8, "n") }, "n of A at 8"},
		"an offset that was set back":  {2, func(l *lives) { l.commit(1, "A", 8, "old"); l.commit(1, "A", 5, "n") }, "n of A at 5"},
		"the same offset twice":        {2, func(l *lives) { l.commit(1, "A", 5, "old"); l.commit(1, "A", 8, "."); l.commit(1, "A", 5, "new") }, "new of A at 5"},
		"twice in a row": {2, func(l *lives) {
			l.commit(1, "A", 5, strings.Repeat("x", 2*firstTail))
			l.commit(1, "A", 5, strings.Repeat("y", 2*firstTail))
		}, strings.Repeat("y", 2*firstTail) + " of A at 5"},
		"another topic":      {2, func(l *lives) { l.commit(1, "A", 5, "old"); l.commit(1, "B", 5, "new") }, "new of B at 5"},
		"aborted ones":       {2, func(l *lives) { l.commit(1, "A", 5, "s"); l.abort(3, "A", 8, "t"); l.abort(3, "A", 8, "t") }, "s of A at 5"},
		"only aborted ones":  {2, func(l *lives) { l.abort(3, "A", 8, "t") }, "none"},
		"a long aborted one": {2, func(l *lives) { l.commit(1, "A", 5, "s"); l.abort(40*firstTail, "A", 8, "t") }, "s of A at 5"},
		"a long way back": {2, func(l *lives) {
			l.commit(1, "A", 5, "state")
			must(l.T, l.client.BeginTransaction())
			for range 20 * firstTail {
				l.client.Produce(context.Background(), &kgo.Record{Partition: 1, Key: []byte("k"), Value: []byte("{}")}, nil)
			}
			must(l.T, transactions.End(context.Background(), l.client, "life", kgo.TryCommit))
		}, "state of A at 5"},
		"holes": {2, func(l *lives) {
			for i := range int64(3 * firstTail) {
				l.commit(1, "A", i, "state")
			}
			l.commit(1, "A", 1000, "s")
			l.cluster.Compact()
		}, "s of A at 1000"},
		"a shorter state after holes": {2, func(l *lives) { l.commit(1, "A", 5, "state"); l.commit(0, "A", 8, "s"); l.cluster.Compact() }, "s of A at 8"},
		"deleted records": {2, func(l *lives) {
			l.commit(1, "A", 5, "old")
			l.commit(1, "A", 8, "new")
			must(l.T, l.cluster.DeleteRecords("life", 1, 6))
		}, "new of A at 8"},
		"a part that was deleted": {2, func(l *lives) { l.commit(0, "A", 5, "state"); must(l.T, l.cluster.DeleteRecords("life", 1, 1)) }, "none"},
		"all deleted": {2, func(l *lives) {
			l.commit(1, "A", 5, "s")
			must(l.T, l.cluster.DeleteRecords("life", 1, l.cluster.PartitionInfo("life", 1).HighWatermark))
		}, "none"},
		"values that are no states": {2, func(l *lives) {
			l.commit(1, "A", 5, "s")
			must(l.T, l.client.BeginTransaction())
			for _, value := range [][]byte{nil, []byte("{"), []byte(`{"event":"state","partition":2,"offset":9,"part":0,"parts":1}`), []byte(`{"event":"state","partition":1,"offset":9,"part":1,"parts":1}`)} {
				l.client.Produce(context.Background(), &kgo.Record{Partition: 1, Key: episode.StateKey(0), Value: value}, nil)
			}
			must(l.T, transactions.End(context.Background(), l.client, "life", kgo.TryCommit))
		}, "s of A at 5"},
	} {
		for broker, options := range map[string][]kfake.Opt{"": nil, ", an old broker": {kfake.MaxVersions(kversion.V2_5_0())}} {
			t.Run(name+broker, func(t *testing.T) {
				l := newLives(t, c.partitions, options...)
				c.write(l)
				for _, offset := range []int64{5, 8} { // whether it is the one that is wanted or not
					l.finds(offset, c.want)
				}
			})
		}
	}
}

// The group knows the former owner's commit before its marker is in the episodes topic.
func TestStateOfAnOpenTransactionIsWaitedFor(t *testing.T) {
	for name, c := range map[string]struct {
		former string // the topic of the state before
		at     int64  // and its offset
		end    kgo.TransactionEndTry
		want   string
	}{
		"commit":                       {"A", 5, kgo.TryCommit, "new of A at 8"},
		"abort":                        {"A", 5, kgo.TryAbort, "old of A at 5"},
		"the offset of a former topic": {"B", 8, kgo.TryCommit, "new of A at 8"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLives(t, 2)
			l.commit(1, c.former, c.at, "old")
			l.begin(1, "A", 8, "new")
			if c.former == "A" {
				l.finds(c.at, "old of A at 5") // the wanted one is there
			}
			looks := l.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Observe: true, Count: -1})
			over := make(chan struct{})
			waiting, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			go func() {
				defer close(over)
				defer cancel()
				l.finds(8, c.want)
			}()
			if err := looks.Wait(waiting, 9); err != nil { // three a look
				t.Fatalf("it has not waited: %v", err)
			}
			must(t, transactions.End(context.Background(), l.client, "life", c.end))
			<-over
		})
	}
}

func TestWaitingForAStateEndsWithItsContext(t *testing.T) {
	l := newLives(t, 2)
	l.begin(1, "A", 8, "new")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	looks := l.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Observe: true, Count: -1})
	go func() {
		_ = looks.Wait(ctx, 6)
		cancel()
	}()
	_, found, err := NewHistory(l.config).ReadEpisodes(ctx, 1, messages.Identity{}, 8)
	if found || !errors.Is(err, context.Canceled) {
		t.Errorf("found: %v, error: %v", found, err)
	}
}

// A broker that is away, or does not know the topic yet, says nothing about the state.
func TestStateIsNotMissingBecauseABrokerHasTrouble(t *testing.T) {
	for name, fault := range map[string]kfake.Fault{
		"no leader":       {Keys: []kmsg.Key{kmsg.Fetch}, Topic: "life", Err: kerr.NotLeaderForPartition, Count: 3},
		"not known yet":   {Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: "life", Err: kerr.UnknownTopicOrPartition, Count: missingLooks - 1},
		"records cut off": {Keys: []kmsg.Key{kmsg.Fetch}, Topic: "life", Err: kerr.OffsetOutOfRange, Count: 2},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLives(t, 2)
			l.commit(1, "A", 5, "s")
			handle := l.cluster.Fault(fault)
			l.finds(5, "s of A at 5")
			if handle.Hits() == 0 {
				t.Error("there was no trouble")
			}
		})
	}
	l := newLives(t, 2)
	l.commit(1, "A", 5, "s")
	l.cluster.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		return nil, errors.New("closes the connection"), true
	})
	l.finds(5, "s of A at 5")
	l.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: "life", Err: kerr.TopicAuthorizationFailed, Count: -1})
	_, _, err := NewHistory(l.config).ReadEpisodes(context.Background(), 1, messages.Identity{}, 5)
	if !Final(err) || !strings.Contains(err.Error(), "the user needs the permissions Read, Write and Describe on it") {
		t.Errorf("without permission: %v", err)
	}
}
