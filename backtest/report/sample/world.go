package sample

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"anomalydetector/backtest"
	"anomalydetector/backtest/labels"
	"anomalydetector/detection"
)

// world makes up a result.
type world struct {
	r      *backtest.Result
	random random
	cheap  bool // the bands are made up, because a real window takes too long
	tight  bool // and they are so narrow that many points are anomalies
}

// event is a change of an entity: at a point, for a number of points, to a level.
type event struct {
	at, points int
	to         float64
	kind       string
}

// vanished is the level of an entity that is not sent.
const vanished = -1

type random struct{ state uint32 }

// next is a number from 0 to 1.
func (r *random) next() float64 {
	r.state = r.state*1664525 + 1013904223
	return float64(r.state>>8) / (1 << 24)
}

// normal is about a standard normal number.
func (r *random) normal() float64 {
	sum := -6.0
	for range 12 {
		sum += r.next()
	}
	return sum
}

// entity adds an entity with its trace and labels.
func (w *world) entity(points int, fields []string, level, noise float64, events ...event) {
	key := strings.Join(fields, ",")
	if fields == nil {
		key = w.r.Inputs[0]
	}
	t := backtest.Trace{Entity: key, Fields: fields}
	judges := make([]judge, len(w.r.Settings))
	for i, s := range w.r.Settings {
		judges[i] = judge{scorer: detection.NewScorer(detection.NewRules(s.Rules)), rules: s.Rules, cheap: w.cheap, spread: 0.8}
		if w.tight {
			judges[i].spread = 0.25
		}
	}
	bin := w.r.Bin.Milliseconds()
	for i := range points {
		at, value := begin.UnixMilli()+int64(i)*bin, level
		for _, e := range events {
			if i >= e.at && i < e.at+e.points {
				value = e.to
			}
		}
		if value == vanished {
			continue
		}
		value = math.Max(0, value+noise*w.random.normal())
		p := backtest.TracePoint{At: at, Value: value}
		for j := range judges {
			p.Settings = append(p.Settings, judges[j].take(at, value, level, noise))
		}
		t.Points = append(t.Points, p)
	}
	for _, e := range events {
		from := begin.UnixMilli() + int64(e.at)*bin
		w.r.Labels = append(w.r.Labels, labels.Label{Entity: key, From: from, Until: from + int64(e.points-1)*bin, Kind: e.kind})
	}
	w.r.Traces = append(w.r.Traces, t)
}

// judge scores an entity's points at one setting.
type judge struct {
	scorer *detection.Scorer
	window detection.Window
	values []float64
	rules  detection.Settings
	cheap  bool
	spread float64 // of a made-up window, in units of the noise
	seen   int
}

func (j *judge) take(at int64, value, level, noise float64) backtest.TraceVerdict {
	j.seen++
	v := backtest.TraceVerdict{Usual: math.NaN(), Scale: math.NaN()}
	if j.cheap {
		if j.seen > 172 {
			v.Usual, v.Scale = level+noise*math.Sin(float64(at)/4e7), 1.4826*(j.rules.MinDeviation+noise*j.spread*(1+0.2*math.Sin(float64(at)/1e7)))
			v.Deviation = (value - v.Usual) / v.Scale
			v.Anomalous = math.Abs(v.Deviation) > j.rules.Threshold
		}
		return v
	}
	j.values = j.values[:0]
	for _, x := range j.window.All() {
		j.values = append(j.values, x)
	}
	if s := j.scorer.Summarize(j.values); s.Scored {
		v.Usual, v.Scale = s.Median, s.Scale
	}
	if verdict := j.window.Add(j.scorer, uint64(j.seen), at, value); verdict.Reason == detection.Anomalous {
		v.Anomalous, v.Deviation = true, verdict.Deviation
	}
	return v
}

// sum fills in all that follows from the traces.
func (w *world) sum() {
	r := w.r
	r.Entities = len(r.Traces)
	r.From, r.Until = math.MaxInt64, 0
	for _, t := range r.Traces {
		r.Points += int64(len(t.Points))
		for _, p := range t.Points {
			r.From, r.Until = min(r.From, p.At), max(r.Until, p.At)
		}
	}
	if r.Rows = r.Points; r.Points == 0 {
		r.From = 0
		return
	}
	for i := range r.Settings {
		w.outcome(i)
	}
	for i := 1; i < len(r.Settings); i++ {
		r.Settings[i].Adds = w.overlap(i, 0)
		r.Settings[i].Loses = w.overlap(0, i)
	}
}

// cut leaves the traces what a backtest keeps.
func (w *world) cut() {
	for _, t := range w.r.Traces {
		for i := range t.Points {
			t.Points[i].Settings = t.Points[i].Settings[:min(len(t.Points[i].Settings), backtest.MostTraced)]
		}
	}
}

func (w *world) outcome(setting int) {
	r, o := w.r, &w.r.Settings[setting]
	step := time.Hour.Milliseconds()
	hours := make([]backtest.Hour, (r.Until-r.From)/step+1)
	for i := range hours {
		hours[i].From = r.From + int64(i)*step
	}
	for _, t := range r.Traces {
		l, last := backtest.Loud{Entity: t.Entity, Fields: t.Fields}, int64(math.MinInt64)
		for i, p := range t.Points {
			v := p.Settings[setting]
			if !math.IsNaN(v.Usual) {
				o.Scored++
			}
			if !v.Anomalous {
				continue
			}
			hour := &hours[(p.At-r.From)/step]
			hour.Anomalies++
			l.Anomalies++
			if last == math.MinInt64 || p.At-last > 24*r.Bin.Milliseconds() {
				l.Episodes++
				hour.Episodes++
			} else if p.At-last > 4*r.Bin.Milliseconds() {
				o.Reopened++
			}
			last = p.At
			if math.Abs(v.Deviation) > math.Abs(l.Worst.Deviation) {
				l.Worst = w.anomaly(t, i, setting)
			}
		}
		o.Anomalies, o.Episodes = o.Anomalies+l.Anomalies, o.Episodes+l.Episodes
		if l.Anomalies > 0 {
			o.Entities++
			o.Loudest = append(o.Loudest, l)
		}
	}
	o.Hours = slices.DeleteFunc(hours, func(h backtest.Hour) bool { return h.Anomalies == 0 })
	slices.SortStableFunc(o.Loudest, func(a, b backtest.Loud) int { return cmp.Compare(b.Anomalies, a.Anomalies) })
	if len(o.Loudest) > 5 {
		o.Loudest = o.Loudest[:5]
	}
	o.PerDay = float64(o.Episodes) / (float64(r.Until-r.From+r.Bin.Milliseconds()) / 86400000)
}

func (w *world) anomaly(t backtest.Trace, i, setting int) backtest.Anomaly {
	p := t.Points[i]
	v := p.Settings[setting]
	return backtest.Anomaly{Entity: t.Entity, Fields: t.Fields, At: p.At, Value: p.Value, Usual: v.Usual, Scale: v.Scale, Deviation: v.Deviation,
		Place: backtest.Place{Input: w.r.Inputs[i*len(w.r.Inputs)/len(t.Points)], Line: 1 + i*4213}}
}

// overlap is what setting a reports and setting b does not.
func (w *world) overlap(a, b int) (o backtest.Overlap) {
	for _, t := range w.r.Traces {
		before := o.Anomalies
		for i, p := range t.Points {
			if p.Settings[a].Anomalous && !p.Settings[b].Anomalous {
				if o.Anomalies++; o.Anomalies%7 == 1 && len(o.Examples) < 5 {
					o.Examples = append(o.Examples, w.anomaly(t, i, a))
				}
			}
		}
		if o.Anomalies > before {
			o.Entities++
		}
	}
	return o
}

// score judges each setting by the labels.
func (w *world) score() {
	options := labels.DefaultOptions(w.r.Bin)
	judge := labels.NewJudge(w.r.Labels, options)
	for i := range w.r.Settings {
		var all []*labels.EntityJudge
		for _, t := range w.r.Traces {
			e, last := judge.Entity(t.Entity), int64(math.MinInt64)
			for _, p := range t.Points {
				v := p.Settings[i]
				opened := v.Anomalous && (last == math.MinInt64 || p.At-last > 24*w.r.Bin.Milliseconds())
				e.Take(p.At, []labels.Said{{Scored: !math.IsNaN(v.Usual), Anomalous: v.Anomalous, Opened: opened}})
				if v.Anomalous {
					last = p.At
				}
			}
			all = append(all, e)
		}
		w.r.Settings[i].Score = judge.Score(0, slices.Values(all))
	}
}
