package bootstrap

import (
	"time"

	"anomalydetector/backtest"
	"anomalydetector/backtest/labels"
	"anomalydetector/detection"
	"anomalydetector/web/answers"
)

// What --json prints. Names are those of the API: times as RFC 3339, null for what is not known or not finite.

type backtestView struct {
	Detector   string        `json:"detector"`
	Inputs     []string      `json:"inputs"`
	From       *time.Time    `json:"from"`
	Until      *time.Time    `json:"until"`
	Rows       int64         `json:"rows"`
	Points     int64         `json:"datapoints"`
	Late       int64         `json:"out_of_order"`
	LateFirst  []placeView   `json:"out_of_order_first"`
	Faults     []faultView   `json:"bad_rows"`
	Broken     []string      `json:"not_read"`
	Entities   int           `json:"entities"`
	Partial    bool          `json:"partial"`
	Seconds    float64       `json:"seconds"`
	Settings   []outcomeView `json:"settings"`
	Definition any           `json:"definitions,omitempty"`
}

type placeView struct {
	Input string `json:"input"`
	Line  int    `json:"line"`
}

type faultView struct {
	Reason   string      `json:"reason"`
	Explains string      `json:"explains"`
	Count    int64       `json:"count"`
	First    []placeView `json:"first"`
}

type outcomeView struct {
	Name      string            `json:"name"`
	Set       map[string]string `json:"set"`
	Scored    int64             `json:"scored"`
	Anomalies int64             `json:"anomalies"`
	Episodes  int64             `json:"episodes"`
	Reopened  int64             `json:"reopened"`
	Entities  int               `json:"entities"`
	PerDay    float64           `json:"messages_per_day"`
	Loudest   []loudView        `json:"loudest"`
	Adds      overlapView       `json:"adds"`
	Loses     overlapView       `json:"loses"`
	Score     *labels.Score     `json:"labels,omitempty"`
	Remarks   []string          `json:"remarks,omitempty"` // such as why nothing is scored
}

type loudView struct {
	Entity    string    `json:"entity"`
	Anomalies int64     `json:"anomalies"`
	Episodes  int64     `json:"episodes"`
	Worst     foundView `json:"worst"`
}

type overlapView struct {
	Anomalies int64       `json:"anomalies"`
	Entities  int64       `json:"entities"`
	Examples  []foundView `json:"examples"`
}

type foundView struct {
	Entity    string    `json:"entity"`
	Time      time.Time `json:"time"`
	Value     *float64  `json:"value"`
	Usual     *float64  `json:"usual"`
	Scale     *float64  `json:"scale"`
	Deviation *float64  `json:"deviation"`
	habitView
	Place placeView `json:"place"`
}

func viewOf(r *backtest.Result) backtestView {
	v := backtestView{Detector: r.Detector, Inputs: r.Inputs, Rows: r.Rows, Points: r.Points, Late: r.Late, LateFirst: placesOf(r.LateFirst),
		Faults: []faultView{}, Broken: append([]string{}, r.Broken...), Entities: r.Entities, Partial: r.Partial, Seconds: r.Took.Seconds()}
	if r.Points > 0 {
		from, until := time.UnixMilli(r.From).UTC(), time.UnixMilli(r.Until).UTC()
		v.From, v.Until = &from, &until
	}
	for _, f := range r.Faults {
		v.Faults = append(v.Faults, faultView{f.Reason, f.Explains, f.Count, placesOf(f.First)})
	}
	for i := range r.Settings {
		o := &r.Settings[i]
		one := outcomeView{Name: o.Name, Set: o.Values, Scored: o.Scored, Anomalies: o.Anomalies, Episodes: o.Episodes, Reopened: o.Reopened,
			Entities: o.Entities, PerDay: o.PerDay, Loudest: []loudView{}, Adds: overlapOf(&o.Adds), Loses: overlapOf(&o.Loses), Score: o.Score, Remarks: r.Remarks(i)}
		for k := range o.Loudest {
			l := &o.Loudest[k]
			one.Loudest = append(one.Loudest, loudView{l.Entity, l.Anomalies, l.Episodes, foundOf(&l.Worst)})
		}
		if o.Score != nil {
			v.Definition = labels.Definitions()
		}
		v.Settings = append(v.Settings, one)
	}
	return v
}

func placesOf(all []backtest.Place) []placeView {
	views := make([]placeView, 0, len(all))
	for _, p := range all {
		views = append(views, placeView(p))
	}
	return views
}

func overlapOf(o *backtest.Overlap) overlapView {
	v := overlapView{Anomalies: o.Anomalies, Entities: o.Entities, Examples: []foundView{}}
	for i := range o.Examples {
		v.Examples = append(v.Examples, foundOf(&o.Examples[i]))
	}
	return v
}

func foundOf(a *backtest.Anomaly) foundView {
	return foundView{Entity: a.Entity, Time: time.UnixMilli(a.At).UTC(), Value: answers.Finite(a.Value), Usual: answers.Finite(a.Usual), Scale: answers.Finite(a.Scale),
		Deviation: answers.Finite(a.Deviation), Place: placeView(a.Place), habitView: habitOf(a)}
}

// habitView is what the method habit says of an anomaly beside the rest.
type habitView struct {
	Test      string   `json:"test,omitempty"` // value or mean; empty: of the original
	Mean      *float64 `json:"mean,omitempty"` // if it is mean
	MeanLimit *float64 `json:"mean_limit,omitempty"`
}

func habitOf(a *backtest.Anomaly) (v habitView) {
	if a.Method == detection.HabitMethod {
		v.Test = a.Test.String()
	}
	if a.OfMean() {
		v.Mean, v.MeanLimit = answers.Finite(a.Mean), answers.Finite(a.MeanLimit)
	}
	return v
}
