package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"anomalydetector/completeness"
	"anomalydetector/configs"
	"anomalydetector/detection"
	"anomalydetector/episode"
	"anomalydetector/synthetic"
)

// ledgerRules are the defaults of [episodes] with the settings of the original.
func ledgerRules(s detection.Settings) (r episode.LedgerRules, err error) {
	file, err := configs.Open("hegemonydetector.conf")
	if err != nil {
		return r, fmt.Errorf("read the built-in configuration: %w", err)
	}
	on := configs.Override{Section: "episodes", Key: "output_topic", Value: "episodes", Source: "make detection"}
	config, err := file.Load(func(string) string { return "" }, on)
	if err != nil {
		return r, fmt.Errorf("read the defaults of episodes: %w", err)
	}
	e, rules := config.Episodes, detection.NewRules(s)
	return episode.LedgerRules{
		Rules:        episode.Rules{Bin: binLength, OpenAfter: e.OpenAfter, ClearAfter: e.ClearAfter, ReopenWithin: e.ReopenWithin, Threshold: s.Threshold},
		AbsenceAfter: e.AbsenceAfter, AbsencePresence: e.AbsencePresence, GapBelow: e.GapBelow,
		History: time.Duration(s.HistoryHours * float64(time.Hour)), Minimum: float64(rules.Needed() - 1),
	}, nil
}

// follower follows one stream as a partition with published episodes does. It is the ledger's owner.
type follower struct {
	scorer    *detection.Scorer
	ledger    *episode.Ledger
	clock     completeness.Clock
	entities  map[string]*followed
	offset    int64 // of the next datapoint
	anomalies []finding
	episodes  []*published
	byID      map[string]*published
}

// followed is an entity.
type followed struct {
	window detection.Window
	newest int64 // time of its newest datapoint
}

// finding is an anomaly or an episode. It says something of an entity from a time until another, and it said it at a time.
// All are Unix milliseconds.
type finding struct {
	entity          string // synthetic.Everything for a gap
	from, until, at int64
}

// published is an episode.
type published struct {
	finding
	class   episode.Kind
	records [episode.Events]int
	outcome episode.Outcome
}

func newFollower(s detection.Settings, rules episode.LedgerRules) *follower {
	f := &follower{scorer: detection.NewScorer(detection.NewRules(s)), entities: make(map[string]*followed), byID: make(map[string]*published)}
	f.ledger = episode.NewLedger(rules, f)
	return f
}

// follow takes all datapoints of a stream. A transaction is a bin.
func (f *follower) follow(part *synthetic.Stream, value func(r *synthetic.Row) (value float64, there bool)) (err error) {
	for i := range part.Bins() {
		part.Rows(i, func(r *synthetic.Row) {
			v, there := value(r)
			if there && err == nil {
				err = f.take(r.Entity, r.At, v)
			}
		})
		if err != nil {
			return err
		}
		f.ledger.Commit()
	}
	return nil
}

// take takes the next datapoint, in the steps of a partition.
func (f *follower) take(key string, at int64, value float64) error {
	if !f.clock.Near(at) {
		f.clock.Outlier(at, key, f.ledger.Entities())
	}
	if err := f.ledger.Advance(f.clock.Time(), at, f.offset); err != nil {
		return err
	}
	e := f.entities[key]
	if e == nil {
		e = &followed{newest: math.MinInt64}
		f.entities[key] = e
	}
	if from, until := f.ledger.Bin(); from <= at && at < until && (e.newest < from || e.newest >= until) {
		f.ledger.Count()
	}
	f.ledger.Saw(key, at)
	verdict := e.window.Add(f.scorer, 0, at, value) // nothing is rolled back
	e.newest = max(e.newest, at)
	switch verdict.Reason {
	case detection.Normal:
		f.ledger.Normal(key, episode.Point{At: at, Value: value})
	case detection.Anomalous:
		f.anomalies = append(f.anomalies, finding{key, at, at, at})
		f.ledger.Anomaly(key, episode.Anomaly{
			ID: strconv.FormatInt(f.offset, 10), At: at, Value: value, Usual: verdict.Median, Scale: verdict.Scale, Deviation: verdict.Deviation,
		})
	}
	f.offset++
	f.note()
	return nil
}

// note notes what the ledger has said.
func (f *follower) note() {
	for _, o := range f.ledger.Drain() {
		p := f.byID[o.Episode.ID]
		if p == nil {
			p = &published{class: o.Kind}
			// A deviation is judged like the anomaly that opens it. A silence is known only when it has lasted for some time.
			p.finding = finding{o.Entity, o.At, o.At, o.At}
			if o.Kind != episode.Deviation {
				p.from, p.until = o.Episode.OpenedAt, math.MaxInt64
			}
			if o.Kind == episode.Gap {
				p.entity = synthetic.Everything
			}
			f.byID[o.Episode.ID] = p
			f.episodes = append(f.episodes, p)
		}
		p.records[o.Event]++
		if o.Event == episode.Resolved {
			p.outcome = o.Episode.Outcome
			if o.Kind != episode.Deviation {
				p.until = o.Episode.EndedAt - 1 // there is a datapoint again
			}
		}
	}
}

// Silent lists the entities whose newest datapoint lies in a time.
func (f *follower) Silent(from, until int64) (all []episode.Silence, err error) {
	for key, e := range f.entities {
		if from <= e.newest && e.newest < until {
			all = append(all, episode.Silence{Key: key, LastSeen: e.newest})
		}
	}
	slices.SortFunc(all, func(a, b episode.Silence) int { return cmp.Compare(a.Key, b.Key) })
	return all, nil
}

// Presence describes the later datapoints of an entity's window, without their median: it decides nothing.
func (f *follower) Presence(key string, since int64) (p episode.Presence, err error) {
	for at := range f.entities[key].window.All() {
		if at < since {
			continue
		}
		if p.Points == 0 {
			p.First = at
		}
		p.Last = at // the stream is in order
		p.Points++
	}
	p.Enough = p.Points >= f.scorer.Rules().Needed()
	return p, nil
}

// ID tells apart absences and gaps.
func (f *follower) ID(class episode.Kind, offset int64, ordinal int) string {
	return fmt.Sprintf("%v %d %d", class, offset, ordinal)
}
