package main

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"anomalydetector/backtest/labels"
	"anomalydetector/detection"
	"anomalydetector/episode"
	"anomalydetector/synthetic"
)

// The ways to report.
const (
	asAnomalies  = iota // each anomaly is a report
	asDeviations        // each deviation is one, when it opens
	asEpisodes          // each deviation, absence or gap is one
	ways
)

// life is how the published episodes of some streams fit the events.
type life struct {
	days    float64
	kinds   map[string]*kindLife // by kind of event
	after   kindLife             // reports soon after an event; it has no events, nor have the next two
	byHole  kindLife             // absences that a hole made: they are false, too
	wrong   kindLife             // all other false reports
	classes [episode.Kinds]classLife
}

// kindLife is about the events of a kind. Records are those of the episodes that belong to them.
type kindLife struct {
	events    int
	delays    [ways][]int64 // of those that are found, milliseconds
	anomalies int
	records   [episode.Kinds][episode.Events]int
	outcomes  map[string]int // how many episodes ended so
}

// classLife is about the episodes of a class.
type classLife struct{ opened, inside, wrong int }

// lives puts streams through the windows and the ledger.
func lives(s *streams, settings detection.Settings, rules episode.LedgerRules) (*life, error) {
	l := &life{days: s.streamDays(), kinds: make(map[string]*kindLife)}
	for _, part := range s.parts {
		var events []happening
		for _, e := range part.Events() {
			events = append(events, happening{labels.Label{Entity: e.Entity, From: e.From, Until: e.Until, Kind: kindOf(e)}, e.Silent})
		}
		f := newFollower(settings, rules)
		if err := f.follow(part, func(r *synthetic.Row) (float64, bool) { return r.Value, true }); err != nil {
			return nil, err
		}
		l.judge(f, events, labels.DefaultOptions(binLength).Grace)
	}
	return l, nil
}

// happening is an event that may be reported.
type happening struct {
	labels.Label
	silent bool // there are no datapoints: only then an absence or a gap is right
}

// fits tells whether a finding belongs to the event.
func (h *happening) fits(f *finding) bool { return f.from <= h.Until && f.until >= h.From }

// judge compares what one stream's follower has reported with the events. As in package labels, a report finds an event if it
// lies in it, and it is not false if it begins soon after one.
func (l *life) judge(f *follower, events []happening, grace time.Duration) {
	places := make(map[string][]int)
	first := make([][ways]int64, len(events)) // when each event was reported first; 0: it was not
	for i, e := range events {
		places[e.Entity] = append(places[e.Entity], i)
		l.of(e.Kind).events++
	}
	// of is where a finding belongs. It finds what it fits, in some ways to report.
	of := func(f *finding, silence bool, reported ...int) *kindLife {
		belongs := &l.wrong
		for _, i := range places[f.entity] {
			e := &events[i]
			switch {
			case silence && !e.silent:
			case e.fits(f):
				for _, way := range reported {
					if first[i][way] == 0 || f.at < first[i][way] {
						first[i][way] = f.at
					}
				}
				belongs = l.of(e.Kind)
			case belongs == &l.wrong && f.from > e.Until && f.from-e.Until <= grace.Milliseconds():
				belongs = &l.after
			}
		}
		return belongs
	}
	for i := range f.anomalies {
		of(&f.anomalies[i], false, asAnomalies).anomalies++
	}
	inHole := func(p *published) bool {
		return slices.ContainsFunc(places[synthetic.Everything], func(i int) bool { return events[i].fits(&p.finding) })
	}
	for _, p := range f.episodes {
		reported := []int{asEpisodes}
		if p.class == episode.Deviation {
			reported = append(reported, asDeviations)
		}
		k, class := of(&p.finding, p.class != episode.Deviation, reported...), &l.classes[p.class]
		class.opened++
		switch {
		case k == &l.wrong:
			class.wrong++
			if p.class == episode.Absence && inHole(p) {
				k = &l.byHole
			}
		case k != &l.after:
			class.inside++
		}
		k.take(p)
	}
	for i, e := range events {
		k := l.of(e.Kind)
		for way, at := range first[i] {
			if at > 0 {
				k.delays[way] = append(k.delays[way], max(at-e.From, 0))
			}
		}
	}
}

// take counts an episode's records.
func (k *kindLife) take(p *published) {
	for kind, n := range p.records {
		k.records[p.class][kind] += n
	}
	if p.records[episode.Resolved] > 0 {
		if k.outcomes == nil {
			k.outcomes = make(map[string]int)
		}
		k.outcomes[p.outcome.String()]++
	}
}

func (l *life) of(kind string) *kindLife {
	if l.kinds[kind] == nil {
		l.kinds[kind] = &kindLife{}
	}
	return l.kinds[kind]
}

// names are the kinds of events in order; the hole, which is no event of an entity, comes last.
func (l *life) names() []string {
	hole := synthetic.Hole.String()
	names := slices.Sorted(maps.Keys(l.kinds))
	if i := slices.Index(names, hole); i >= 0 {
		names = append(slices.Delete(names, i, i+1), hole)
	}
	return names
}

// percentile is a percentile of delays in bins; a dash if there are none.
func percentile(delays []int64, percent int) string {
	if len(delays) == 0 {
		return "–"
	}
	slices.Sort(delays)
	return fmt.Sprint(delays[(len(delays)*percent+99)/100-1] / binLength.Milliseconds())
}
