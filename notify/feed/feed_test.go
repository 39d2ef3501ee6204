package feed_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/episode"
	"anomalydetector/notify"
	"anomalydetector/notify/feed"
	"anomalydetector/stream"
	"anomalydetector/test/transactions"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// heard is what a notifier was told.
type heard struct {
	mu   sync.Mutex
	said []string
	bad  int
}

func (h *heard) say(text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.said = append(h.said, text)
}

func (h *heard) Clear() { h.say("clear") }
func (h *heard) Live()  { h.say("live") }
func (h *heard) Add(events []notify.Event) {
	for _, e := range events {
		h.say(fmt.Sprintf("%s %s in %d", e.Record.ID, e.Record.Event, e.Partition))
	}
}

// awaits waits until exactly this was said, if the order within want does not matter but for live.
func (h *heard) awaits(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		h.mu.Lock()
		got = slices.Compact(slices.Clone(h.said)) // live is said again with each problem that ends
		h.mu.Unlock()
		if slices.Equal(got, want) {
			return
		}
	}
	t.Fatalf("it was told %q, want %q", got, want)
}

// world is a broker with a topic of episodes.
type world struct {
	t       *testing.T
	cluster *kfake.Cluster
	client  *kgo.Client
	stream  stream.Config
}

func newWorld(t *testing.T) *world {
	cluster, err := stream.Embedded()
	must(t, err)
	t.Cleanup(cluster.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.TransactionalID("writer"),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MetadataMinAge(10*time.Millisecond))
	must(t, err)
	t.Cleanup(client.Close)
	timing := stream.DefaultTiming()
	timing.Session, timing.Backoff = 300*time.Millisecond, 80*time.Millisecond // it looks at the topic often
	return &world{t, cluster, client, stream.Config{Brokers: cluster.ListenAddrs(), Log: slog.New(slog.DiscardHandler),
		InputTopic: "in", OutputTopic: "episodes", Group: "group", Member: "one", Timing: timing}}
}

func (w *world) write(commit kgo.TransactionEndTry, records ...*kgo.Record) {
	w.t.Helper()
	must(w.t, w.client.BeginTransaction())
	must(w.t, w.client.ProduceSync(context.Background(), records...).FirstErr())
	must(w.t, transactions.End(context.Background(), w.client, records[0].Topic, commit))
}

func (w *world) follow() *heard {
	h := new(heard)
	ctx, cancel := context.WithCancel(context.Background())
	var reading sync.WaitGroup
	to := feed.New(h, func(records int) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.bad += records
	})
	reading.Go(func() { stream.FollowOutput(ctx, w.stream, feed.Span, to) })
	w.t.Cleanup(func() { cancel(); reading.Wait() })
	return h
}

// event is the record of an event, at a time of the stream.
func event(partition int32, id, event string, at int64) *kgo.Record {
	value, _ := json.Marshal(episode.Record{ID: id, Event: event, Kind: "deviation", Entity: "e" + id})
	return &kgo.Record{Topic: "episodes", Partition: partition, Key: []byte("e" + id), Value: value, Timestamp: time.UnixMilli(at)}
}

// The oldest record counts as much as the newest: the topic is compacted.
func TestTheWholeTopicIsReadBeforeItIsLive(t *testing.T) {
	w := newWorld(t)
	must(t, w.cluster.CreateTopic("episodes", 1, nil))
	const year = 365 * 24 * 3600_000
	w.write(kgo.TryCommit, event(0, "1", "opened", 1000), event(0, "2", "opened", 40*year))
	w.write(kgo.TryAbort, event(0, "3", "opened", 40*year))
	w.write(kgo.TryCommit, event(0, "2", "resolved", 40*year))
	h := w.follow()
	h.awaits(t, "1 opened in 0", "2 opened in 0", "2 resolved in 0", "live")
	w.write(kgo.TryCommit, event(0, "4", "reopened", 2000))
	w.write(kgo.TryCommit, event(0, "4", "updated", 2000))
	h.awaits(t, "1 opened in 0", "2 opened in 0", "2 resolved in 0", "live", "4 reopened in 0", "4 updated in 0")
}

func TestWhatIsNoEventIsSkipped(t *testing.T) {
	w := newWorld(t)
	must(t, w.cluster.CreateTopic("episodes", 1, nil))
	state := episode.StateRecord{Partition: 0, Offset: 7}.Split([]byte("state"), 100)[0]
	value, err := json.Marshal(state)
	must(t, err)
	gone, broken, nameless, strange := event(0, "1", "opened", 1), event(0, "2", "opened", 1), event(0, "", "opened", 1), event(0, "3", "happened", 1)
	gone.Value, broken.Value = nil, []byte("{")
	w.write(kgo.TryCommit, &kgo.Record{Topic: "episodes", Key: episode.StateKey(0), Value: value}, gone, broken, nameless, strange, event(0, "4", "opened", 1))
	h := w.follow()
	h.awaits(t, "4 opened in 0", "live")
	if h.mu.Lock(); h.bad != 3 {
		t.Errorf("%d bad records, want 3", h.bad)
	}
	h.mu.Unlock()
}

func TestAllPartitionsAreRead(t *testing.T) {
	w := newWorld(t)
	must(t, w.cluster.CreateTopic("episodes", 1, nil))
	w.write(kgo.TryCommit, event(0, "1", "opened", 1))
	h := w.follow()
	h.awaits(t, "1 opened in 0", "live")
	_, err := kadm.NewClient(w.client).CreatePartitions(context.Background(), 1, "episodes")
	must(t, err)
	w.client.PurgeTopicsFromClient("episodes")
	w.write(kgo.TryCommit, event(1, "2", "opened", 1))
	h.awaits(t, "1 opened in 0", "live", "2 opened in 1")
}

func TestTopicThatIsMadeAgainBeginsAnew(t *testing.T) {
	w := newWorld(t)
	must(t, w.cluster.CreateTopic("episodes", 1, nil))
	w.write(kgo.TryCommit, event(0, "1", "opened", 1))
	h := w.follow()
	h.awaits(t, "1 opened in 0", "live")
	must(t, w.cluster.DeleteTopic("episodes"))
	must(t, w.cluster.CreateTopic("episodes", 1, nil))
	w.client.PurgeTopicsFromClient("episodes")
	w.write(kgo.TryCommit, event(0, "2", "opened", 1))
	h.awaits(t, "1 opened in 0", "live", "clear", "2 opened in 0", "live")
}

// FuzzRecord: anybody may have written a record of the topic.
func FuzzRecord(f *testing.F) {
	f.Add([]byte("k"), event(0, "1", "opened", 1).Value)
	f.Add(episode.Key(episode.Gap, ""), []byte(`{"id":"1","event":"resolved","usual":"Infinity"}`))
	f.Add(episode.StateKey(0), []byte(`{"event":"state"}`))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		h := new(heard)
		feed.New(h, func(int) {}).Add([]*kgo.Record{{Key: key, Value: value}}, nil)
		if len(h.said) > 1 || len(h.said) == 1 && (len(value) == 0 || episode.IsStateKey(key)) {
			t.Errorf("it is taken for %q", h.said)
		}
	})
}
