package stories_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"anomalydetector/completeness"
	"anomalydetector/episode"
	"anomalydetector/test/naive"
	"anomalydetector/test/naive/stories"
)

// owner is the owner of a ledger whose windows are the naive detector's.
type owner struct {
	rules  naive.Rules
	points map[string][]stories.Record
	newest map[string]int64
}

func (o *owner) Silent(from, until int64) (all []episode.Silence, err error) {
	for key, newest := range o.newest {
		if from <= newest && newest < until {
			all = append(all, episode.Silence{Key: key, LastSeen: newest})
		}
	}
	slices.SortFunc(all, func(a, b episode.Silence) int { return strings.Compare(a.Key, b.Key) })
	return all, nil
}

func (o *owner) Presence(key string, since int64) (p episode.Presence, err error) {
	p.First, p.Last = math.MaxInt64, math.MinInt64
	var values []float64
	for _, r := range o.points[key] {
		if r.At >= since {
			p.First, p.Last = min(p.First, r.At), max(p.Last, r.At)
			values = append(values, r.Value)
		}
	}
	slices.Sort(values)
	p.Points, p.Enough = len(values), float64(len(values)) > o.minimum()
	if p.Points > 0 {
		p.Usual = (values[(p.Points-1)/2] + values[p.Points/2]) / 2
	}
	return p, nil
}

func (o *owner) minimum() float64 {
	return o.rules.MinRatio * o.rules.HistoryHours * 60 / o.rules.GranularityMinutes
}

func (o *owner) ID(kind episode.Kind, offset int64, ordinal int) string {
	return fmt.Sprint(kind, offset, ordinal)
}

// TestTheLedgerTellsTheStories tells the naive detector's stories to a ledger, in the steps of an owner.
func TestTheLedgerTellsTheStories(t *testing.T) {
	for _, story := range stories.All() {
		t.Run(story.Name, func(t *testing.T) {
			if got := stories.Text(tellLedger(t, story)); got != story.Want {
				t.Errorf("%s:\n%swant\n%s", story.Rule, got, story.Want)
			}
		})
	}
}

func tellLedger(t *testing.T, story stories.Story) (records []episode.Record) {
	o := &owner{rules: story.Rules, points: map[string][]stories.Record{}, newest: map[string]int64{}}
	rules := episode.LedgerRules{
		Rules: episode.Rules{
			Bin: time.Duration(story.Rules.GranularityMinutes * float64(time.Minute)), ClearAfter: story.Episodes.ClearAfter,
			ReopenWithin: time.Duration(story.Episodes.ReopenWithin) * time.Millisecond, OpenAfter: story.Episodes.OpenAfter,
			Threshold: story.Rules.Threshold,
		},
		AbsenceAfter: story.Episodes.AbsenceAfter, AbsencePresence: story.Episodes.MinPresence, GapBelow: story.Episodes.GapBelow,
		History: time.Duration(story.Rules.HistoryHours * float64(time.Hour)), Minimum: o.minimum(),
	}
	l := episode.NewLedger(rules, o)
	var clock completeness.Clock
	for i, r := range story.Records {
		if i > 0 && i == story.Anew {
			l.BeginAnew(clock.Time())
			clock = completeness.Clock{}
		}
		if !clock.Near(r.At) {
			clock.Outlier(r.At, r.Key, l.Entities())
		}
		if err := l.Advance(clock.Time(), r.At, int64(i)); err != nil {
			t.Fatal(err)
		}
		newest, known := o.newest[r.Key]
		if from, until := l.Bin(); from <= r.At && r.At < until && (!known || newest < from || newest >= until) {
			l.Count()
		}
		if !known || r.At > newest {
			o.newest[r.Key] = r.At
		}
		o.points[r.Key] = append(o.points[r.Key], r)
		if l.Keeps(r.Key) {
			l.Saw(r.Key, r.At)
		}
		switch v := r.Verdict; {
		case v.Anomalous:
			l.Anomaly(r.Key, episode.Anomaly{ID: fmt.Sprint(i), At: r.At, Value: r.Value, Usual: v.Usual, Scale: v.Scale, Deviation: v.Deviation})
		case v.Scored:
			l.Normal(r.Key, episode.Point{At: r.At, Value: r.Value})
		}
		for _, occurrence := range l.Drain() {
			records = append(records, episode.RecordOf(&occurrence, "test"))
		}
	}
	return records
}
