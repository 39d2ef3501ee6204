package actors_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/tinylib/msgp/msgp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"gopkg.in/ini.v1"

	"anomalydetector/actors"
	"anomalydetector/detection"
	"anomalydetector/messages"
	"anomalydetector/stream"
)

// patience is how long a test waits for a condition before it fails.
const patience = 60 * time.Second

// golden is a stream and what the original program reports on it.
type golden struct {
	name       string
	records    []*kgo.Record
	expected   map[int]float64 // deviation by record
	settings   detection.Settings
	history    time.Duration
	valueField string
	keyFields  []string
	partitions int32
}

func loadGolden(t *testing.T, name string) *golden {
	t.Helper()
	dir := filepath.Join("..", "testdata", "golden", name)
	g := &golden{name: name, expected: make(map[int]float64)}
	eachRow(t, filepath.Join(dir, "input.jsonl.gz"), func(line []byte) {
		var row struct {
			Partition  int32
			Timestamp  int64
			Key, Value *string
		}
		must(t, json.Unmarshal(line, &row))
		record := &kgo.Record{Partition: row.Partition, Timestamp: time.UnixMilli(row.Timestamp)}
		if row.Key != nil {
			record.Key = []byte(*row.Key)
		}
		value, err := base64.StdEncoding.DecodeString(*row.Value)
		must(t, err)
		record.Value = value
		g.records = append(g.records, record)
		g.partitions = max(g.partitions, row.Partition+1)
	})
	eachRow(t, filepath.Join(dir, "expected.jsonl.gz"), func(line []byte) {
		var row struct {
			Record    int
			Deviation float64
		}
		must(t, json.Unmarshal(line, &row))
		g.expected[row.Record] = row.Deviation
	})
	conf, err := ini.Load(filepath.Join(dir, "detector.conf"))
	must(t, err)
	number := func(section, key string) float64 {
		value, err := conf.Section(section).Key(key).Float64()
		must(t, err)
		return value
	}
	g.settings = detection.Settings{
		GranularityMinutes: number("io", "time_granularity_min"), HistoryHours: number("detection", "history_hours"),
		MinRatio: number("detection", "history_min_ratio"), Threshold: number("detection", "threshold"),
		MinDeviation: number("detection", "min_dev"),
	}
	if conf.Section("detection").Key("dev_metric").String() == "median" {
		g.settings.Metric = detection.MedianDeviation
	}
	g.history = time.Duration(g.settings.HistoryHours * float64(time.Hour))
	g.valueField = conf.Section("io").Key("value_field").String()
	g.keyFields = conf.Section("io").Key("key_field").Strings(",")
	return g
}

func eachRow(t *testing.T, path string, each func([]byte)) {
	t.Helper()
	file, err := os.Open(path)
	must(t, err)
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	must(t, err)
	lines := bufio.NewScanner(unzipped)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		each(lines.Bytes())
	}
	must(t, lines.Err())
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
	golden  *golden
	cluster *kfake.Cluster
	client  *kgo.Client
	admin   *kadm.Client
	timing  stream.Timing
	fed     int
	// unordered: the stream has stragglers, so the anomalies are in no order of time.
	unordered bool
}

const (
	inputTopic  = "in"
	outputTopic = "out"
	letterTopic = "bad"
	group       = "group"
)

func newWorld(t *testing.T, g *golden, options ...kfake.Opt) *world {
	t.Helper()
	cluster, err := stream.Embedded(options...)
	must(t, err)
	t.Cleanup(cluster.Close)
	must(t, cluster.CreateTopic(inputTopic, g.partitions, nil))
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DefaultProduceTopic(inputTopic))
	must(t, err)
	t.Cleanup(client.Close)
	timing := stream.DefaultTiming()
	timing.Session, timing.Transaction, timing.Backoff = 6*time.Second, 10*time.Second, 100*time.Millisecond
	return &world{T: t, golden: g, cluster: cluster, client: client, admin: kadm.NewClient(client), timing: timing}
}

// feed produces the next records of the case.
func (w *world) feed(count int) {
	w.Helper()
	count = min(count, len(w.golden.records)-w.fed)
	w.produce(w.golden.records[w.fed : w.fed+count]...)
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

// start runs a detector. change may alter its configuration before.
func (w *world) start(member string, change func(*actors.Config, *stream.Config)) *node {
	w.Helper()
	level := slog.LevelWarn
	if testing.Verbose() {
		level = slog.LevelInfo
	}
	log := slog.New(slog.NewTextHandler(w.Output(), &slog.HandlerOptions{Level: level})).With("node", member)
	streams := stream.Config{
		Brokers: w.cluster.ListenAddrs(), Log: log, InputTopic: inputTopic, OutputTopic: outputTopic,
		DeadLetterTopic: letterTopic, Group: group, Member: member, Timing: w.timing,
	}
	n := &node{world: w, ended: make(chan error, 1)}
	n.config = &actors.Config{
		Name: member, Log: log, Now: time.Now, InputTopic: inputTopic, OutputTopic: outputTopic,
		DeadLetterTopic: letterTopic, Group: group, ValueField: w.golden.valueField, KeyFields: w.golden.keyFields,
		Rules: detection.NewRules(w.golden.settings), History: w.golden.history,
		CommitInterval: 200 * time.Millisecond, Backoff: w.timing.Backoff,
		Reader:     stream.NewHistory(streams),
		OnProgress: func(actors.Progress) {}, OnCommit: func([]messages.Finding) {},
		OnEnd: func(err error) { n.ended <- err },
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
	ends, err := w.admin.ListCommittedOffsets(context.Background(), topic)
	must(w.T, err)
	positions := make(map[int32]kgo.Offset)
	missing := make(map[int32]int64)
	ends.Each(func(o kadm.ListedOffset) {
		positions[o.Partition] = kgo.NewOffset().AtStart()
		if o.Offset > 0 {
			missing[o.Partition] = o.Offset
		}
	})
	client, err := kgo.NewClient(kgo.SeedBrokers(w.cluster.ListenAddrs()...), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: positions}))
	must(w.T, err)
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var records []*kgo.Record
	for len(missing) > 0 {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			w.Fatalf("could not read topic %s to its end", topic)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Offset+1 >= missing[r.Partition] {
				delete(missing, r.Partition)
			}
			if !r.Attrs.IsControl() {
				records = append(records, r)
			}
		})
	}
	return records
}

// verify compares the committed anomalies with those the original reports:
// each once, bit-equal, in order by entity, with the datapoint's own bytes.
func (w *world) verify() {
	w.Helper()
	type found struct {
		at      int64
		payload string
	}
	want := make(map[found]int)
	for record, deviation := range w.golden.expected {
		if record >= w.fed {
			continue
		}
		r := w.golden.records[record]
		want[found{r.Timestamp.UnixMilli(), string(anomalyBytes(r.Value, deviation))}]++
	}
	total := 0
	newest := make(map[string]int64)
	for _, r := range w.read(outputTopic) {
		total++
		f := found{r.Timestamp.UnixMilli(), string(r.Value)}
		switch want[f]--; {
		case want[f] < 0:
			w.Errorf("anomaly at %d of %s is not expected, or there twice", f.at, r.Key)
		case !w.unordered && f.at < newest[string(r.Key)]:
			w.Errorf("anomaly at %d of %s came after one at %d", f.at, r.Key, newest[string(r.Key)])
		}
		newest[string(r.Key)] = f.at
	}
	missing := 0
	for _, count := range want {
		missing += max(count, 0)
	}
	if missing > 0 || total == 0 {
		w.Errorf("%d anomalies found, %d missing", total, missing)
	}
}

// anomalyBytes is the payload as Python's msgpack packs it.
func anomalyBytes(value []byte, deviation float64) []byte {
	bytes := msgp.AppendMapHeader(nil, 2)
	bytes = msgp.AppendString(bytes, "datapoint")
	bytes = append(bytes, value...)
	bytes = msgp.AppendString(bytes, "deviation")
	return msgp.AppendFloat64(bytes, deviation)
}

var goldenCases = []string{"atlas_delay_mean", "hegemony_mean", "hegemony_mean_holes", "hegemony_median", "short_window_median"}
