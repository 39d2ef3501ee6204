package kafka_test

import (
	"context"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// createTopics makes all topics. They keep their records for ever; output and letters are more settings
// of the output and the dead-letter topic.
func (w *world) createTopics(output, letters map[string]string) {
	w.Helper()
	for topic, own := range map[string]map[string]string{w.input(): nil, w.output(): output, w.letter(): letters} {
		with := map[string]*string{"retention.ms": kadm.StringPtr("-1")}
		for key, value := range own {
			with[key] = &value
		}
		_, err := w.admin.CreateTopic(context.Background(), w.golden.Partitions, 1, with, topic)
		must(w.T, err)
	}
}

func headersOf(record *kgo.Record) map[string]string {
	headers := make(map[string]string)
	for _, header := range record.Headers {
		headers[header.Key] = string(header.Value)
	}
	return headers
}

// TestTopicThatRefusesAllAnomaliesStopsNothing: both topics refuse the anomalies, whose timestamps are
// years old. Dead letters have the present time, and are accepted.
func TestTopicThatRefusesAllAnomaliesStopsNothing(t *testing.T) {
	w := newWorld(t, "hegemony_mean")
	old := map[string]string{"message.timestamp.before.max.ms": "3600000"}
	w.createTopics(old, old)
	p := w.start(w.conf("[output]", "dead_letter_topic = "+w.letter()))
	w.feed(len(w.golden.Records))
	w.untilCommitted()
	p.stop()
	if got := w.read(w.output()); len(got) != 0 {
		t.Errorf("%d anomalies were written to a topic that refuses them", len(got))
	}
	letters := make(map[string]int)
	for _, letter := range w.read(w.letter()) {
		headers := headersOf(letter)
		letters[headers["partition"]+"/"+headers["offset"]]++
		if headers["reason"] != "anomaly_refused" || headers["error"] != "INVALID_TIMESTAMP" || headers["dead_letter_error"] != "INVALID_TIMESTAMP" ||
			headers["timestamp"] == "" || len(letter.Value) == 0 {
			t.Fatalf("a dead letter has the headers %v", headers)
		}
	}
	for at, count := range letters {
		if count != 1 {
			t.Errorf("the dead letter of %s appears %d times", at, count)
		}
	}
	if len(letters) != len(w.golden.Expected) {
		t.Errorf("there are %d dead letters, want %d", len(letters), len(w.golden.Expected))
	}
}

// TestTopicWithASmallLimitGetsSmallBatches: the detector asks for the limit.
func TestTopicWithASmallLimitGetsSmallBatches(t *testing.T) {
	w := newWorld(t, "hegemony_mean")
	w.createTopics(map[string]string{"max.message.bytes": "1000"}, nil)
	w.feed(len(w.golden.Records))
	p := w.start(w.conf())
	w.untilCommitted()
	p.stop()
	w.verify()
	if strings.Contains(p.output.String(), "aborting the transaction") {
		t.Error("a transaction was aborted")
	}
}

// TestMadeTopicKeepsWhatIsYearsOld: it keeps records as long as the input topic does.
func TestMadeTopicKeepsWhatIsYearsOld(t *testing.T) {
	w := newWorld(t, "short_window_median")
	_, err := w.admin.CreateTopic(context.Background(), w.golden.Partitions, 1, map[string]*string{"retention.ms": kadm.StringPtr("-1")}, w.input())
	must(t, err)
	w.feed(len(w.golden.Records))
	p := w.start(w.conf())
	w.untilCommitted()
	answers, err := w.admin.DescribeTopicConfigs(context.Background(), w.output())
	must(t, err)
	for _, setting := range answers[0].Configs {
		if setting.Key == "retention.ms" && setting.MaybeValue() != "-1" {
			t.Errorf("the output topic keeps its records for %s ms", setting.MaybeValue())
		}
	}
	p.stop()
	w.verify()
}

// TestOutputTopicIsMadeAgainOnARealBroker after it was deleted while the detector runs.
func TestOutputTopicIsMadeAgainOnARealBroker(t *testing.T) {
	w := newWorld(t, "hegemony_mean")
	w.createInput()
	p := w.start(w.conf())
	half := len(w.golden.Records) / 2
	w.feed(half)
	w.untilCommitted()
	_, err := w.admin.DeleteTopics(context.Background(), w.output())
	must(t, err)
	w.feed(len(w.golden.Records))
	w.untilCommitted()
	p.stop()
	want := 0
	for number := range w.golden.Expected {
		if number >= half {
			want++
		}
	}
	if got := len(w.read(w.output())); got != want {
		t.Errorf("there are %d anomalies, want %d", got, want)
	}
}
