package kafka_test

import (
	"context"
	"encoding/hex"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/test/golden"
)

func TestGoldenCasesAreBitEqualThroughTheBinaryOnApacheKafka(t *testing.T) {
	for _, name := range golden.Names {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, name)
			w.createInput()
			p := w.start(w.conf())
			w.feed(len(w.golden.Records))
			w.untilCommitted()
			p.stop()
			w.verify()
			w.verifyHeaders()
		})
	}
}

// verifyHeaders checks the headers that the original program does not write.
func (w *world) verifyHeaders() {
	w.Helper()
	const none, snappy = 0, 2
	compressed := 0
	ids := make(map[string]bool)
	byValue := make(map[string]string)
	offsets := make(map[int32]int64)
	for _, r := range w.golden.Records[:w.fed] {
		byValue[string(r.Value)] = strconv.Itoa(int(r.Partition)) + "/" + strconv.FormatInt(offsets[r.Partition], 10)
		offsets[r.Partition]++
	}
	for _, r := range w.read(w.output()) {
		headers := make(map[string]string)
		for _, h := range r.Headers {
			headers[h.Key] = string(h.Value)
		}
		if id, err := hex.DecodeString(headers["id"]); err != nil || len(id) != 16 || ids[headers["id"]] {
			w.Errorf("anomaly %s has the id %q, want 32 hex digits of its own", r.Key, headers["id"])
		}
		ids[headers["id"]] = true
		position := headers["partition"] + "/" + headers["offset"]
		if _, rest, err := msgp.ReadMapStrIntfBytes(r.Value, nil); err != nil || len(rest) > 0 {
			w.Errorf("anomaly %s is no msgpack map", r.Key)
		}
		datapoint := string(r.Value[len("\x82\xa9datapoint") : len(r.Value)-len("\xa9deviation")-9])
		if headers["topic"] != w.input() || byValue[datapoint] != position {
			w.Errorf("anomaly %s says it was at %s of %s, and was at %s", r.Key, position, headers["topic"], byValue[datapoint])
		}
		switch r.Attrs.CompressionType() {
		case snappy:
			compressed++
		case none: // Kafka's client leaves a batch uncompressed if compression would make it larger
		default:
			w.Errorf("anomaly %s has compression %d, want snappy", r.Key, r.Attrs.CompressionType())
		}
	}
	if compressed == 0 {
		w.Error("no batch is compressed with snappy")
	}
}

func TestMissingOutputTopicIsCreatedWithTenPartitions(t *testing.T) {
	w := newWorld(t, "short_window_median")
	p := w.start(w.conf())
	p.says("does not exist", 1)
	_, err := w.admin.CreateTopic(context.Background(), w.golden.Partitions, 1,
		map[string]*string{"retention.ms": kadm.StringPtr("-1")}, w.input())
	must(t, err)
	p.says("partition ready", int(w.golden.Partitions))
	p.stop()
	topics, err := w.admin.ListTopics(context.Background(), w.output())
	must(t, err)
	if got := len(topics[w.output()].Partitions); got != 10 {
		t.Errorf("the output topic has %d partitions, want 10", got)
	}
}

// TestKilledProcessOwnsItsPartitionsAgainWithoutTheSessionTimeout of 15 s. The bound is generous because
// machines are noisy.
func TestKilledProcessOwnsItsPartitionsAgainWithoutTheSessionTimeout(t *testing.T) {
	w := newWorld(t, "hegemony_median")
	w.createInput()
	conf := w.conf()
	p := w.start(conf)
	w.feed(len(w.golden.Records) / 2)
	w.untilCommitted()
	for range 5 {
		w.feed(len(w.golden.Records) / 12)
		p.signal(syscall.SIGKILL)
		<-p.exited
		began := time.Now()
		p = w.start(conf)
		p.says("partition assigned", int(w.golden.Partitions))
		owned := time.Since(began)
		p.says("partition ready", int(w.golden.Partitions))
		t.Logf("killed: owns its partitions again after %v, ready after %v", owned.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
		if owned > 8*time.Second {
			t.Errorf("the partitions were assigned after %v, as if by the session timeout", owned)
		}
	}
	w.feed(len(w.golden.Records))
	w.untilCommitted()
	p.stop()
	w.verify()
}

func TestSecondProcessOnTheSameDataDirectoryIsRefused(t *testing.T) {
	w := newWorld(t, "short_window_median")
	w.createInput()
	conf := w.conf()
	first := w.start(conf)
	first.says("partition ready", int(w.golden.Partitions))
	second := w.start(conf)
	if code := second.ends(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if said := second.output.String(); !strings.Contains(said, "in use by another process") || !strings.Contains(said, filepath.Join(w.home, "data")) {
		t.Errorf("the second process said %q", said)
	}
	w.feed(len(w.golden.Records))
	w.untilCommitted()
	first.stop()
	w.verify()
}

func TestFailFastExitsWhenTheInputIsMissing(t *testing.T) {
	w := newWorld(t, "short_window_median")
	p := w.start("--fail-fast", w.conf())
	if code := p.ends(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	p.says("does not exist", 1)
}

func TestDurationEndsTheJobCleanly(t *testing.T) {
	w := newWorld(t, "short_window_median")
	w.createInput()
	p := w.start(w.conf("duration = 0.05"))
	if code := p.ends(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

func TestBadRecordsEndInTheDeadLetterTopic(t *testing.T) {
	w := newWorld(t, "short_window_median")
	w.createInput()
	p := w.start(w.conf("[output]", "dead_letter_topic = "+w.letter()))
	w.feed(len(w.golden.Records) / 2)
	good := w.golden.Records[0]
	want := make(map[string]int)
	for reason, values := range badValues(w.golden, good) {
		for _, value := range values {
			bad := &kgo.Record{Topic: w.input(), Partition: good.Partition, Key: good.Key, Value: value, Timestamp: good.Timestamp}
			if reason == "negative_timestamp" {
				bad.Timestamp = time.UnixMilli(-1)
			}
			must(t, w.client.ProduceSync(context.Background(), bad).FirstErr())
			want[reason+"|"+string(value)]++
		}
	}
	w.feed(len(w.golden.Records))
	w.untilCommitted()
	p.stop()
	w.verify()
	for _, r := range w.read(w.letter()) {
		headers := make(map[string]string)
		for _, h := range r.Headers {
			headers[h.Key] = string(h.Value)
		}
		want[headers["reason"]+"|"+string(r.Value)]--
		if headers["topic"] != w.input() || headers["partition"] == "" || headers["offset"] == "" {
			t.Errorf("dead letter has the headers %v", headers)
		}
	}
	for letter, count := range want {
		if count != 0 {
			t.Errorf("%d dead letters too few of %q", count, letter)
		}
	}
	for reason := range badValues(w.golden, good) {
		if !strings.Contains(p.output.String(), "reason="+reason) {
			t.Errorf("the log has no bad record with reason=%s", reason)
		}
		if !strings.Contains(p.output.String(), reason+"=") {
			t.Errorf("the summary does not count %s", reason)
		}
	}
}

// badValues are bad payloads for each reason.
func badValues(c *golden.Case, good *kgo.Record) map[string][][]byte {
	value, key := c.Conf.IO.ValueField, c.Conf.IO.KeyFields[0]
	changed := func(field string, change any) []byte {
		fields, _, err := msgp.ReadMapStrIntfBytes(good.Value, nil)
		if err != nil {
			panic(err)
		}
		if change == missing {
			delete(fields, field)
		} else {
			fields[field] = change
		}
		payload, err := msgp.AppendMapStrIntf(nil, fields)
		if err != nil {
			panic(err)
		}
		return payload
	}
	return map[string][][]byte{
		"tombstone":          {nil},
		"truncated":          {{}, good.Value[:len(good.Value)-3], []byte("\xdf\xff\xff\xff\xff\xa1a")},
		"not_msgpack":        {[]byte("\xc1abc"), []byte(`{"value": 1}`), append(append([]byte{}, good.Value...), 1)},
		"not_a_map":          {msgp.AppendInt(nil, 42), msgp.AppendNil(nil), {0x93, 1, 2, 3}},
		"field_missing":      {changed(value, missing), changed(key, missing), msgp.AppendMapHeader(nil, 0)},
		"value_not_a_number": {changed(value, "0.5"), changed(value, true), changed(value, nil), changed(value, []any{1})},
		"value_not_finite":   {changed(value, nan), changed(value, inf), changed(value, -inf)},
		"key_type":           {changed(key, []any{1}), changed(key, map[string]any{"a": 1}), changed(key, nil), changed(key, true)},
		"negative_timestamp": {good.Value},
		"not_utf8":           {changed("note", "\xff\xfe"), changed(key, "\xed\xa0\x80")},
		"name_type":          {changed("note", msgp.Raw("\x81\x01\x02"))},
		"invalid_time":       {changed("note", msgp.Raw("\xc7\x05\xff12345"))},
		"reserved_ext":       {changed("note", msgp.Raw("\xd4\xfe\x00"))},
	}
}

// missing makes badValues leave a field out.
var missing = new(int)

var nan, inf = math.NaN(), math.Inf(1)
