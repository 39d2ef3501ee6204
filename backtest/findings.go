package backtest

import (
	"math"
	"slices"

	"anomalydetector/episode"
)

// findings are what a setting found in one entity.
type findings struct {
	state     episode.State
	quiet     int64 // the newest point that was no anomaly while no episode was open, Unix milliseconds; 0: the state knows it
	anomalies int64
	episodes  int64
	worst     Anomaly // the largest |deviation|; of several the first
}

// hear tells the state what it has not been told: of points that change nothing while no episode is open, and of stream time.
func (f *findings) hear(rules *episode.Rules, now int64, scratch []episode.Step) []episode.Step {
	scratch = scratch[:0]
	if f.quiet > 0 {
		f.state, scratch = rules.Normal(f.state, episode.Point{At: f.quiet}, scratch)
		f.quiet = 0
	}
	f.state, scratch = rules.Advance(f.state, now, scratch)
	return scratch
}

func (f *findings) take(a *Anomaly) {
	f.anomalies++
	if f.anomalies == 1 || math.Abs(a.Deviation) > math.Abs(f.worst.Deviation) {
		f.worst = *a
	}
}

// count is what a setting found in all entities of a shard.
type count struct {
	scored, anomalies, episodes, reopened int64
	over                                  timeline
	adds, loses                           overlap
}

// overlap is the anomalies that only one of two settings reports.
type overlap struct {
	anomalies int64
	entities  map[*entity]struct{}
	first     []ordered[Anomaly]
}

// examples is how many of them are kept.
const examples = 5

func (o *overlap) take(s *shard, e *entity, setting int, d *datum) {
	o.anomalies++
	if o.entities == nil {
		o.entities = make(map[*entity]struct{})
	}
	o.entities[e] = struct{}{}
	if len(o.first) < examples {
		o.first = append(o.first, ordered[Anomaly]{d.order, s.anomalyOf(e, setting, d)})
	}
}

// timeline counts over time, in spans of equal length. The spans double whenever there are too many.
type timeline struct {
	unit  int64 // milliseconds; 0: nothing so far
	spans map[int64]Hour
}

const (
	shortestSpan = 60 * 60 * 1000
	mostSpans    = 2000
)

func (l *timeline) take(at int64, opened bool) {
	hour := Hour{From: at, Anomalies: 1}
	if opened {
		hour.Episodes = 1
	}
	l.add(hour)
}

func (l *timeline) add(h Hour) {
	if l.spans == nil {
		l.spans = make(map[int64]Hour)
		l.unit = max(l.unit, shortestSpan)
	}
	number := h.From / l.unit // times are not negative
	sum := l.spans[number]
	sum.From = number * l.unit
	sum.Anomalies += h.Anomalies
	sum.Episodes += h.Episodes
	l.spans[number] = sum
	for len(l.spans) > mostSpans {
		l.widen(2 * l.unit)
	}
}

func (l *timeline) widen(unit int64) {
	old := l.spans
	l.unit, l.spans = unit, nil
	for _, hour := range old {
		l.add(hour)
	}
}

// join adds what another timeline has. The result does not depend on the order in which timelines are joined.
func (l *timeline) join(o *timeline) {
	if o.unit > l.unit {
		l.widen(o.unit)
	}
	for _, hour := range o.spans {
		l.add(hour)
	}
}

func (l *timeline) inOrder() []Hour {
	all := make([]Hour, 0, len(l.spans))
	for _, hour := range l.spans {
		all = append(all, hour)
	}
	slices.SortFunc(all, func(a, b Hour) int { return int(a.From/l.unit - b.From/l.unit) })
	return all
}
