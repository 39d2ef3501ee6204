package bootstrap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/backtest/source"
	"anomalydetector/configs"
	"anomalydetector/test/golden"
)

// replay writes files into a topic of the broker.
func (b *broker) replay(t *testing.T, config *configs.Config, r replay, files ...string) (replayed, error) {
	t.Helper()
	options, err := fileOptions(config, nil, "", "")
	must(t, err)
	from, err := source.Open(files, options)
	must(t, err)
	defer from.Close()
	r.From, r.Decode = from, source.NewDecoder(options)
	if r.Speed == 0 {
		r.Speed = math.Inf(1)
	}
	return r.run(t.Context(), config, time.Now)
}

// load reads a case's configuration with the broker's address.
func (b *broker) load(t *testing.T, conf string) *configs.Config {
	t.Helper()
	config, err := configs.Load(conf, func(name string) string { return map[string]string{"KAFKA_HOST": b.address()}[name] })
	must(t, err)
	return config
}

// TestReplayedRowsGiveTheSameAnomalies: golden rows in a file, through Kafka and a detector, are the golden anomalies.
func TestReplayedRowsGiveTheSameAnomalies(t *testing.T) {
	b := newBroker(t)
	dir := t.TempDir()
	var confs []string
	for _, name := range []string{"hegemony_mean", "short_window_median"} {
		folder := filepath.Join("..", "testdata", "golden", name)
		c, err := golden.Load(folder)
		must(t, err)
		b.cases[name] = c
		conf := b.conf(t, dir, name, "")
		confs = append(confs, conf)
		done, err := b.replay(t, b.load(t, conf), replay{Topic: name + ".in"}, filepath.Join(folder, "input.jsonl.gz"))
		must(t, err)
		if done.Records != int64(len(c.Records)) || done.Skipped != 0 || len(done.Problems) > 0 || done.Warning != "" {
			t.Errorf("%s: replayed %+v of %d", name, done, len(c.Records))
		}
		b.sameRecords(t, name+".in", c.Records)
	}
	o := newOutside(t, map[string]string{"KAFKA_HOST": b.address(), "DETECTOR_DATA_DIR": filepath.Join(dir, "data")})
	exit := o.run(confs...)
	for name := range b.cases {
		b.untilRead(t, name)
	}
	o.signals <- syscall.SIGTERM
	exits(t, exit, o)
	for name := range b.cases {
		b.verify(t, name)
	}
}

// sameRecords compares a topic with records, in each partition in their order.
func (b *broker) sameRecords(t *testing.T, topic string, want []*kgo.Record) {
	t.Helper()
	got, err := golden.Read(topic, kgo.SeedBrokers(b.cluster.ListenAddrs()...))
	must(t, err)
	next := make(map[int32][]*kgo.Record)
	for _, r := range got {
		next[r.Partition] = append(next[r.Partition], r)
	}
	for i, r := range want {
		if len(next[r.Partition]) == 0 {
			t.Fatalf("%s lacks record %d in partition %d", topic, i, r.Partition)
		}
		found := next[r.Partition][0]
		next[r.Partition] = next[r.Partition][1:]
		if !bytes.Equal(found.Key, r.Key) || !bytes.Equal(found.Value, r.Value) || !found.Timestamp.Equal(r.Timestamp) {
			t.Fatalf("%s has the record %+v, want %+v", topic, found, r)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s has %d records, want %d", topic, len(got), len(want))
	}
}

// TestReplayKeepsTimesAndKeys of a CSV, and writes what the detector refuses, too.
func TestReplayKeepsTimesAndKeys(t *testing.T) {
	b := newBroker(t)
	dir := t.TempDir()
	conf := b.conf(t, dir, "hegemony_mean", "")
	config := b.load(t, conf)
	file := filepath.Join(dir, "rows.csv")
	var text strings.Builder
	text.WriteString("timestamp,scope,asn,hege\n")
	for i := range 50 {
		fmt.Fprintf(&text, "%d,%d,x,0.5\n", 1600000200+i, i)
	}
	text.WriteString("1600000300,50,x,none\nyesterday,51,x,1\n")
	must(t, os.WriteFile(file, []byte(text.String()), 0o600))
	done, err := b.replay(t, config, replay{Topic: "new"}, file)
	must(t, err)
	if done.Records != 51 || done.Bad != 1 || done.Skipped != 1 || done.From != 1600000200000 || done.Until != 1600000300000 {
		t.Errorf("replayed %+v", done)
	}
	records, err := golden.Read("new", kgo.SeedBrokers(b.cluster.ListenAddrs()...))
	must(t, err)
	if len(records) != 51 {
		t.Fatalf("the topic has %d records", len(records))
	}
	byKey := kgo.StickyKeyPartitioner(nil).ForTopic("new")
	for _, r := range records {
		fields, _, err := msgp.ReadMapStrIntfBytes(r.Value, nil)
		must(t, err)
		key := fmt.Sprint(fields["scope"], ",x")
		if string(r.Key) != key && string(r.Key) != "" || fields["timestamp"] != r.Timestamp.Unix() || r.Partition != int32(byKey.Partition(r, 10)) {
			t.Errorf("the record of %v has the key %q, the time %s and the partition %d", fields, r.Key, r.Timestamp, r.Partition)
		}
	}
	if _, err := b.replay(t, config, replay{Topic: "new"}, file); err == nil || !strings.Contains(err.Error(), "want a new topic") {
		t.Errorf("a topic with records is taken: %v", err)
	}
	if done, err := b.replay(t, config, replay{Topic: "new", Append: true}, file); err != nil || done.Records != 51 {
		t.Errorf("appended %+v, %v", done, err)
	}
}

func TestReplayRefusesATopicThatWouldChangeRecords(t *testing.T) {
	b := newBroker(t)
	dir := t.TempDir()
	config := b.load(t, b.conf(t, dir, "hegemony_mean", ""))
	input := filepath.Join("..", "testdata", "golden", "hegemony_mean", "input.jsonl.gz")
	must(t, b.cluster.CreateTopic("stamps", 10, map[string]string{"message.timestamp.type": "LogAppendTime"}))
	must(t, b.cluster.CreateTopic("narrow", 1, nil))
	must(t, b.cluster.CreateTopic("forgets", 10, map[string]string{"retention.ms": "604800000"}))
	if _, err := b.replay(t, config, replay{Topic: "stamps"}, input); err == nil || !strings.Contains(err.Error(), "want CreateTime") {
		t.Errorf("a topic with its own times is taken: %v", err)
	}
	if _, err := b.replay(t, config, replay{Topic: "narrow"}, input); err == nil || !strings.Contains(err.Error(), "want a topic with more") {
		t.Errorf("a topic with too few partitions is taken: %v", err)
	}
	if done, err := b.replay(t, config, replay{Topic: "forgets"}, input); err != nil || !strings.Contains(done.Warning, "retention.ms") {
		t.Errorf("no warning of the retention: %+v, %v", done, err)
	}
}

// TestEndedReplayHasWrittenWhatWasDue ends while it waits for the second bin.
func TestEndedReplayHasWrittenWhatWasDue(t *testing.T) {
	b := newBroker(t)
	config := b.load(t, b.conf(t, t.TempDir(), "hegemony_mean", ""))
	folder := filepath.Join("..", "testdata", "golden", "hegemony_mean")
	c, err := golden.Load(folder)
	must(t, err)
	due := 0
	for c.Records[due].Timestamp.Equal(c.Records[0].Timestamp) {
		due++
	}
	options, err := fileOptions(config, nil, "", "")
	must(t, err)
	from, err := source.Open([]string{filepath.Join(folder, "input.jsonl.gz")}, options)
	must(t, err)
	defer from.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	asked := 0
	frozen := func() time.Time { // is asked for each record
		if asked++; asked == due+1 {
			time.AfterFunc(10*time.Millisecond, cancel)
		}
		return time.UnixMilli(0)
	}
	r := replay{Topic: "slow", Speed: 1, From: from, Decode: source.NewDecoder(options)}
	done, err := r.run(ctx, config, frozen)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the replay ended with %v", err)
	}
	records, err := golden.Read("slow", kgo.SeedBrokers(b.cluster.ListenAddrs()...))
	must(t, err)
	if len(records) > due || int64(len(records)) != done.Records {
		t.Errorf("the topic has %d records, %d were due, and %d are told", len(records), due, done.Records)
	}
}

func TestPaceFollowsTheTimes(t *testing.T) {
	now := time.UnixMilli(0)
	p := pace{speed: 60, now: func() time.Time { return now }}
	minute := int64(60_000)
	day := 24 * 60 * minute
	for i, c := range []struct {
		at    int64
		wants time.Duration
	}{
		{0, 0}, {minute, time.Second}, {0, 0}, {minute, 0}, {2 * minute, 2 * time.Second},
		{2*minute + day, 24*time.Minute + 2*time.Second}, {2*minute + 900*day, 48*time.Minute + 2*time.Second}, // not 900 days
	} {
		if got := p.until(c.at); got != c.wants {
			t.Errorf("record %d waits %s, want %s", i, got, c.wants)
		}
	}
	for text, want := range map[string]float64{"max": math.Inf(1), "60x": 60, "0.5x": 0.5} {
		if got, err := parseSpeed(text); err != nil || got != want {
			t.Errorf("%s is %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "60", "x", "0x", "-1x", "NaNx", "Infx"} {
		if got, err := parseSpeed(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}
