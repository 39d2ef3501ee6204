package sample

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"anomalydetector/web/answers"
)

// vanish adds entities that vanish, one that flaps, and a scope that loses a provider.
func (w *world) vanish(r *random) {
	w.add(0.61, 0.011, []string{"-1", "65020"}).gone = 14
	back := w.add(0.37, 0.012, []string{"64512", "65021"})
	back.gone, back.back = 120, 84
	w.add(0.37, 0.012, []string{"64513", "65022"}).flaps = true
	e := w.entities[len(w.entities)-1]
	for i := range 4 {
		e.events = append(e.events, event{ago: 30 + 9*i, bins: 2, to: 0.02, outcome: answers.Recovered})
	}
	for i := range 9 {
		w.add(0.1+0.08*float64(i)+0.02*r.next(), 0.01, []string{"64535", strconv.Itoa(65030 + i)}).gone = 6
	}
}

// publish makes the episodes of such entities, and the gaps.
func (w *world) publish() {
	if w.d.DataUntil == nil {
		return
	}
	bin := time.Duration(w.d.BinSeconds) * time.Second
	at := func(ago int) time.Time { return w.d.DataUntil.UTC().Truncate(bin).Add(-time.Duration(ago) * bin) }
	for i, e := range w.entities {
		for j := range e.episodes {
			e.episodes[j].Partition = e.ref.Partition
		}
		if n := len(e.episodes); e.flaps && n > 1 {
			one := e.episodes[0]
			one.OpenedAt, one.ID, one.Reopened = e.episodes[n-1].OpenedAt, e.episodes[n-1].ID, n-1
			e.episodes = []answers.Episode{one}
		}
		if e.gone == 0 {
			continue
		}
		x := answers.Episode{ID: fmt.Sprintf("absence-%d", i), Kind: answers.Absence, Detector: w.d.Name, Entity: e.ref.Key, Fields: e.ref.Fields, Partition: e.ref.Partition,
			State: answers.Open, OpenedAt: at(e.gone - 1), LastAt: at(e.gone - 1).Add(4 * bin), Points: 4, Usual: of(e.level), PeakAt: at(e.gone - 1)}
		if e.back > 0 {
			x.State, x.Outcome, x.EndedAt, x.LastAt = answers.Ended, of(answers.Returned), of(at(e.back-1)), at(e.back-1)
		}
		e.episodes = slices.Insert(e.episodes, 0, x)
	}
	if w.d.ValueField != "hege" {
		return
	}
	for partition := range int32(10) {
		w.gaps = append(w.gaps, answers.Episode{ID: fmt.Sprintf("gap-%d", partition), Kind: answers.PartitionGap, Detector: w.d.Name, Partition: of(partition), State: answers.Ended,
			OpenedAt: at(188), LastAt: at(186), EndedAt: of(at(186)), PeakAt: at(188), Outcome: of(answers.Filled), Points: 2, Usual: of(41_280.), Low: of(20_640.), Value: of(0.)})
	}
	w.gaps = append(w.gaps, answers.Episode{ID: "gap-open", Kind: answers.PartitionGap, Detector: w.d.Name, Partition: of(int32(7)), State: answers.Open,
		OpenedAt: at(3), LastAt: at(2), PeakAt: at(3), Points: 1, Usual: of(41_280.), Low: of(20_640.), Value: of(311.)})
}

// away adds absences and gaps to lanes.
func (w *world) away(l *answers.Lanes, q answers.LanesQuery) {
	for _, e := range w.entities {
		for _, x := range e.episodes {
			if x.Kind != answers.Absence || !matches(q.Filter, e) {
				continue
			}
			label, fields := e.ref.Key, e.ref.Fields
			for _, f := range e.ref.Fields {
				if f.Name == q.By {
					label, fields = f.Value, []answers.Field{f}
				}
			}
			at := slices.IndexFunc(l.Items, func(row answers.Lane) bool { return row.Label == label })
			if at < 0 {
				if at = len(l.Items); at >= max(q.Limit, 1) {
					continue
				}
				l.Items = append(l.Items, answers.Lane{Label: label, Fields: fields})
			}
			span := answers.TimeSpan{From: x.OpenedAt, Until: l.Until}
			if x.EndedAt != nil {
				span.Until = *x.EndedAt
			}
			if row := &l.Items[at]; !slices.ContainsFunc(row.Absent, func(s answers.TimeSpan) bool { return s == span }) {
				row.Absent = append(row.Absent, span)
			}
		}
	}
	for _, gap := range w.gaps {
		if gap.EndedAt == nil || gap.EndedAt.After(l.From) {
			l.Gaps = append(l.Gaps, gap)
		}
	}
}
