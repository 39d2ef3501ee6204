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
	trace   Trace
	order   int
	scorers []*detection.Scorer
	windows []detection.Window
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
	d := r.Decoder()
	err := r.rounds(ctx, wanted, func(tasks []*task) error {
		for _, t := range tasks {
			for _, items := range t.items {
				for i := range items {
					one := wanted[string(items[i].key.of(t.keys))]
					if one.trace.Fields == nil {
						one.trace.Fields = d.Fields(t.block, t.row(&items[i]))
					}
					one.take(uint64(r.round), &items[i])
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

// wanted are the entities to trace: the named ones, then the loudest of each setting in turn.
func (r *run) wanted() map[string]*traced {
	wanted := make(map[string]*traced)
	add := func(entity string, named bool) {
		if wanted[entity] != nil {
			return
		}
		one := &traced{trace: Trace{Entity: entity, Named: named}, order: len(wanted), windows: make([]detection.Window, len(r.Settings))}
		for k := range r.Settings {
			one.scorers = append(one.scorers, detection.NewScorer(detection.NewRules(r.Settings[k].Rules)))
		}
		wanted[entity] = one
	}
	for _, entity := range r.Named {
		if r.has(entity) {
			add(entity, true)
		}
	}
	most := len(wanted) + r.Traces
	for rank := range loudest {
		for _, outcome := range r.result.Settings {
			if rank < len(outcome.Loudest) && len(wanted) < most {
				add(outcome.Loudest[rank].Entity, false)
			}
		}
	}
	return wanted
}

// take scores a datapoint at each setting, and keeps it with what the settings say.
func (o *traced) take(epoch uint64, it *item) {
	point := TracePoint{At: it.at, Value: it.value, Settings: make([]TraceVerdict, len(o.windows))}
	for k, scorer := range o.scorers {
		v := &point.Settings[k]
		v.Usual, v.Scale = math.NaN(), math.NaN()
		if median, scale, ok := o.windows[k].Expect(scorer, it.at); ok {
			v.Usual, v.Scale = median, scale
		}
		verdict := o.windows[k].Add(scorer, epoch, it.at, it.value)
		v.Anomalous, v.Deviation = verdict.Reason == detection.Anomalous, verdict.Deviation
	}
	if len(o.trace.Points) >= 2*mostPoints {
		o.keep(mostPoints)
	}
	o.trace.Points = append(o.trace.Points, point)
}

// keep keeps at most this many points, the latest.
func (o *traced) keep(most int) {
	o.trace.Points = slices.Delete(o.trace.Points, 0, max(0, len(o.trace.Points)-most))
}
