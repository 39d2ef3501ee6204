package actors_test

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/actors"
	"anomalydetector/detection"
	"anomalydetector/messages"
	"anomalydetector/stream"
	"anomalydetector/test/golden"
)

// patience is how long a test waits for a condition before it fails.
const patience = 3 * time.Minute

// settings are a case's rules, and what else its configuration says.
type settings struct {
	rules      detection.Settings
	valueField string
	keyFields  []string
}

func loadGolden(t *testing.T, name string) (*golden.Case, settings) {
	t.Helper()
	c, err := golden.Load(filepath.Join("..", "testdata", "golden", name))
	must(t, err)
	io, rules := c.Conf.IO, c.Conf.Detection
	s := settings{
		rules: detection.Settings{
			GranularityMinutes: io.GranularityMinutes, HistoryHours: rules.HistoryHours, MinRatio: rules.MinRatio,
			Threshold: rules.Threshold, MinDeviation: rules.MinDeviation,
		},
		valueField: io.ValueField, keyFields: io.KeyFields,
	}
	if rules.Metric == "median" {
		s.rules.Metric = detection.MedianDeviation
	}
	return c, s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// world is an embedded broker with the topics of one case.
type world struct {
	*testing.T
	golden  *golden.Case
	set     settings
	cluster *kfake.Cluster
	client  *kgo.Client
	admin   *kadm.Client
	timing  stream.Timing
	fed     int
}

const (
	inputTopic      = "in"
	outputTopic     = "out"
	deadLetterTopic = "bad"
	group           = "group"
)

// newWorld is for a golden case.
func newWorld(t *testing.T, name string) *world {
	t.Helper()
	c, set := loadGolden(t, name)
	return newWorldOf(t, c, set)
}

func newWorldOf(t *testing.T, g *golden.Case, set settings, options ...kfake.Opt) *world {
	t.Helper()
	cluster, err := stream.Embedded(options...)
	must(t, err)
	t.Cleanup(cluster.Close)
	must(t, cluster.CreateTopic(inputTopic, g.Partitions, nil))
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DefaultProduceTopic(inputTopic))
	must(t, err)
	t.Cleanup(client.Close)
	timing := stream.DefaultTiming()
	timing.Session, timing.Transaction, timing.Backoff = 6*time.Second, 10*time.Second, 100*time.Millisecond
	return &world{T: t, golden: g, set: set, cluster: cluster, client: client, admin: kadm.NewClient(client), timing: timing}
}

// feed produces the next records of the case.
func (w *world) feed(count int) {
	w.Helper()
	count = min(count, len(w.golden.Records)-w.fed)
	w.produce(w.golden.Records[w.fed : w.fed+count]...)
	w.fed += count
}

func (w *world) produce(records ...*kgo.Record) {
	w.Helper()
	must(w, w.client.ProduceSync(context.Background(), records...).FirstErr())
}

// node is a running detector.
type node struct {
	world  *world
	config *actors.Config
	system *actor.ActorSystem
	pid    *actor.PID
	ended  chan error
	once   sync.Once
	result error
}

// untilEnd is a test's output until the test ends: a client that is still closing may
// log after that.
type untilEnd struct {
	mu  sync.Mutex
	out io.Writer
}

func outputOf(t *testing.T) io.Writer {
	o := &untilEnd{out: t.Output()}
	t.Cleanup(func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.out = io.Discard
	})
	return o
}

func (o *untilEnd) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.out.Write(text)
}

// start runs a detector. change may alter its configuration before.
func (w *world) start(member string, change func(*actors.Config, *stream.Config)) *node {
	w.Helper()
	level := slog.LevelWarn
	if testing.Verbose() {
		level = slog.LevelInfo
	}
	log := slog.New(slog.NewTextHandler(outputOf(w.T), &slog.HandlerOptions{Level: level})).With("node", member)
	streams := stream.Config{
		Brokers: w.cluster.ListenAddrs(), Log: log, InputTopic: inputTopic, OutputTopic: outputTopic,
		DeadLetterTopic: deadLetterTopic, Group: group, Member: member, Timing: w.timing,
		Outlet: stream.NewOutlet(),
	}
	n := &node{world: w, ended: make(chan error, 1)}
	n.config = &actors.Config{
		Name: member, Log: log, Now: time.Now, InputTopic: inputTopic, OutputTopic: outputTopic,
		DeadLetterTopic: deadLetterTopic, Group: group, ValueField: w.set.valueField, KeyFields: w.set.keyFields,
		Rules: detection.NewRules(w.set.rules), History: time.Duration(w.set.rules.HistoryHours * float64(time.Hour)),
		CommitInterval: 200 * time.Millisecond, WriteWithin: w.timing.Transaction / 4, Batch: actors.DefaultBatch, Backoff: w.timing.Backoff,
		Reader:     stream.NewHistory(streams),
		Largest:    streams.Outlet.Largest,
		OnProgress: func(actors.Progress) {},
		OnEnd:      func(err error) { n.ended <- err },
	}
	if w.set.rules.Method == detection.HabitMethod {
		rules := detection.NewHabitRules(w.set.rules)
		n.config.Habit, n.config.History = &rules, rules.Memory()
	}
	n.config.Open = func(ctx context.Context) (actors.Session, error) {
		for {
			err := stream.PrepareTopics(ctx, streams)
			var session *stream.Session
			if err == nil {
				if session, err = stream.Open(ctx, streams); err == nil {
					return session, nil
				}
			}
			log.Warn("open", "error", err)
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(w.timing.Backoff):
			}
		}
	}
	if change != nil {
		change(n.config, &streams)
	}
	n.system = actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.DiscardHandler)
	}))
	n.pid = n.system.Root.Spawn(actors.DetectorProps(n.config))
	w.Cleanup(func() { n.stop() })
	return n
}

// stop ends the detector cleanly and returns what it ended with.
func (n *node) stop() error {
	n.once.Do(func() {
		n.system.Root.Send(n.pid, &messages.Stop{Reason: "test"})
		n.result = n.await()
		n.system.Shutdown()
		if err := n.config.Reader.Close(); err != nil {
			n.world.Error(err)
		}
	})
	return n.result
}

func (n *node) await() error {
	select {
	case err := <-n.ended:
		return err
	case <-time.After(patience):
		n.world.Errorf("the detector did not end")
		return context.DeadlineExceeded
	}
}

// until waits for a condition.
func (w *world) until(what string, condition func() bool) {
	w.Helper()
	deadline := time.Now().Add(patience)
	for !condition() {
		if time.Now().After(deadline) {
			w.Fatalf("waited in vain until %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// committed is how many input records the group has committed.
func (w *world) committed() int64 {
	offsets, err := w.admin.FetchOffsets(context.Background(), group)
	if err != nil {
		return 0
	}
	var sum int64
	offsets.Each(func(o kadm.OffsetResponse) {
		if o.Topic == inputTopic {
			sum += max(o.At, 0)
		}
	})
	return sum
}

func (w *world) end() int64 {
	offsets, err := w.admin.ListEndOffsets(context.Background(), inputTopic)
	must(w.T, err)
	var sum int64
	offsets.Each(func(o kadm.ListedOffset) { sum += o.Offset })
	return sum
}

func (w *world) untilCommitted() {
	w.Helper()
	w.until("all input is committed", func() bool { return w.committed() == w.end() })
}

// read returns all committed records of a topic.
func (w *world) read(topic string) []*kgo.Record {
	w.Helper()
	records, err := golden.Read(topic, kgo.SeedBrokers(w.cluster.ListenAddrs()...))
	must(w.T, err)
	return records
}

func (w *world) verify() {
	w.Helper()
	for _, problem := range w.golden.Verify(w.read(outputTopic), w.fed) {
		w.Error(problem)
	}
}
