package actors

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/tinylib/msgp/msgp"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/detection"
	"anomalydetector/messages"
	"anomalydetector/stream"
)

// bench is a partition without Kafka: the test is its detector and producer.
type bench struct {
	system    *actor.ActorSystem
	partition *actor.PID
	contact   *contact
	answers   chan any                    // what the partition tells its detector
	commits   chan *messages.Checkpointed // its answers to commits; those that nobody has room for are dropped
	produced  chan any                    // what is sent to the producer
	offset    int64
	at        int64
}

const (
	benchGranularity = 15 * time.Minute
	benchHistory     = 6 * time.Hour
)

func benchConfig() *Config {
	return &Config{
		Name: "bench", Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return time.UnixMilli(0) },
		InputTopic: "in", OutputTopic: "out", DeadLetterTopic: "bad", Group: "group", ValueField: "hege", KeyFields: []string{"scope", "asn"},
		Rules: detection.NewRules(detection.Settings{
			GranularityMinutes: 15, HistoryHours: benchHistory.Hours(), MinRatio: 0.6, Threshold: 5, MinDeviation: 0.01,
		}),
		History: benchHistory,
		Reader:  noHistory{},
	}
}

// setMethod makes the settings those of the configuration, with a history as long as their method needs.
func (c *Config) setMethod(s detection.Settings) {
	c.Rules, c.History = detection.NewRules(s), time.Duration(s.HistoryHours*float64(time.Hour))
	if s.Method == detection.HabitMethod {
		rules := detection.NewHabitRules(s)
		c.Habit, c.History = &rules, rules.Memory()
	}
}

// noHistory is a topic in which nothing was committed.
type noHistory struct{}

func (noHistory) Close() error { return nil }

func (noHistory) Read(context.Context, stream.Span, func(stream.Replayed) error) (int64, error) {
	return stream.Complete, nil
}

func (noHistory) ReadEpisodes(context.Context, int32, messages.Identity, int64) (stream.EpisodeState, bool, error) {
	return stream.EpisodeState{}, false, nil
}

func newBench(tb testing.TB, config *Config) *bench {
	tb.Helper()
	produced := make(chan any, 1<<16)
	return newBenchWith(tb, config, produced)
}

// newBenchWith has no producer if produced is nil.
func newBenchWith(tb testing.TB, config *Config, produced chan any) *bench {
	tb.Helper()
	return startBench(tb, config, produced, &messages.Assignment{NoCommittedOffset: true, Generation: 1})
}

// newBenchAt goes on from the stored windows.
func newBenchAt(tb testing.TB, config *Config, offset int64) *bench {
	tb.Helper()
	return startBench(tb, config, make(chan any, 1<<16), &messages.Assignment{Offset: offset, Generation: 1})
}

func startBench(tb testing.TB, config *Config, produced chan any, assignment *messages.Assignment) *bench {
	tb.Helper()
	b := &bench{
		system: actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
			return slog.New(slog.DiscardHandler)
		})),
		contact: newContact(config),
		answers: make(chan any, 64), commits: make(chan *messages.Checkpointed, 1), produced: produced,
		at: benchHistory.Milliseconds(),
	}
	var producer *actor.PID
	if produced != nil {
		producer = b.system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			switch ctx.Message().(type) {
			case *messages.Anomaly, *messages.DeadLetter:
				b.produced <- ctx.Message()
			}
		}))
	}
	spawned := make(chan *actor.PID, 1)
	b.system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		switch message := ctx.Message().(type) {
		case *actor.Started:
			spawned <- ctx.Spawn(partitionProps(config, 0, b.contact, producer))
		case *messages.SliceDone, *messages.SliceFailed, *partitionFell:
			b.answers <- ctx.Message()
		case *messages.Checkpointed:
			select {
			case b.commits <- message:
			default:
			}
		case *messages.PhaseEntered:
			if message.Phase == messages.Ready || message.Err != nil {
				b.answers <- message
			}
		}
	}))
	b.partition = <-spawned
	tb.Cleanup(b.system.Shutdown)
	b.tell(assignment)
	if ready, ok := b.answer(tb).(*messages.PhaseEntered); !ok || ready.Phase != messages.Ready {
		tb.Fatalf("the partition answered %+v to its assignment", ready)
	}
	return b
}

// stop ends the partition.
func (b *bench) stop(tb testing.TB) {
	tb.Helper()
	if err := b.system.Root.StopFuture(b.partition).Wait(); err != nil {
		tb.Fatal(err)
	}
}

func (b *bench) tell(message any) { b.system.Root.Send(b.partition, message) }

// waitAtMost is how long a test waits for a condition before it fails.
const waitAtMost = 3 * time.Minute

func (b *bench) answer(tb testing.TB) any {
	tb.Helper()
	select {
	case message := <-b.answers:
		return message
	case <-time.After(waitAtMost):
		tb.Fatal("the partition did not answer")
		return nil
	}
}

// score has a slice scored and committed.
func (b *bench) score(tb testing.TB, records []*kgo.Record) *messages.SliceDone {
	tb.Helper()
	b.tell(&messages.Slice{Records: records})
	done, ok := b.answer(tb).(*messages.SliceDone)
	if !ok {
		tb.Fatal("the slice failed")
	}
	b.tell(&messages.Committed{})
	return done
}

// bin makes one datapoint for each of some entities.
func (b *bench) bin(entities int) []*kgo.Record {
	b.at += benchGranularity.Milliseconds()
	dice := rand.New(rand.NewPCG(1, uint64(b.at)))
	records := make([]*kgo.Record, entities)
	for i := range records {
		payload := msgp.AppendMapHeader(nil, 4)
		payload = msgp.AppendInt64(msgp.AppendString(payload, "timestamp"), b.at/1000)
		payload = msgp.AppendString(msgp.AppendString(payload, "scope"), "-1")
		payload = msgp.AppendString(msgp.AppendString(payload, "asn"), fmt.Sprint(64512+i))
		payload = msgp.AppendFloat64(msgp.AppendString(payload, "hege"), 0.5+0.01*dice.Float64())
		records[i] = &kgo.Record{Topic: "in", Offset: b.offset, Timestamp: time.UnixMilli(b.at), Value: payload}
		b.offset++
	}
	return records
}

// again makes a bin come once more, a bin later: the records are reused.
func (b *bench) again(records []*kgo.Record) {
	b.at += benchGranularity.Milliseconds()
	for _, record := range records {
		record.Offset, record.Timestamp = b.offset, time.UnixMilli(b.at)
		b.offset++
	}
}

// fill brings all windows to their full length.
func (b *bench) fill(tb testing.TB, entities int) {
	for range 2 * int(benchHistory/benchGranularity) {
		b.score(tb, b.bin(entities))
	}
}

// BenchmarkRecordToVerdict is the way of one record from the batch to its
// verdict: scan, route, evict, score, append. An op is a record. With more
// entities more of them are out of the processor's caches. As at full speed, a transaction has many points of each entity.
func BenchmarkRecordToVerdict(b *testing.B) {
	for _, c := range []struct {
		method   detection.Method
		entities []int
	}{
		{detection.OriginalMethod, []int{1_000, 5_000, 50_000}},
		{detection.HabitMethod, []int{1_000, 5_000, 10_000}}, // a habit needs points of nine days first
	} {
		for _, entities := range c.entities {
			b.Run(fmt.Sprintf("%v/%d", c.method, entities), func(b *testing.B) { benchmarkToVerdict(b, c.method, entities) })
		}
	}
}

func benchmarkToVerdict(b *testing.B, method detection.Method, entities int) {
	const kinds, together = 16, 200
	config, past := benchConfig(), benchHistory
	if method == detection.HabitMethod {
		config.setMethod(detection.Settings{
			Method: method, GranularityMinutes: 15, HistoryHours: 72, MinRatio: detection.HabitMinRatio, Threshold: 5, MinDeviation: 0.01,
		})
		past = 9 * 24 * time.Hour
	}
	p := newBench(b, config)
	p.at += (40 * 365 * 24 * time.Hour).Milliseconds()
	var bins [kinds][]*kgo.Record
	for i := range bins {
		bins[i] = p.bin(entities)
	}
	next := 0
	score := func(n int) {
		records := bins[next%kinds][:n]
		p.again(records)
		p.tell(&messages.Slice{Records: records})
		if _, ok := p.answer(b).(*messages.SliceDone); !ok {
			b.Fatal("the slice failed")
		}
		if next++; next%together == 0 {
			p.tell(&messages.Committed{})
		}
	}
	for range int(past / benchGranularity) {
		score(entities)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += entities {
		score(min(entities, b.N-done))
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "points/s")
}

func TestNoAllocationAPointOnTheNormalPath(t *testing.T) {
	const entities = 2000
	b := newBench(t, benchConfig())
	b.fill(t, entities)
	records := b.bin(entities)
	perSlice := math.Inf(1)
	for range 3 { // what else the process does allocates, too
		perSlice = min(perSlice, testing.AllocsPerRun(20, func() {
			b.again(records)
			b.score(t, records)
		}))
	}
	// What a slice and its answer cost, however long it is.
	if perSlice > 20 {
		t.Errorf("%v allocations for a slice of %d normal points", perSlice, entities)
	}
}

func TestHeapDoesNotGrowOnceWindowsAreFull(t *testing.T) {
	const entities = 500
	b := newBench(t, benchConfig())
	b.fill(t, entities)
	before := heap()
	for range 20 {
		b.fill(t, entities)
	}
	if after := heap(); after > before+before/10 {
		t.Errorf("the heap grew from %d to %d bytes while %d windows stayed full", before, after, entities)
	}
}

// heap is how much memory is in use.
func heap() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// How long an entity without points is remembered beyond the history, how often the partition looks for such entities, how far
// from stream time a record is ordinary, and how many others in a row move stream time; see
// package completeness.
const patience, sweepEvery, leap, runLength = 24 * time.Hour, time.Hour, 24 * time.Hour, 8

// TestEntitiesWithoutPointsAreDropped: stream time decides when, not the clock.
func TestEntitiesWithoutPointsAreDropped(t *testing.T) {
	b := newBench(t, benchConfig())
	b.fill(t, 100)
	var left int
	for range int((benchHistory + patience + 2*sweepEvery) / benchGranularity) {
		left = b.score(t, b.bin(1)).Tally.Entities
	}
	if left != 1 {
		t.Errorf("%d entities are remembered, want the 1 that still has points", left)
	}
}

func TestBadRecordBecomesADeadLetterAndHarmsNobody(t *testing.T) {
	b := newBench(t, benchConfig())
	b.fill(t, 3)
	records := b.bin(3)
	records[1].Value = msgp.AppendString(nil, "not a map") // a bad record in between harms nobody
	anomaly := b.bin(1)[0]
	anomaly.Value = withValue(anomaly.Value, 1e6)
	b.tell(&messages.Slice{Records: append(records, anomaly)})
	if _, ok := b.answer(t).(*messages.SliceDone); !ok {
		t.Fatal("the slice failed")
	}
	for _, want := range []string{"*messages.DeadLetter", "*messages.Anomaly"} {
		if got := fmt.Sprintf("%T", b.product(t)); got != want {
			t.Errorf("%s was produced, want %s", got, want)
		}
	}
}

// product is the next record that was sent to the producer.
func (b *bench) product(tb testing.TB) any {
	tb.Helper()
	select {
	case message := <-b.produced:
		return message
	case <-time.After(waitAtMost):
		tb.Fatal("nothing was produced")
		return nil
	}
}

func withValue(payload []byte, value float64) []byte {
	return msgp.AppendFloat64(payload[:len(payload)-9:len(payload)-9], value)
}

// TestEntityThatPanicsEndsItsPartition: without a producer, reporting an anomaly panics.
func TestEntityThatPanicsEndsItsPartition(t *testing.T) {
	config := benchConfig()
	var lines strings.Builder
	config.Log = slog.New(slog.NewTextHandler(&lines, nil))
	b := newBenchWith(t, config, nil)
	b.fill(t, 2)
	records := b.bin(2)
	records[1].Value = withValue(records[1].Value, 1e6)
	b.tell(&messages.Slice{Records: records})
	if fell, ok := b.answer(t).(*partitionFell); !ok || fell.err == nil {
		t.Errorf("the partition answered %+v, want that it fell", fell)
	}
	for _, want := range []string{fmt.Sprint("offset=", records[1].Offset), "entity=-1,64513", "entity.go", "partition=0"} {
		if !strings.Contains(lines.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, &lines)
		}
	}
}
