package sample

import (
	"fmt"
	"time"

	"anomalydetector/backtest"
	"anomalydetector/backtest/labels"
	"anomalydetector/detection"
	"anomalydetector/episode"
)

// Scenario is what a report can be about.
type Scenario string

const (
	Grid    Scenario = "grid"    // three settings, labels, bad rows
	One     Scenario = "one"     // one setting, no labels, nothing bad
	Eight   Scenario = "eight"   // a grid of eight settings with long names
	Calm    Scenario = "calm"    // no anomaly at two settings
	Nothing Scenario = "nothing" // no datapoint at all
	Partial Scenario = "partial" // it was interrupted
	Hostile Scenario = "hostile" // foreign text is not only text
	Years   Scenario = "years"   // a value each hour of three years, from a file without key fields
	Many    Scenario = "many"    // many labels
	Big     Scenario = "big"     // eight settings, 20 entities of 3,000 points each, many anomalies
	Wide    Scenario = "wide"    // 128 settings
)

// All are the scenarios.
func All() []Scenario {
	return []Scenario{Grid, One, Eight, Calm, Nothing, Partial, Hostile, Years, Many, Big, Wide}
}

// begin is when most samples begin.
var begin = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// New makes up the result of a scenario. It is the same each time.
func New(s Scenario) *backtest.Result {
	w := &world{r: &backtest.Result{
		Detector: "hegemony", Inputs: []string{"hegemony-2026-11-01.jsonl.gz", "hegemony-2026-11-02.jsonl.gz", "hegemony-2026-11-03.jsonl.gz"},
		ValueName: "hege", KeyFields: []string{"scope", "asn"}, Bin: 15 * time.Minute, Took: 4210 * time.Millisecond,
	}}
	w.random.state = 7
	switch s {
	case One:
		w.settings(setting{5, detection.MeanDeviation})
		w.r.Settings[0].Name = "as configured"
	case Eight, Big:
		for _, metric := range []detection.Metric{detection.MedianDeviation, detection.MeanDeviation} {
			w.settings(setting{5, metric}, setting{3, metric}, setting{8, metric}, setting{12, metric})
		}
	case Wide:
		for i := range 128 {
			w.settings(setting{3 + float64(i)/16, detection.MeanDeviation})
		}
	case Calm:
		w.settings(setting{5, detection.MeanDeviation}, setting{8, detection.MeanDeviation})
	default:
		w.settings(setting{5, detection.MeanDeviation}, setting{3, detection.MeanDeviation}, setting{5, detection.MedianDeviation})
	}
	switch s {
	case Calm:
		w.entity(960, []string{"-1", "64524"}, 0.71, 0.012)
	case Nothing:
	case Years:
		w.r.Bin, w.r.KeyFields, w.r.ValueName = time.Hour, nil, "value"
		w.r.Inputs = []string{"ec2_cpu_utilization_24ae8d.csv"}
		w.cheap = true
		w.entity(3*365*24, nil, 44, 5, event{4000, 60, 90, "shift"}, event{12000, 6, 0, "outage"}, event{20000, 1, 130, "spike"}, event{26200, 20, 10, "shift"})
	case Big:
		w.cheap, w.tight = true, true
		for i := range 20 {
			w.entity(3000, []string{fmt.Sprint(64500 + i), "64524"}, 0.5, 0.02, event{700, 200, 0.9, "shift"}, event{2000, 400, 0.2, "shift"}, event{2900, 20, 0, "outage"})
		}
	case Wide:
		w.cheap, w.tight = true, true
		for i := range 10 {
			w.entity(1500, []string{fmt.Sprint(64500 + i), "64524"}, 0.5, 0.02, event{700, 100, 0.9, "shift"}, event{1400, 20, 0, "outage"})
		}
	case Hostile:
		w.entity(960, []string{`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`}, 0.5, 0.012, event{700, 10, 0.1, `</style><b>`})
		w.entity(960, []string{"a\u202eb", "`${alert(1)}`"}, 0.4, 0.012, event{400, 2, 0.9, "{{.}}"})
	default:
		w.grid()
	}
	w.sum()
	switch s {
	case One, Calm, Nothing:
		w.r.Labels = nil
	case Many:
		w.many()
	case Hostile:
		w.hostile()
	}
	if s == Grid || s == Partial || s == Hostile {
		w.faults()
	}
	if w.r.Partial = s == Partial; w.r.Partial {
		w.r.Broken = []string{w.r.Inputs[2] + ":88213: unexpected end of the compressed data"}
		w.r.Unknown = []string{"-1,65001"}
	}
	if len(w.r.Labels) > 0 {
		w.score()
	}
	w.cut()
	return w.r
}

type setting struct {
	threshold float64
	metric    detection.Metric
}

func (w *world) settings(all ...setting) {
	for _, s := range all {
		rules := detection.Settings{GranularityMinutes: 15, HistoryHours: 72, MinRatio: 0.6, Threshold: s.threshold, MinDeviation: 0.004, Metric: s.metric}
		name := fmt.Sprintf("threshold=%g dev_metric=%s", s.threshold, s.metric)
		w.r.Settings = append(w.r.Settings, backtest.Outcome{Setting: backtest.Setting{Name: name, Rules: rules,
			Values:   map[string]string{"detection.threshold": fmt.Sprint(s.threshold), "detection.dev_metric": s.metric.String()},
			Episodes: episode.DefaultRules(15*time.Minute, s.threshold)}})
	}
}

// grid is entities that a reader can recognise: some lose or gain their place, one vanishes for a while, one is noisy.
func (w *world) grid() {
	w.entity(960, []string{"-1", "64524"}, 0.7152, 0.012, event{820, 30, 0, "outage"})
	w.entity(960, []string{"-1", "64530"}, 0.0413, 0.004, event{820, 30, 0.6128, "shift"})
	w.entity(960, []string{"64500", "64561"}, 0.212, 0.009, event{500, 1, 0.44, "spike"}, event{640, 1, 0.05, "spike"})
	w.entity(960, []string{"64500", "3356"}, 0.33, 0.045, event{700, 20, 0.52, ""})
	w.entity(960, []string{"64501", "174"}, 0.5, 0, event{560, 90, 0.62, "shift"})
	w.entity(960, []string{"64502", "2914"}, 0.61, 0.012, event{600, 60, vanished, "vanish"})
	w.r.Traces[1].Named = true
}

func (w *world) faults() {
	w.r.Faults = []backtest.FaultCount{
		{Reason: "missing_value", Explains: "The row has no field hege.", Count: 17, First: []backtest.Place{{Input: w.r.Inputs[0], Line: 1204}, {Input: w.r.Inputs[0], Line: 1205}, {Input: w.r.Inputs[2], Line: 9}}},
		{Reason: "not_a_number", Explains: "The value of hege is no number.", Count: 1, First: []backtest.Place{{Input: w.r.Inputs[1], Line: 88}}},
	}
	w.r.Late, w.r.LateFirst = 4, []backtest.Place{{Input: w.r.Inputs[1], Line: 4021}}
	w.r.Rows += 18
}

func (w *world) many() {
	for i := range 400 {
		from := begin.Add(time.Duration(i*36) * time.Minute).UnixMilli()
		w.r.Labels = append(w.r.Labels, labels.Label{Entity: "-1,64524", From: from, Until: from + int64(i%7)*600000, Kind: []string{"shift", "spike", "maintenance of a router", ""}[i%4]})
	}
	w.r.Labels = append(w.r.Labels, labels.Label{Entity: "*", From: begin.Add(30 * time.Hour).UnixMilli(), Until: begin.Add(31 * time.Hour).UnixMilli(), Kind: "hole of the pipeline"})
}

func (w *world) hostile() {
	w.r.Detector, w.r.ValueName = `</title><script>alert(1)</script>`, `"'><b>`
	w.r.Inputs = []string{`</ul><img src=x onerror=alert(1)>.csv`, "javascript:alert(1)", "b.csv"}
	for i := range w.r.Settings {
		w.r.Settings[i].Name = `threshold=<b>"'` + fmt.Sprint(i)
	}
}
