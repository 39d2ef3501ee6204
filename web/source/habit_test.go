package source

import (
	"context"
	"strings"
	"testing"
	"time"

	"anomalydetector/detection"
	"anomalydetector/messages"
	"anomalydetector/tail"
	"anomalydetector/web/answers"
)

// newHabitHarness has a detector of the method habit.
func newHabitHarness(t *testing.T) *harness {
	h := newHarness(t)
	of := *h.known[0].Detector
	of.Settings.Method, of.Settings.MinRatio = detection.HabitMethod, detection.HabitMinRatio
	h.Source = New(Config{Version: "1", Node: "n1", Now: func() time.Time { return h.clock }, Asker: h.actors, Detectors: []*Detector{&of}})
	return h
}

func ref(x float64) *float64 { return &x }

// habit gives the actors an entity of three points. Of the first one it is not known what was expected.
func (h *harness) habit(key string, last float64, judged *messages.Judgement) {
	points := []messages.WindowPoint{{At: at(286), Value: 0.7}, {At: at(287), Value: 0.72}, {At: at(288), Value: last}}
	h.actors.entities[key] = messages.EntityAnswer{Detector: "hegemony", Entity: key, Found: []messages.EntityStatus{{
		Partition: 1, Role: messages.RoleAssigned, Phase: messages.Ready, Points: 3, Needed: 58, Full: 192, Scored: judged != nil, Window: points,
		Median: ref(0.69), Scale: ref(0.02), Low: ref(0.59), High: ref(0.79), LastDeviation: ref(-14.5),
		Habit: &messages.HabitStatus{Hours: 48, Next: at(289), Last: judged, Expected: []messages.Expectation{
			{}, {Known: true, Expected: 0.705, Low: 0.6, High: 0.81}, {Known: true, Exact: true, Expected: 0.71, Low: 0.604, High: 0.816},
		}},
	}}}
}

// found adds an anomaly of the method habit to the tail.
func (h *harness) found(key string, bins int, value, deviation float64, habit tail.Habit) {
	h.offset++
	habit.Found = true
	h.tail.Add([]tail.Entry{{ID: strings.Repeat("0", 30) + string(rune('a'+h.offset)) + "0", Entity: key, Fields: strings.Split(key, ","), At: at(bins), Value: value,
		Usual: 0.71, Scale: 0.0212, Deviation: deviation, Output: tail.Place{Offset: h.offset}, Habit: habit}}, tail.Vector{0: h.offset + 1})
}

func (h *harness) ask(key string) answers.Entity {
	h.t.Helper()
	e, err := h.Entity(context.Background(), "", key)
	if err != nil {
		h.t.Fatal(err)
	}
	return e
}

func TestEntityOfHabitTellsWhatWasExpectedOfEachPoint(t *testing.T) {
	h := newHabitHarness(t)
	judged := &messages.Judgement{Anomalous: true, Test: "value", Expected: ref(0.71), Low: ref(0.604), High: ref(0.816), Mean: ref(-0.02), UsualMean: ref(0.03)}
	h.habit("-1,1", 0.42, judged)
	e := h.ask("-1,1")
	if e.Method != answers.Habit || e.Needed != 58 || e.Full != 192 || !e.NextAt.Equal(moment(at(289))) || *e.Median != 0.69 || e.Reason != "anomalous" || len(e.Window) != 3 {
		t.Errorf("%+v", e)
	}
	if w := e.Window; w[0].Expected != nil || w[0].Low != nil || w[1].Exact || *w[1].Expected != 0.705 || *w[1].High != 0.81 || !w[2].Exact || *w[2].Low != 0.604 {
		t.Errorf("%+v", w)
	}
	if want := "At " + clock(time.UnixMilli(at(288))) + ": 0.71 expected at this time of day, 0.60 to 0.82 usual; it is 0.42."; e.Verdict != want {
		t.Errorf("%q, want %q", e.Verdict, want)
	}
	if last := e.Last; *last.Expected != 0.71 || last.Test != answers.ValueTest || *last.UsualMean != 0.03 || *last.Deviation != -14.5 {
		t.Errorf("%+v", last)
	}
	d, err := h.Detectors(context.Background())
	if err != nil || d.Items[0].Method != answers.Habit || d.Items[0].WindowHours != 48 || d.Items[0].PointsFull != 192 || d.Items[0].PointsNeeded != 58 {
		t.Errorf("%+v, %v", d.Items, err)
	}
}

// TestAnomalyOfHabitKnowsItsBandForEver: what its point was compared with is in its record.
func TestAnomalyOfHabitKnowsItsBandForEver(t *testing.T) {
	h := newHabitHarness(t)
	h.habit("-1,1", 0.7, &messages.Judgement{Test: "mean", Expected: ref(0.71), Low: ref(0.604), High: ref(0.816), Mean: ref(0.01), UsualMean: ref(0.03)})
	h.found("-1,1", 286, 0.7, -8.3, tail.Habit{OfMean: true, Mean: -0.05, UsualMean: 0.03})
	e := h.ask("-1,1")
	if w := e.Window[0]; !w.Exact || *w.Expected != 0.71 || *w.Low != 0.71-5*0.0212 || e.Reason != "normal" {
		t.Errorf("%+v, %s", w, e.Reason)
	}
	if !strings.Contains(e.Verdict, "0.71 expected at this time of day, 0.60 to 0.82 usual; it is 0.70.") {
		t.Error(e.Verdict) // a normal value, whatever test came nearer to its limit
	}
	const want = "the last 24 values lie 0.050 below expectation on average; up to 0.030 is usual"
	if a := e.Anomalies[0]; !a.OfMean() || a.Method != answers.Habit || *a.Mean != -0.05 || *a.UsualMean != 0.03 || a.Sentence != want {
		t.Errorf("%+v", a)
	}
	if x := e.Episodes[0]; !x.OfMean() || *x.Mean != -0.05 || x.Sentence != want {
		t.Errorf("%+v", x)
	}
}

func TestEntityOfHabitSaysWhyItIsNotScored(t *testing.T) {
	h := newHabitHarness(t)
	h.habit("-1,1", 0.7, nil)
	if e := h.ask("-1,1"); e.Reason != "too_few_points" || !strings.HasSuffix(e.Verdict, "is not scored: 2 of 58 points needed were known.") {
		t.Error(e.Reason, e.Verdict)
	}
	h.actors.entities["-1,1"].Found[0].Needed = 2
	if e := h.ask("-1,1"); e.Reason != "too_few_points" || !strings.HasSuffix(e.Verdict, "is not scored: the method habit needs two days before.") {
		t.Error(e.Reason, e.Verdict)
	}
}

// TestNumbersAreAsFineAsTheBand, and an anomaly never looks like a normal value.
func TestNumbersAreAsFineAsTheBand(t *testing.T) {
	for _, c := range []struct {
		expected, reach, value float64
		want                   string
	}{
		{0.7149, 0.1061, 0.4217, "0.71 expected at this time of day, 0.61 to 0.82 usual; it is 0.42"},
		{0.7149, 0.1061, 0.6087, "0.7149 expected at this time of day, 0.6088 to 0.8210 usual; it is 0.6087"},
		{182.44, 3.2, 210.06, "182.4 expected at this time of day, 179.2 to 185.6 usual; it is 210.1"},
		{41280, 1234, 7, "41280 expected at this time of day, 40046 to 42514 usual; it is 7"},
		{0.5, 0, 0.25, "0.5 expected at this time of day, 0.5 to 0.5 usual; it is 0.25"},
	} {
		j := detection.Judgement{Verdict: detection.Verdict{Reason: detection.Anomalous, Median: c.expected}, Low: c.expected - c.reach, High: c.expected + c.reach}
		if got := sentence(&j, c.value); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
