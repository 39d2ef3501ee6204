package backtest

import (
	"cmp"
	"context"
	"math"
	"slices"

	"anomalydetector/detection"
)

// A report draws the points of some entities. They are known only once all is read, and to keep all points would
// take memory for each row. So the source is read a second time.

// mostPoints of a trace are kept, the latest.
const mostPoints = 20_000

// traced is an entity that is traced.
type traced struct {
	trace Trace
	order int
}

// tracer scores the datapoints of all traced entities once more.
type tracer struct {
	*Windows
	scorers []*detection.Scorer // by setting
}

// trace collects the points of the entities that are named or loud.
func (r *run) trace(ctx context.Context) error {
	wanted := r.wanted()
	if len(wanted) == 0 {
		return nil
	}
	if err := r.source.Rewind(); err != nil {
		return err
	}
	d, again := r.Decoder(), newTracer(r.Settings[:r.tracedSettings()])
	err := r.rounds(ctx, wanted, func(tasks []*task) error {
		for _, t := range tasks {
			for _, items := range t.items {
				for i := range items {
					one := wanted[string(items[i].key.of(t.keys))]
					if one.trace.Fields == nil {
						one.trace.Fields = d.Fields(t.block, t.row(&items[i]))
					}
					one.add(again.point(items[i].key.of(t.keys), items[i].at, items[i].value))
				}
			}
		}
		return nil
	})
	for _, one := range wanted {
		if one.trace.Points != nil {
			one.keep(mostPoints)
			r.result.Traces = append(r.result.Traces, one.trace)
		}
	}
	slices.SortFunc(r.result.Traces, func(a, b Trace) int { return cmp.Compare(wanted[a.Entity].order, wanted[b.Entity].order) })
	return err
}

func (r *run) tracedSettings() int { return min(len(r.Settings), MostTraced) }

// wanted are the entities to trace: the named ones, then the loudest of each traced setting in turn.
func (r *run) wanted() map[string]*traced {
	wanted := make(map[string]*traced)
	add := func(entity string, named bool) {
		if wanted[entity] != nil {
			return
		}
		wanted[entity] = &traced{trace: Trace{Entity: entity, Named: named}, order: len(wanted)}
	}
	for _, entity := range r.Named {
		if r.has(entity) {
			add(entity, true)
		}
	}
	most := len(wanted) + r.Traces
	for rank := range loudest {
		for _, outcome := range r.result.Settings[:r.tracedSettings()] {
			if rank < len(outcome.Loudest) && len(wanted) < most {
				add(outcome.Loudest[rank].Entity, false)
			}
		}
	}
	return wanted
}

func newTracer(settings []Setting) *tracer {
	rules := make([]detection.Settings, len(settings))
	scorers := make([]*detection.Scorer, len(settings))
	for k := range settings {
		rules[k] = settings[k].Rules
		scorers[k] = detection.NewScorer(detection.NewRules(rules[k]))
	}
	return &tracer{NewWindows(rules), scorers}
}

// point scores a datapoint. A verdict says what is usual only of an anomaly, so the window is asked before.
func (t *tracer) point(key []byte, at int64, value float64) TracePoint {
	point := TracePoint{At: at, Value: value, Settings: make([]TraceVerdict, len(t.scorers))}
	for k := range point.Settings {
		point.Settings[k].Usual, point.Settings[k].Scale = math.NaN(), math.NaN()
	}
	e := t.find(key)
	for g, group := range t.groups {
		for _, k := range group.settings {
			v := &point.Settings[k]
			if median, scale, ok := e.windows[g].Expect(t.scorers[k], at); ok {
				v.Usual, v.Scale = median, scale
			}
		}
	}
	t.score(e, at, value)
	for k := range point.Settings {
		if j := t.judgement(k); j != nil && j.Reason != detection.TooFewPoints {
			v := &point.Settings[k]
			v.Usual, v.Scale = j.Median, j.Scale
			if j.Reason == detection.Anomalous && j.Test == detection.MeanTest {
				v.Mean, v.MeanLimit = j.Mean, j.Usual
			}
		}
	}
	for k := range t.verdicts {
		point.Settings[k].Anomalous, point.Settings[k].Deviation = t.verdicts[k].Reason == detection.Anomalous, t.verdicts[k].Deviation
	}
	return point
}

func (o *traced) add(point TracePoint) {
	if len(o.trace.Points) >= 2*mostPoints {
		o.keep(mostPoints)
	}
	o.trace.Points = append(o.trace.Points, point)
}

// keep keeps at most this many points, the latest.
func (o *traced) keep(most int) {
	o.trace.Points = slices.Delete(o.trace.Points, 0, max(0, len(o.trace.Points)-most))
}
