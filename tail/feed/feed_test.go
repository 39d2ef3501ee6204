package feed_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"anomalydetector/datapoint"
	"anomalydetector/episode"
	"anomalydetector/messages"
	"anomalydetector/stream"
	"anomalydetector/tail"
	"anomalydetector/tail/feed"
	"anomalydetector/test/transactions"
)

var errAway = errors.New("away")

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// world is a broker with the output topic of a detector.
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
	return &world{t, cluster, client, stream.Config{
		Brokers: cluster.ListenAddrs(), Log: slog.New(slog.DiscardHandler), InputTopic: "in", OutputTopic: "out",
		Group: "group", Member: "one", Timing: timing,
	}}
}

const bin = 15 * 60 * 1000

// record is the anomaly of an entity in a bin, as the detector writes it.
func record(partition int32, entity, bins int) *kgo.Record {
	point := msgp.AppendMapHeader(nil, 3)
	point = msgp.AppendString(msgp.AppendString(point, "scope"), "a,b")
	point = msgp.AppendInt(msgp.AppendString(point, "asn"), entity)
	point = msgp.AppendFloat64(msgp.AppendString(point, "hege"), 7)
	return &kgo.Record{
		Topic: "out", Partition: partition, Timestamp: time.UnixMilli(int64(bins) * bin),
		Key:   []byte("a,b," + strconv.Itoa(entity)),
		Value: datapoint.AppendAnomaly(nil, point, 12),
		Headers: []kgo.RecordHeader{
			{Key: "id", Value: fmt.Appendf(nil, "%032x", entity*10_000+bins)},
			{Key: "topic", Value: []byte("in")}, {Key: "partition", Value: []byte("3")}, {Key: "offset", Value: strconv.AppendInt(nil, int64(bins), 10)},
			{Key: "usual", Value: []byte("1")}, {Key: "scale", Value: []byte("0.5")},
		},
	}
}

// write writes some records in a transaction and ends it.
func (w *world) write(commit kgo.TransactionEndTry, records ...*kgo.Record) {
	w.t.Helper()
	must(w.t, w.client.BeginTransaction())
	must(w.t, w.client.ProduceSync(context.Background(), records...).FirstErr())
	must(w.t, transactions.End(context.Background(), w.client, records[0].Topic, commit))
}

func newTail() *tail.Tail {
	return tail.New(tail.Config{KeyFields: 2, Rules: episode.DefaultRules(15*time.Minute, 5), Range: 72 * time.Hour})
}

func newFeed(to *tail.Tail) *feed.Feed {
	return feed.New(feed.Config{InputTopic: "in", Group: "group", ValueField: "hege", KeyFields: []string{"scope", "asn"}}, to)
}

// follow reads the topic into a tail until the test ends, or until the returned function is called.
func (w *world) follow() (*tail.Tail, func()) {
	held := newTail()
	to := newFeed(held)
	ctx, cancel := context.WithCancel(context.Background())
	var reading sync.WaitGroup
	reading.Go(func() { stream.FollowOutput(ctx, w.stream, 72*time.Hour, to) })
	stop := func() { cancel(); reading.Wait() }
	w.t.Cleanup(stop)
	return held, stop
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); {
		if time.Now().After(deadline) {
			t.Fatal("in vain: ", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// caught waits until count anomalies are held, and everything has been read.
func caught(t *testing.T, held *tail.Tail, count int) {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("held: %+v at %v", held.State(), held.Vector())
		}
	})
	await(t, fmt.Sprintf("%d anomalies", count), func() bool {
		s := held.State()
		return s.Caught && s.Anomalies == count && s.Problem == ""
	})
}

func list(t *testing.T, held *tail.Tail) (ids []string) {
	t.Helper()
	entries, next, err := held.Anomalies(tail.Filter{}, "", 1000)
	must(t, err)
	if next != "" {
		t.Fatal("there are more")
	}
	for _, e := range entries {
		ids = append(ids, e.ID)
	}
	return ids
}

func TestOnlyWhatWasCommittedIsHeld(t *testing.T) {
	w := newWorld(t)
	must(t, w.cluster.CreateTopic("out", 2, nil))
	w.write(kgo.TryCommit, record(0, 1, 100), record(1, 2, 100))
	w.write(kgo.TryAbort, record(0, 3, 101), record(1, 4, 101))
	held, _ := w.follow()
	caught(t, held, 2)
	w.write(kgo.TryAbort, record(0, 5, 102))
	w.write(kgo.TryCommit, record(1, 6, 102))
	caught(t, held, 3)
	await(t, "the vector is beyond the markers", func() bool {
		v := held.Vector()
		return v[0] == w.cluster.PartitionInfo("out", 0).HighWatermark && v[1] == w.cluster.PartitionInfo("out", 1).HighWatermark
	})
	entry, found := held.Anomaly(fmt.Sprintf("%032x", 1*10_000+100))
	want := tail.Entry{
		ID: entry.ID, Entity: "a,b,1", Fields: []string{"a,b", "1"}, At: 100 * bin, Value: 7, Usual: 1, Scale: 0.5, Deviation: 12,
		Output: tail.Place{Partition: 0, Offset: 0}, Input: tail.Place{Partition: 3, Offset: 100},
	}
	if !found || fmt.Sprintf("%+v", entry) != fmt.Sprintf("%+v", want) {
		t.Errorf("%+v, want %+v", entry, want)
	}
}

func TestEachReaderAndEachRunHoldsTheSame(t *testing.T) {
	w := newWorld(t)
	must(t, w.cluster.CreateTopic("out", 4, nil))
	for i := range 40 {
		w.write(kgo.TryCommit, record(int32(i%4), i%7, 1000+i), record(int32(i*i%4), 10+i, 1000+i))
	}
	var want []string
	for run := range 3 {
		held, stop := w.follow()
		caught(t, held, 80)
		got := list(t, held)
		if run == 0 {
			want = got
		}
		if !slices.Equal(got, want) {
			t.Errorf("run %d holds %v, want %v", run, got, want)
		}
		stop()
	}
}

func TestReadingBeginsWithTheRange(t *testing.T) {
	w := newWorld(t)
	must(t, w.cluster.CreateTopic("out", 2, nil))
	w.write(kgo.TryCommit, record(0, 1, 1), record(0, 2, 2), record(1, 3, 3))
	w.write(kgo.TryCommit, record(0, 4, 1000), record(1, 5, 1000-4*72), record(1, 6, 1000-4*72-1), record(1, 7, 999))
	held, _ := w.follow()
	caught(t, held, 4) // no stream time is known: the middle one of the times decides where to begin
	held.Advance(1000 * bin)
	s := held.State()
	if s.Anomalies != 3 || s.From != (1000-4*72)*bin || s.Dropped != 0 {
		t.Errorf("%+v", s)
	}
	if _, gap := held.Since(tail.Vector{0: 0, 1: 2}, tail.Filter{}).Next(10); gap == nil || gap.Missing < 3 {
		t.Errorf("a reader from the begin of the topic is told of %+v", gap)
	}
}

// The timestamp of the anomaly does not decide where the range begins.
func TestAnAnomalyFarAheadDoesNotHideTheOthers(t *testing.T) {
	w := newWorld(t)
	must(t, w.cluster.CreateTopic("out", 2, nil))
	w.write(kgo.TryCommit, record(0, 1, 990), record(0, 2, 1000), record(1, 3, 1_000_000))
	held, _ := w.follow()
	caught(t, held, 3)
	held.Advance(1000 * bin)
	if s := held.State(); s.Anomalies != 3 || s.StreamTime != 1000*bin {
		t.Errorf("%+v", s)
	}
}

// The other detector shares the topic and has written all of the last records. If it has written very many,
// the topic is read from its beginning.
func TestAnotherDetectorFarAheadDoesNotHideOurs(t *testing.T) {
	for _, count := range []int{300, 70_000} {
		t.Run(strconv.Itoa(count), func(t *testing.T) {
			w := newWorld(t)
			must(t, w.cluster.CreateTopic("out", 2, nil))
			w.write(kgo.TryCommit, record(1, 1, 10), record(1, 2, 990), record(1, 3, 1000))
			var others []*kgo.Record
			for range count {
				other := record(1, 4, 1_000_000)
				other.Headers[1].Value = []byte("in_v6")
				others = append(others, other)
			}
			w.write(kgo.TryCommit, others...)
			held, _ := w.follow()
			want := 2
			if count > 50_000 {
				want = 3
			}
			caught(t, held, want)
		})
	}
}

// A real broker (4.1) finds no offset for a time before that of records that were deleted from a segment.
func TestRangeIsReadThoughTheBrokerFindsNoOffsetForItsTime(t *testing.T) {
	w := newWorld(t)
	must(t, w.cluster.CreateTopic("out", 2, nil))
	w.write(kgo.TryCommit, record(0, 1, 990), record(0, 2, 1000), record(1, 3, 1))
	w.cluster.ControlKey(int16(kmsg.ListOffsets), func(request kmsg.Request) (kmsg.Response, error, bool) {
		w.cluster.KeepControl()
		asked := request.(*kmsg.ListOffsetsRequest)
		answer := request.ResponseKind().(*kmsg.ListOffsetsResponse)
		for _, topic := range asked.Topics {
			answered := kmsg.NewListOffsetsResponseTopic()
			answered.Topic = topic.Topic
			for _, partition := range topic.Partitions {
				if partition.Timestamp < 0 {
					return nil, nil, false
				}
				none := kmsg.NewListOffsetsResponseTopicPartition()
				none.Partition, none.Offset, none.Timestamp = partition.Partition, -1, -1
				answered.Partitions = append(answered.Partitions, none)
			}
			answer.Topics = append(answer.Topics, answered)
		}
		return answer, nil, true
	})
	held, _ := w.follow()
	caught(t, held, 2)
}

func TestTopicThatIsCreatedLaterOrAgainIsRead(t *testing.T) {
	w := newWorld(t)
	held, _ := w.follow()
	await(t, "it is told that the topic is missing", func() bool { return held.State().Problem != "" })
	must(t, w.cluster.CreateTopic("out", 1, nil))
	w.write(kgo.TryCommit, record(0, 1, 100), record(0, 2, 100))
	caught(t, held, 2)
	follower := held.Since(nil, tail.Filter{})
	follower.Next(10)
	former := held.Topic()

	must(t, w.cluster.DeleteTopic("out"))
	must(t, w.cluster.CreateTopic("out", 1, nil))
	w.client.PurgeTopicsFromClient("out")
	w.write(kgo.TryCommit, record(0, 9, 100))
	caught(t, held, 1)
	items, gap := follower.Next(10)
	if len(items) != 1 || items[0].Entry.Entity != "a,b,9" || gap == nil || !gap.Remade {
		t.Errorf("a follower is given %v, %+v", items, gap)
	}
	if held.Topic() == former || former == "" || held.Topic() == "" {
		t.Errorf("the topic is %q, and was %q", held.Topic(), former)
	}
}

// shaky panics in one of its methods, at the first calls.
type shaky struct {
	*feed.Feed
	in    string
	calls int
}

func (s *shaky) at(method string) {
	if s.in == method && s.calls > 0 {
		s.calls--
		panic("shaken in " + method)
	}
}

func (s *shaky) Begin(topic messages.Identity, from map[int32]int64, since int64, anew bool) {
	s.at("Begin")
	s.Feed.Begin(topic, from, since, anew)
}

func (s *shaky) Own(record *kgo.Record) bool {
	s.at("Own")
	return s.Feed.Own(record)
}

func (s *shaky) Add(records []*kgo.Record, next map[int32]int64) {
	if s.in == "Add" && s.calls > 0 {
		s.Feed.Add(records[:len(records)/2], nil) // it panics half-way
	}
	s.at("Add")
	s.Feed.Add(records, next)
}

func (s *shaky) Tell(caught bool, problem string) {
	s.at("Tell")
	s.Feed.Tell(caught, problem)
}

// The process goes on, and in the end the tail holds everything.
func TestAPanicOfTheListenerIsToldAndReadingBeginsAnew(t *testing.T) {
	for _, in := range []string{"Begin", "Own", "Add", "Tell"} {
		t.Run(in, func(t *testing.T) {
			w := newWorld(t)
			must(t, w.cluster.CreateTopic("out", 1, nil))
			w.write(kgo.TryCommit, record(0, 1, 100), record(0, 2, 100), record(0, 3, 100))
			var log safeBuffer
			w.stream.Log = slog.New(slog.NewTextHandler(&log, nil))
			held := newTail()
			ctx, cancel := context.WithCancel(context.Background())
			var reading sync.WaitGroup
			reading.Go(func() {
				stream.FollowOutput(ctx, w.stream, 72*time.Hour, &shaky{Feed: newFeed(held), in: in, calls: 2})
			})
			defer reading.Wait()
			defer cancel()
			caught(t, held, 3)
			if text := log.String(); strings.Count(text, "level=ERROR msg=panic") != 2 || !strings.Contains(text, "shaken in "+in) || !strings.Contains(text, "feed_test.go") {
				t.Errorf("logged: %s", text)
			}
		})
	}
}

// The panic is reported while the reader waits before it begins again.
func TestPanicIsReportedWhileTheReaderWaits(t *testing.T) {
	w := newWorld(t)
	w.stream.Timing.Backoff = time.Hour
	must(t, w.cluster.CreateTopic("out", 1, nil))
	w.write(kgo.TryCommit, record(0, 1, 100))
	held := newTail()
	ctx, cancel := context.WithCancel(context.Background())
	var reading sync.WaitGroup
	reading.Go(func() {
		stream.FollowOutput(ctx, w.stream, 72*time.Hour, &shaky{Feed: newFeed(held), in: "Add", calls: 1})
	})
	defer reading.Wait()
	defer cancel()
	await(t, "a problem that names the panic", func() bool { return strings.Contains(held.State().Problem, "shaken in Add") })
}

// safeBuffer is for a log that two goroutines use.
type safeBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func TestPartitionsThatAreAddedAreRead(t *testing.T) {
	w := newWorld(t)
	must(t, w.cluster.CreateTopic("out", 1, nil))
	w.write(kgo.TryCommit, record(0, 1, 100))
	held, _ := w.follow()
	caught(t, held, 1)
	admin := kadm.NewClient(w.client)
	_, err := admin.CreatePartitions(context.Background(), 2, "out")
	must(t, err)
	w.client.PurgeTopicsFromClient("out")
	w.write(kgo.TryCommit, record(2, 2, 100))
	caught(t, held, 2)
}

func TestDeletedRecordsAreAGap(t *testing.T) {
	w := newWorld(t)
	must(t, w.cluster.CreateTopic("out", 1, nil))
	for i := range 10 {
		w.write(kgo.TryCommit, record(0, i, 100+i))
	}
	admin := kadm.NewClient(w.client)
	offsets := kadm.Offsets{}
	offsets.AddOffset("out", 0, 8, -1) // the first four, with their markers
	_, err := admin.DeleteRecords(context.Background(), offsets)
	must(t, err)
	held, _ := w.follow()
	caught(t, held, 6)
	reader := held.Since(tail.Vector{0: 2}, tail.Filter{})
	items, gap := reader.Next(100)
	if len(items) != 6 || gap == nil || gap.Missing != 6 {
		t.Errorf("%d items, %+v", len(items), gap)
	}
	if _, gap := reader.Next(100); gap != nil {
		t.Errorf("it is told again: %+v", gap)
	}
}

// The topic deletes the records that the reader would read next.
func TestOffsetsDeletedByRetentionAreSkipped(t *testing.T) {
	w := newWorld(t)
	must(t, w.cluster.CreateTopic("out", 1, nil))
	w.write(kgo.TryCommit, record(0, 1, 100))
	held, _ := w.follow()
	caught(t, held, 1)
	// Until the reader gets an answer, records are written and deleted.
	release := make(chan struct{})
	w.cluster.ControlKey(1, func(kmsg.Request) (kmsg.Response, error, bool) {
		w.cluster.KeepControl()
		select {
		case <-release:
			return nil, nil, false
		default:
			return nil, errAway, true
		}
	})
	w.write(kgo.TryCommit, record(0, 2, 101), record(0, 3, 101))
	offsets := kadm.Offsets{}
	offsets.AddOffset("out", 0, 4, -1)
	_, err := kadm.NewClient(w.client).DeleteRecords(context.Background(), offsets)
	must(t, err)
	w.write(kgo.TryCommit, record(0, 4, 102))
	close(release)
	await(t, "it goes on behind what was deleted", func() bool {
		_, found := held.Anomaly(fmt.Sprintf("%032x", 4*10_000+102))
		return found
	})
	if ids := list(t, held); len(ids) != 3 && len(ids) != 2 {
		t.Errorf("%v", ids)
	}
}

func TestRecordsOfOtherDetectorsAreCountedNotHeld(t *testing.T) {
	w := newWorld(t)
	must(t, w.cluster.CreateTopic("out", 1, nil))
	otherTopic, otherKey, otherValue, otherFields, broken, original := record(0, 1, 100), record(0, 2, 100), record(0, 3, 100), record(0, 4, 100), record(0, 5, 100), record(0, 6, 100)
	otherTopic.Headers[1].Value = []byte("in_v6")
	otherKey.Key = []byte("2")
	otherValue.Headers[4].Value = []byte("6")
	otherFields.Value = datapoint.AppendAnomaly(nil, msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "prb_id"), "1"), 7)
	broken.Value = broken.Value[:len(broken.Value)-1]
	original.Headers, original.Key = nil, nil
	w.write(kgo.TryCommit, otherTopic, otherKey, otherValue, otherFields, broken, original)
	held, _ := w.follow()
	caught(t, held, 1)
	if s := held.State(); s.Foreign != 4 || s.Bad != 1 {
		t.Errorf("%d foreign, %d bad; want 4, 1", s.Foreign, s.Bad)
	}
	e, found := held.Anomaly("0-5")
	if !found || e.Entity != "a,b,6" || !math.IsNaN(e.Usual) || !math.IsNaN(e.Scale) || e.Input != tail.Nowhere {
		t.Errorf("a record of the original program is %+v", e)
	}
}

// TestAnomaliesOfTheMethodHabitAreHeldWithItsHeaders, also if their deviation is not that of the value.
func TestAnomaliesOfTheMethodHabitAreHeldWithItsHeaders(t *testing.T) {
	w := newWorld(t)
	must(t, w.cluster.CreateTopic("out", 1, nil))
	of := func(entity int, scale, test string) *kgo.Record {
		r := record(0, entity, 100)
		r.Headers[5].Value = []byte(scale)
		for _, header := range [][2]string{{"method", "habit"}, {"test", test}, {"mean", "-0.05"}, {"usual_mean", "0.03"}} {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: header[0], Value: []byte(header[1])})
		}
		return r
	}
	// The value lies 6 above what is usual, and the deviation is 12.
	w.write(kgo.TryCommit, of(1, "0.5", "value"), of(2, "2", "mean"), record(0, 3, 100), of(4, "2", "value"), of(5, "0.4", "mean"))
	held, _ := w.follow()
	caught(t, held, 3)
	want := map[string]tail.Habit{"a,b,1": {Found: true, Mean: -0.05, UsualMean: 0.03}, "a,b,2": {Found: true, OfMean: true, Mean: -0.05, UsualMean: 0.03}, "a,b,3": {}}
	entries, _, err := held.Anomalies(tail.Filter{}, "", 10)
	must(t, err)
	for _, e := range entries {
		if habit, is := want[e.Entity]; !is || e.Habit != habit {
			t.Errorf("%+v", e)
		}
	}
	if s := held.State(); s.Foreign != 2 || len(entries) != 3 {
		t.Errorf("%d are held, %d foreign", len(entries), s.Foreign)
	}
}

func TestBrokerThatIsAwayIsReported(t *testing.T) {
	w := newWorld(t)
	must(t, w.cluster.CreateTopic("out", 1, nil))
	w.write(kgo.TryCommit, record(0, 1, 100))
	held, _ := w.follow()
	caught(t, held, 1)
	w.cluster.Close()
	await(t, "it is told", func() bool { return held.State().Problem != "" })
	if s := held.State(); s.Anomalies != 1 || !s.Caught {
		t.Errorf("%+v", s)
	}
}
