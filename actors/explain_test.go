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

// observedHabit has a state of habits take a value, and returns the anomaly as it was before anything was added to it; nil: it is none.
func observedHabit(s *shared, habit *detection.Habit, rules *detection.HabitRules, at int64, value float64) (*kgo.Record, *detection.Judgement) {
	o := &messages.Observation{At: at, Value: value, Record: &kgo.Record{Topic: "in", Partition: 3, Offset: at, Value: []byte{0x80}}}
	j := habit.Add(rules, 1, at, value)
	if j.Reason != detection.Anomalous {
		return nil, &j
	}
	return newAnomaly(s, "key", o, &j.Verdict).Record, &j
}

// usualHabits are noise around a level: after two weeks the values are lower, by little, and then by much.
func usualHabits(each func(at int64, value float64)) {
	random := rand.New(rand.NewPCG(1, 37))
	for i := range int64(96 * 15) {
		value := 10 + 0.05*random.NormFloat64()
		if i >= 96*14 {
			value -= 0.2
		}
		if i >= 96*15-4 {
			value -= 2
		}
		each(i*15*60_000, value)
	}
}

func habitRules() *detection.HabitRules {
	rules := detection.NewHabitRules(detection.Settings{Method: detection.HabitMethod, GranularityMinutes: 15, HistoryHours: 72, MinRatio: detection.HabitMinRatio, Threshold: 5, MinDeviation: 0.01})
	return &rules
}

// TestHeadersOfHabitSayHowItJudged: of the test of the value, deviation = (value - usual) / scale, and of the mean, deviation = threshold * mean /
// usual_mean, up to rounding.
func TestHeadersOfHabitSayHowItJudged(t *testing.T) {
	s, habit, rules := &shared{group: "g", explain: true}, &detection.Habit{}, habitRules()
	found := map[string]int{}
	usualHabits(func(at int64, value float64) {
		record, j := observedHabit(s, habit, rules, at, value)
		if record == nil {
			return
		}
		plain := copyOf(record)
		s.explainHabit(record, habit, rules, j, math.MaxInt)
		h := record.Headers
		if len(h) != 11 || h[6].Key != "group" || h[7].Key != "method" || string(h[7].Value) != "habit" || h[8].Key != "test" || string(h[8].Value) != j.Test.String() {
			t.Fatalf("%v", h)
		}
		usual, scale, mean, usualMean := parsed(t, h[4], "usual"), parsed(t, h[5], "scale"), parsed(t, h[9], "mean"), parsed(t, h[10], "usual_mean")
		if !sameBits(usual, j.Median) || !sameBits(scale, j.Scale) || !sameBits(mean, j.Mean) || !sameBits(usualMean, j.Usual) {
			t.Fatalf("%v of %+v", h, j)
		}
		of := (value - usual) / scale
		if j.Test == detection.MeanTest {
			of = 5 * mean / usualMean
		}
		if math.Abs(of-j.Deviation) > 1e-12*math.Abs(of) {
			t.Fatalf("%v of %+v", of, j)
		}
		found[j.Test.String()]++
		// What does not fit is left out, the key first.
		headers := size(&kgo.Record{Key: plain.Key, Value: plain.Value, Headers: h})
		for most, want := range map[int]int{headers - 1: 4, headers: 11, headers + datapoint.HabitExplanationSize - 1: 11, headers + datapoint.HabitExplanationSize: 12} {
			one := copyOf(plain)
			s.explainHabit(one, habit, rules, j, most)
			added := 0
			if len(one.Value) > len(plain.Value) {
				added = 1
			}
			if len(one.Headers)+added != want || size(one) > most || added == 1 && !bytes.Contains(one.Value, []byte("\xa6method\xa5habit\xa4test")) {
				t.Fatalf("of %d bytes %d are used, of them %d headers", most, size(one), len(one.Headers))
			}
		}
	})
	if found["value"] < 4 || found["mean"] < 4 {
		t.Errorf("found by test: %v", found)
	}
}
