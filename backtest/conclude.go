package backtest

import (
	"cmp"
	"iter"
	"math"
	"slices"
	"time"

	"anomalydetector/backtest/labels"
)

// loudest is how many entities are named for each setting.
const loudest = 10

// conclude sums up what the shards found.
func (r *run) conclude() {
	result := r.result
	result.Faults = r.faults.sorted()
	if r.span.any {
		result.From, result.Until = r.span.first, r.span.last
	}
	var late []ordered[Place]
	for _, s := range r.shards {
		result.Entities += len(s.byKey)
		result.Late += s.late
		late = append(late, s.lateFirst...)
	}
	result.LateFirst = earliest(late, firstFew)
	if !result.Partial {
		result.Unknown = r.unknown()
	}
	for k := range r.Settings {
		result.Settings = append(result.Settings, r.outcome(k))
	}
}

// days is the length of the stream, its last bin included.
func (r *run) days() float64 {
	if !r.span.any {
		return 0
	}
	return (time.Duration(r.span.last-r.span.first)*time.Millisecond + r.Bin).Hours() / 24
}

// entities yields all entities, in no order.
func (r *run) entities() iter.Seq[*entity] {
	return func(yield func(*entity) bool) {
		for _, s := range r.shards {
			for _, e := range s.byKey {
				if !yield(e) {
					return
				}
			}
		}
	}
}

// unknown are the named entities that the input does not have.
func (r *run) unknown() (all []string) {
	for _, name := range r.Named {
		if !r.has(name) {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (r *run) has(entity string) bool {
	return slices.ContainsFunc(r.shards, func(s *shard) bool { return s.byKey[entity] != nil })
}

// outcome sums up what a setting found.
func (r *run) outcome(k int) Outcome {
	o := Outcome{Setting: r.Settings[k]}
	var over timeline
	var adds, loses overlap
	for _, s := range r.shards {
		c := &s.counts[k]
		o.Scored += c.scored
		o.Anomalies += c.anomalies
		o.Episodes += c.episodes
		o.Reopened += c.reopened
		over.join(&c.over)
		adds.join(&c.adds)
		loses.join(&c.loses)
	}
	o.Hours, o.Adds, o.Loses = over.inOrder(), adds.conclude(), loses.conclude()
	if days := r.days(); days > 0 {
		o.PerDay = float64(o.Episodes) / days
	}
	var found []*entity
	for e := range r.entities() {
		if e.found != nil && e.found[k] != nil {
			o.Entities++
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(a, b *entity) int {
		x, y := a.found[k], b.found[k]
		return cmp.Or(cmp.Compare(y.anomalies, x.anomalies), cmp.Compare(math.Abs(y.worst.Deviation), math.Abs(x.worst.Deviation)), cmp.Compare(a.key, b.key))
	})
	for _, e := range found[:min(len(found), loudest)] {
		f := e.found[k]
		o.Loudest = append(o.Loudest, Loud{Entity: e.key, Fields: e.fields, Anomalies: f.anomalies, Episodes: f.episodes, Worst: f.worst})
	}
	if r.Labels != nil {
		o.Score = r.Labels.Score(k, func(yield func(*labels.EntityJudge) bool) {
			for e := range r.entities() {
				if !yield(e.judge) {
					return
				}
			}
		})
	}
	return o
}

// join adds the overlap that another shard found, in other entities.
func (o *overlap) join(other *overlap) {
	o.anomalies += other.anomalies
	if o.entities == nil {
		o.entities = make(map[*entity]struct{})
	}
	for e := range other.entities {
		o.entities[e] = struct{}{}
	}
	o.first = append(o.first, other.first...)
}

func (o *overlap) conclude() Overlap {
	return Overlap{Anomalies: o.anomalies, Entities: int64(len(o.entities)), Examples: earliest(o.first, examples)}
}
