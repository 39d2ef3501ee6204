package detection

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"anomalydetector/test/golden"
)

// TestVerdictsEqualTheOriginalProgram compares them to the last bit.
func TestVerdictsEqualTheOriginalProgram(t *testing.T) {
	folders, _ := filepath.Glob(filepath.Join("..", "testdata", "golden", "*"))
	if len(folders) == 0 {
		t.Fatal("no golden streams in testdata/golden")
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			stream, err := golden.Load(folder)
			if err != nil {
				t.Fatal(err)
			}
			scorer := NewScorer(NewRules(settingsOf(stream)))
			windows := map[string]*Window{}
			anomalies := 0
			for i, record := range stream.Records {
				entity, value := decode(t, stream, record.Value)
				w := windows[entity]
				if w == nil {
					w = new(Window)
					windows[entity] = w
				}
				w.PrefetchPoints() // of any window, for any record: it must not matter
				v := w.Add(scorer, uint64(i/1000), record.Timestamp.UnixMilli(), value)
				want, anomalous := stream.Expected[i]
				if got := v.Reason == Anomalous; got != anomalous {
					t.Fatalf("record %d is an anomaly: %v, in the original: %v", i, got, anomalous)
				}
				if !anomalous {
					continue
				}
				anomalies++
				if math.Float64bits(v.Deviation) != math.Float64bits(want) {
					t.Fatalf("the deviation of record %d is %v, in the original %v", i, v.Deviation, want)
				}
				if again := (value - v.Median) / v.Scale; math.Float64bits(again) != math.Float64bits(v.Deviation) {
					t.Fatalf("record %d: (%v - %v) / %v is %v, the deviation %v", i, value, v.Median, v.Scale, again, v.Deviation)
				}
			}
			if anomalies == 0 || anomalies != len(stream.Expected) {
				t.Fatalf("%d anomalies, the original has %d", anomalies, len(stream.Expected))
			}
			t.Logf("%d points of %d entities, %d anomalies", len(stream.Records), len(windows), anomalies)
		})
	}
}

func settingsOf(stream *golden.Case) Settings {
	io, rules := stream.Conf.IO, stream.Conf.Detection
	s := Settings{GranularityMinutes: io.GranularityMinutes, HistoryHours: rules.HistoryHours, MinRatio: rules.MinRatio,
		Threshold: rules.Threshold, MinDeviation: rules.MinDeviation}
	if rules.Metric == MedianDeviation.String() {
		s.Metric = MedianDeviation
	}
	return s
}

func decode(t *testing.T, stream *golden.Case, datapoint []byte) (entity string, value float64) {
	t.Helper()
	fields, _, err := msgp.ReadMapStrIntfBytes(datapoint, nil)
	if err != nil {
		t.Fatal(err)
	}
	var parts []string
	for _, key := range stream.Conf.IO.KeyFields {
		parts = append(parts, fmt.Sprint(fields[key]))
	}
	switch x := fields[stream.Conf.IO.ValueField].(type) {
	case float64:
		value = x
	case float32:
		value = float64(x)
	case int64:
		value = float64(x)
	case uint64:
		value = float64(x)
	default:
		t.Fatalf("the value is a %T", x)
	}
	return strings.Join(parts, ","), value
}
