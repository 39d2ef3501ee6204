package actors

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/datapoint"
	"anomalydetector/detection"
	"anomalydetector/messages"
)

// observed has an entity take a value, and returns the anomaly as it was before
// anything was added to it; nil: it is none.
func observed(e *entity, at int64, value float64) (*kgo.Record, *detection.Verdict) {
	o := &messages.Observation{At: at, Value: value, Record: &kgo.Record{Topic: "in", Partition: 3, Offset: at, Value: []byte{0x80}}}
	verdict := e.window.Add(e.shared.scorer, 1, at, value)
	if verdict.Reason != detection.Anomalous {
		return nil, &verdict
	}
	return newAnomaly(e.shared, "key", o, &verdict).Record, &verdict
}

// TestHeadersParseBackToTheBitsOfTheVerdict, whatever is in the window.
func TestHeadersParseBackToTheBitsOfTheVerdict(t *testing.T) {
	for _, metric := range []detection.Metric{detection.MeanDeviation, detection.MedianDeviation} {
		anomalous := 0
		for seed := range uint64(300) {
			random := rand.New(rand.NewPCG(seed, uint64(metric)))
			e := &entity{shared: &shared{group: "g", scorer: detection.NewScorer(detection.NewRules(detection.Settings{
				GranularityMinutes: 15, HistoryHours: 6, MinRatio: 0.3, Threshold: 2, MinDeviation: []float64{0, 0.01, 1e-300}[seed%3], Metric: metric,
			}))}}
			size := random.IntN(1200) - 600
			for i := range int64(60) {
				value := math.Ldexp(random.NormFloat64(), size+random.IntN(5))
				if seed%5 == 0 && i%7 != 0 {
					value = 1 // with a min_dev of 0 the scale is 0
				}
				record, verdict := observed(e, i*15*60_000, value)
				if record == nil {
					continue
				}
				anomalous++
				plain := *record
				e.explain(record, verdict, math.MaxInt)
				if !bytes.Equal(record.Value, plain.Value) || !bytes.Equal(record.Key, plain.Key) || len(record.Headers) != len(plain.Headers)+3 || record.Headers[6].Key != "group" || string(record.Headers[6].Value) != "g" {
					t.Fatalf("it is %v, and was %v", record, plain)
				}
				usual, scale := parsed(t, record.Headers[4], "usual"), parsed(t, record.Headers[5], "scale")
				if !sameBits(usual, verdict.Median) || !sameBits(scale, verdict.Scale) || !sameBits((value-usual)/scale, verdict.Deviation) {
					t.Fatalf("usual %v, scale %v of %+v", usual, scale, *verdict)
				}
			}
		}
		if anomalous < 500 {
			t.Fatalf("only %d anomalies", anomalous)
		}
	}
}

func sameBits(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }

func parsed(t *testing.T, header kgo.RecordHeader, name string) float64 {
	t.Helper()
	number, err := strconv.ParseFloat(string(header.Value), 64)
	if err != nil || header.Key != name {
		t.Fatalf("header %s = %q, want a %s", header.Key, header.Value, name)
	}
	return number
}

// copyOf has nothing in common with an anomaly that could be appended to.
func copyOf(anomaly *kgo.Record) *kgo.Record {
	one := *anomaly
	one.Value, one.Headers = bytes.Clone(anomaly.Value), slices.Clone(anomaly.Headers)
	return &one
}

// TestExplanationIsLeftOutBeforeTheAnomalyIsRefused: the key goes first, then the
// headers.
func TestExplanationIsLeftOutBeforeTheAnomalyIsRefused(t *testing.T) {
	e := &entity{shared: &shared{explain: true, scorer: detection.NewScorer(detection.NewRules(detection.Settings{
		GranularityMinutes: 60, HistoryHours: 10, MinRatio: 0.1, Threshold: 2, MinDeviation: 0.5,
	}))}}
	for at := range int64(5) {
		observed(e, at, 1)
	}
	plain, verdict := observed(e, 5, 100)
	payload, base := bytes.Clone(plain.Value), size(plain)
	full := copyOf(plain)
	e.explain(full, verdict, math.MaxInt)
	headers := base + 3*(len("usual")+10) + len("1") + len("0.7413")
	for most, want := range map[int]struct {
		headers int
		payload []byte
	}{
		base:                                    {4, payload},
		headers - 1:                             {4, payload},
		headers:                                 {7, payload},
		headers + datapoint.ExplanationSize - 1: {7, payload},
		headers + datapoint.ExplanationSize:     {7, full.Value},
		headers + 2*datapoint.ExplanationSize:   {7, full.Value},
	} {
		got := copyOf(plain)
		e.explain(got, verdict, most)
		if len(got.Headers) != want.headers || !bytes.Equal(got.Value, want.payload) || size(got) > most {
			t.Errorf("of %d bytes, %d are used: %d headers, payload %x", most, size(got), len(got.Headers), got.Value)
		}
	}
	if len(full.Value) <= len(payload) {
		t.Errorf("nothing was added to %x", full.Value)
	}
}
