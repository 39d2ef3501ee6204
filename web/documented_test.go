package web

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/twmb/franz-go/pkg/kgo"
)

// families are all metrics of ours that /metrics can show, even those that it shows only now and then.
func families(t *testing.T) []*dto.MetricFamily {
	t.Helper()
	of := healthy("d")
	of.Group = func() (Group, bool) { return Group{1, 0}, true }
	of.Notified = func() []Notified { return []Notified{{Alertmanager: "a:1"}} }
	s := newSite(of)
	s.Measure("d")
	s.MeasureNotifications("d")("a:1", time.Second)
	get(s.Handler(true), "/healthz")
	all := s.KafkaHook("d", "session").(traffic)
	fault := errors.New("a fault")
	all.OnBrokerConnect(kgo.BrokerMetadata{}, time.Second, nil, nil)
	all.OnBrokerConnect(kgo.BrokerMetadata{}, time.Second, nil, fault)
	all.OnBrokerDisconnect(kgo.BrokerMetadata{}, nil)
	for _, e2e := range []kgo.BrokerE2E{{BytesWritten: 1, BytesRead: 1}, {WriteErr: fault}, {ReadErr: fault}} {
		all.OnBrokerE2E(kgo.BrokerMetadata{}, 0, e2e)
	}
	all.OnFetchBatchRead(kgo.BrokerMetadata{}, "t", 0, kgo.FetchBatchMetrics{NumRecords: 1, CompressedBytes: 1, UncompressedBytes: 1})
	all.OnProduceBatchWritten(kgo.BrokerMetadata{}, "t", 0, kgo.ProduceBatchMetrics{NumRecords: 1, CompressedBytes: 1, UncompressedBytes: 1})
	gathered, err := s.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(gathered, func(f *dto.MetricFamily) bool { return !strings.HasPrefix(f.GetName(), prefix+"_") })
}

// docs/metrics.md has a line for each metric, with its type, its labels and its help text, and no other line.
func TestEachMetricIsInTheDocs(t *testing.T) {
	page, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for line := range strings.Lines(string(page)) {
		if strings.HasPrefix(line, "| `"+prefix) {
			told = append(told, strings.TrimSpace(line))
		}
	}
	for _, family := range families(t) {
		var labels []string
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if !slices.Contains(labels, label.GetName()) {
					labels = append(labels, label.GetName())
				}
			}
		}
		slices.Sort(labels)
		row := fmt.Sprintf("| `%s` | %s | %s | %s |", family.GetName(), strings.ToLower(family.GetType().String()),
			strings.Join(labels, ", "), family.GetHelp())
		if !slices.Contains(told, row) {
			t.Errorf("docs/metrics.md lacks this line:\n%s", row)
		}
		told = slices.DeleteFunc(told, func(line string) bool { return line == row })
	}
	for _, line := range told {
		t.Errorf("docs/metrics.md has this line, and there is no such metric:\n%s", line)
	}
}

// A request, a batch and an error of each kind move all counters.
func TestEachKafkaCounterIsMovedByTraffic(t *testing.T) {
	count := 0
	for _, family := range families(t) {
		if !strings.HasPrefix(family.GetName(), prefix+"_kafka_") {
			continue
		}
		count++
		if got := family.GetMetric()[0].GetCounter().GetValue(); got != 1 {
			t.Errorf("%s is %v, want 1", family.GetName(), got)
		}
	}
	if count != 15 {
		t.Errorf("there are %d, want 15", count)
	}
}
