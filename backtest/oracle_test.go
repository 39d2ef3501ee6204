package backtest

import (
	"cmp"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"anomalydetector/backtest/labels"
	"anomalydetector/detection"
	"anomalydetector/episode"
)

// told is an anomaly that a run must report, in this order.
type told struct {
	setting int
	anomaly Anomaly
	text    string // its row
}

// oracle is what a run must find in rows: one window, one scorer and one fold for each entity and setting.
func oracle(rows []row, o Options) (want *Result, reports []told) {
	want = &Result{Bin: o.Bin, Rows: int64(len(rows))}
	all := make([]*naive, len(o.Settings))
	for k := range all {
		all[k] = newNaive(&o, k)
	}
	newest := make(map[string]int64)
	for _, r := range rows {
		place := Place{r.input, r.line}
		if !slices.Contains(want.Inputs, r.input) {
			want.Inputs = append(want.Inputs, r.input)
		}
		if r.bad != "" {
			want.fault(r.bad, place)
			continue
		}
		if want.Points == 0 {
			want.From, want.Until = r.at, r.at
		}
		want.Points++
		want.From, want.Until = min(want.From, r.at), max(want.Until, r.at)
		if r.at < newest[r.key] {
			if want.Late++; want.Late <= 3 {
				want.LateFirst = append(want.LateFirst, place)
			}
		}
		newest[r.key] = max(newest[r.key], r.at)
		for k, n := range all {
			if n.take(&r, place) {
				reports = append(reports, told{k, n.last, r.text})
			}
			if k > 0 {
				onlyHere(&n.Adds, n.adds, n, all[0])
				onlyHere(&n.Loses, n.loses, all[0], n)
			}
		}
	}
	want.Entities = len(newest)
	slices.SortStableFunc(want.Faults, func(a, b FaultCount) int { return cmp.Compare(b.Count, a.Count) })
	for _, n := range all {
		want.Settings = append(want.Settings, n.conclude(want))
	}
	return want, reports
}

func (r *Result) fault(why string, place Place) {
	reason := "unreadable"
	if why == notNumber {
		reason = badly
	}
	i := slices.IndexFunc(r.Faults, func(f FaultCount) bool { return f.Explains == why })
	if i < 0 {
		i = len(r.Faults)
		r.Faults = append(r.Faults, FaultCount{Reason: reason, Explains: why})
	}
	f := &r.Faults[i]
	if f.Count++; f.Count <= 3 {
		f.First = append(f.First, place)
	}
}

// naive is one setting.
type naive struct {
	Outcome
	options     *Options
	scorer      *detection.Scorer
	windows     map[string]*detection.Window
	episodes    map[string]episode.State
	judges      map[string]*labels.EntityJudge
	loud        map[string]*Loud
	opened      map[int64]bool // by place in times
	times       []int64
	is          bool    // the present row is an anomaly
	last        Anomaly // the latest
	adds, loses map[string]bool
}

func newNaive(o *Options, k int) *naive {
	return &naive{Outcome: Outcome{Setting: o.Settings[k]}, options: o, scorer: detection.NewScorer(detection.NewRules(o.Settings[k].Rules)),
		windows: map[string]*detection.Window{}, episodes: map[string]episode.State{}, judges: map[string]*labels.EntityJudge{},
		loud: map[string]*Loud{}, opened: map[int64]bool{}, adds: map[string]bool{}, loses: map[string]bool{}}
}

// take takes a row, and returns whether it is an anomaly.
func (n *naive) take(r *row, place Place) bool {
	if n.windows[r.key] == nil {
		n.windows[r.key] = &detection.Window{}
		if n.options.Labels != nil {
			n.judges[r.key] = n.options.Labels.Entity(r.key)
		}
	}
	v := n.windows[r.key].Add(n.scorer, 1, r.at, r.value)
	n.is = v.Reason == detection.Anomalous
	var events []episode.Step
	state, _ := n.Setting.Episodes.Advance(n.episodes[r.key], r.at, nil)
	switch v.Reason {
	case detection.Normal:
		n.Scored++
		state, _ = n.Setting.Episodes.Normal(state, episode.Point{At: r.at, Value: r.value}, nil)
	case detection.Anomalous:
		n.Scored++
		n.Anomalies++
		n.last = Anomaly{Entity: r.key, Fields: strings.Split(r.key, ","), At: r.at, Value: r.value, Usual: v.Median, Scale: v.Scale, Deviation: v.Deviation, Place: place}
		if n.loud[r.key] == nil {
			n.loud[r.key] = &Loud{Entity: r.key, Fields: n.last.Fields, Worst: n.last}
		}
		l := n.loud[r.key]
		if l.Anomalies++; math.Abs(v.Deviation) > math.Abs(l.Worst.Deviation) {
			l.Worst = n.last
		}
		state, events = n.Setting.Episodes.Anomaly(state, episode.Anomaly{At: r.at, Value: r.value, Usual: v.Median, Scale: v.Scale, Deviation: v.Deviation}, nil)
		n.times = append(n.times, r.at)
	}
	n.episodes[r.key] = state
	opened := false
	for _, e := range events {
		switch e.Event {
		case episode.Opened:
			opened = true
			n.Outcome.Episodes++
			n.loud[r.key].Episodes++
			n.opened[int64(len(n.times)-1)] = true
		case episode.Reopened:
			n.Reopened++
		}
	}
	if j := n.judges[r.key]; j != nil {
		j.Take(r.at, []labels.Said{{Scored: v.Reason != detection.TooFewPoints, Anomalous: n.is, Opened: opened}})
	}
	return n.is
}

// onlyHere counts the anomaly of one setting if the other has none.
func onlyHere(o *Overlap, entities map[string]bool, one, other *naive) {
	if !one.is || other.is {
		return
	}
	entities[one.last.Entity] = true
	o.Entities = int64(len(entities))
	if o.Anomalies++; o.Anomalies <= 5 {
		o.Examples = append(o.Examples, one.last)
	}
}

func (n *naive) conclude(r *Result) Outcome {
	n.Outcome.Entities = len(n.loud)
	if r.Points > 0 {
		n.PerDay = float64(n.Outcome.Episodes) / (float64(r.Until-r.From+n.options.Bin.Milliseconds()) / 3_600_000 / 24)
	}
	for _, l := range n.loud {
		n.Loudest = append(n.Loudest, *l)
	}
	slices.SortFunc(n.Loudest, func(a, b Loud) int {
		return cmp.Or(cmp.Compare(b.Anomalies, a.Anomalies), cmp.Compare(math.Abs(b.Worst.Deviation), math.Abs(a.Worst.Deviation)), cmp.Compare(a.Entity, b.Entity))
	})
	n.Loudest = n.Loudest[:min(10, len(n.Loudest))]
	n.Hours = n.hours()
	if n.options.Labels != nil {
		n.Score = n.options.Labels.Score(0, func(yield func(*labels.EntityJudge) bool) {
			for _, j := range n.judges {
				if !yield(j) {
					return
				}
			}
		})
	}
	return n.Outcome
}

// hours are the shortest spans of which there are not too many.
func (n *naive) hours() []Hour {
	for unit := int64(3_600_000); ; unit *= 2 {
		spans := make(map[int64]Hour)
		for i, at := range n.times {
			h := spans[at/unit]
			h.From = at / unit * unit
			h.Anomalies++
			if n.opened[int64(i)] {
				h.Episodes++
			}
			spans[at/unit] = h
		}
		if len(spans) > 2000 {
			continue
		}
		all := []Hour{}
		for _, h := range spans {
			all = append(all, h)
		}
		slices.SortFunc(all, func(a, b Hour) int { return cmp.Compare(a.From, b.From) })
		return all
	}
}

// equal compares results, and names the field that differs.
func equal(t *testing.T, got, want *Result) {
	t.Helper()
	differs(t, "", reflect.ValueOf(*got), reflect.ValueOf(*want))
}

func differs(t *testing.T, path string, got, want reflect.Value) {
	t.Helper()
	switch {
	case reflect.DeepEqual(got.Interface(), want.Interface()):
	case got.Kind() == reflect.Struct:
		for i := range got.NumField() {
			differs(t, path+"."+got.Type().Field(i).Name, got.Field(i), want.Field(i))
		}
	case got.Kind() == reflect.Slice && got.Len() == want.Len() && got.Len() > 0:
		for i := range got.Len() {
			differs(t, fmt.Sprintf("%s[%d]", path, i), got.Index(i), want.Index(i))
		}
	default:
		t.Errorf("%s is %+v, want %+v", path, got, want)
	}
}

// someLabels are labels of some entities and of all.
func someLabels(rows []row) []labels.Label {
	var all []labels.Label
	for i := 0; i < len(rows); i += len(rows) / 40 {
		one := labels.Label{Entity: rows[i].key, From: rows[i].at, Until: rows[i].at + int64(i%7)*quarter, Kind: []string{"spike", "shift"}[i%2]}
		if i%5 == 0 {
			one.Entity = labels.Everything
		}
		all = append(all, one)
	}
	return append(all, labels.Label{Entity: "never there", From: 1, Until: 2, Kind: "outage"})
}
