package labels

import (
	"cmp"
	"iter"
	"math"
	"slices"
	"time"
)

// Score judges one setting, given all entities, each once. Their order does not matter. It
// changes nothing, so that it can be asked for again when there are more datapoints.
func (j *Judge) Score(setting int, entities iter.Seq[*EntityJudge]) *Score {
	m := newMerge(len(j.labels))
	for e := range entities {
		if e.nab.rows > 0 {
			m.add(e, setting)
		}
	}
	s := &Score{Labels: len(j.labels), NoEntityFirst: []string{}, GraceMS: j.options.Grace.Milliseconds()}
	if m.first <= m.last {
		s.Days = float64(m.last-m.first+j.options.Bin.Milliseconds()) / float64(24*time.Hour.Milliseconds())
	}
	var events []int
	for i, l := range j.labels {
		scored, known := m.scored[i], m.known[i]
		if l.Entity == Everything {
			scored, known = m.firstScored, m.first <= m.last
		}
		switch {
		case !known:
			s.NoEntity++
			s.NoEntityFirst = append(s.NoEntityFirst, l.Entity)
		case l.From > m.last:
			s.NoTime++
		case l.Until < scored:
			s.TooEarly++
		default:
			events = append(events, i)
		}
	}
	slices.Sort(s.NoEntityFirst)
	s.NoEntityFirst = slices.Compact(s.NoEntityFirst)
	s.NoEntityFirst = s.NoEntityFirst[:min(len(s.NoEntityFirst), 5)]
	s.Events = len(events)
	slices.SortStableFunc(events, func(a, b int) int {
		x, y := j.labels[a], j.labels[b]
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.From, y.From), cmp.Compare(x.Entity, y.Entity), cmp.Compare(x.Until, y.Until))
	})
	s.Anomalies = j.fit(m, eachAnomaly, events, s.Days)
	s.Episodes = j.fit(m, eachEpisode, events, s.Days)
	return s
}

// merge is what all entities of a setting say together.
type merge struct {
	first, last, firstScored int64
	known                    []bool  // by label: its entity is in the input
	scored                   []int64 // by label: the earliest time that its entity was scored
	ways                     [ways]mergedWay
}

type mergedWay struct {
	reports       [places]int64
	found         []int64 // by label: the first report; math.MaxInt64 if there is none
	windows, seen int64
	earned, lost  []float64 // by entity
}

func newMerge(labels int) *merge {
	m := &merge{first: math.MaxInt64, last: math.MinInt64, firstScored: math.MaxInt64, known: make([]bool, labels), scored: never(labels)}
	for way := range m.ways {
		m.ways[way].found = never(labels)
	}
	return m
}

func never(n int) []int64 { return slices.Repeat([]int64{math.MaxInt64}, n) }

func (m *merge) add(e *EntityJudge, setting int) {
	scored := e.firstScored[setting]
	m.first, m.last, m.firstScored = min(m.first, e.first), max(m.last, e.last), min(m.firstScored, scored)
	if e.line != e.judge.common {
		for _, s := range e.line.spans {
			m.known[s.label] = true
			m.scored[s.label] = min(m.scored[s.label], scored)
		}
	}
	r := e.of(setting)
	if r == nil {
		windows := e.nab.sum(nabWay{}).windows
		for way := range m.ways {
			m.ways[way].windows += windows
		}
		return
	}
	for way := range m.ways {
		w := &m.ways[way]
		for place, n := range r.count[way] {
			w.reports[place] += n
		}
		for _, h := range r.hits {
			w.found[h.label] = min(w.found[h.label], h.at[way])
		}
		sum := e.nab.sum(r.nab[way])
		w.windows += sum.windows
		w.seen += sum.found
		if sum.earned != 0 {
			w.earned = append(w.earned, sum.earned)
		}
		if sum.lost != 0 {
			w.lost = append(w.lost, sum.lost)
		}
	}
}

// fit is the score by one way of counting. The events are in the order in which they are listed.
func (j *Judge) fit(m *merge, way int, events []int, days float64) Fit {
	w := &m.ways[way]
	f := Fit{Inside: w.reports[inside], Aftermath: w.reports[aftermath], False: w.reports[outside], Kinds: []KindFit{}, MissedEvents: []Event{}}
	f.Reports = f.Inside + f.Aftermath + f.False
	f.FalsePerDay = ratio(float64(f.False), days)
	var delays []int64
	for len(events) > 0 {
		kind := KindFit{Kind: j.labels[events[0]].Kind}
		begin := len(delays)
		for len(events) > 0 && j.labels[events[0]].Kind == kind.Kind {
			l := j.labels[events[0]]
			if at := w.found[events[0]]; at < math.MaxInt64 {
				delays = append(delays, at-l.From)
			} else {
				f.MissedEvents = append(f.MissedEvents, Event{l.Entity, time.UnixMilli(l.From).UTC(), time.UnixMilli(l.Until).UTC(), l.Kind})
				kind.Missed++
			}
			kind.Events++
			events = events[1:]
		}
		kind.Found = kind.Events - kind.Missed
		kind.DelayP50 = quantile(delays[begin:], 50)
		f.Kinds = append(f.Kinds, kind)
		f.Found += kind.Found
		f.Missed += kind.Missed
	}
	bin := j.options.Bin.Milliseconds()
	f.DelayP50, f.DelayP90 = quantile(delays, 50), quantile(delays, 90)
	if f.DelayP50 != nil {
		f.DelayP50Bins, f.DelayP90Bins = ratio(float64(*f.DelayP50), float64(bin)), ratio(float64(*f.DelayP90), float64(bin))
	}
	f.Precision = ratio(float64(f.Inside), float64(f.Inside+f.False))
	f.Recall = ratio(float64(f.Found), float64(f.Found+f.Missed))
	if f.Precision != nil && f.Recall != nil {
		f.F1 = new(float64)
		if sum := *f.Precision + *f.Recall; sum > 0 {
			*f.F1 = 2 * *f.Precision * *f.Recall / sum
		}
	}
	f.NAB = w.nab()
	return f
}

// ratio is nil if it would divide by zero.
func ratio(of, by float64) *float64 {
	if by == 0 {
		return nil
	}
	r := of / by
	return &r
}

// quantile is the least of the numbers that at least so many percent of them do not exceed; nil if there is none.
func quantile(numbers []int64, percent int) *int64 {
	if len(numbers) == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(numbers))
	q := sorted[(len(sorted)*percent+99)/100-1]
	return &q
}

// nab weighs what the entities contribute.
func (w *mergedWay) nab() NAB {
	n := NAB{Windows: w.windows, Found: w.seen}
	if w.windows == 0 {
		return n
	}
	earned, lost := total(w.earned), total(w.lost)
	profile := func(falseWeight, missedWeight float64) *float64 {
		nothing := -missedWeight * float64(w.windows)
		raw := earned + falseWeight*lost - missedWeight*float64(w.windows-w.seen)
		return ratio(100*(raw-nothing), float64(w.windows)-nothing)
	}
	n.Standard, n.LowFP, n.LowFN = profile(0.11, 1), profile(0.22, 1), profile(0.11, 2)
	return n
}

// total adds in the order of size, so that the order of the entities does not change the last bits.
func total(numbers []float64) (sum float64) {
	slices.Sort(numbers)
	for _, n := range numbers {
		sum += n
	}
	return sum
}
