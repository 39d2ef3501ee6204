package report

import (
	"cmp"
	"slices"

	"anomalydetector/backtest"
	"anomalydetector/web/answers"
	"anomalydetector/web/look"
)

// loudest is the entities with the most anomalies, at any setting.
type loudest struct {
	Rows []loudRow
	Some bool // an entity is not among the loudest at some setting
}

type loudRow struct {
	Name, Beside, Href string
	At                 []loudCell // each setting
	Worst              *example
	most               int64
}

type loudCell struct {
	Known               bool // it is among the loudest there
	Anomalies, Episodes string
}

// fewLoud is how many entities the table has at most.
const fewLoud = 20

func loudestOf(r *backtest.Result) *loudest {
	rows, byKey := []*loudRow{}, map[string]*loudRow{}
	for i, s := range r.Settings {
		for _, l := range s.Loudest {
			row := byKey[l.Entity]
			if row == nil {
				row = &loudRow{At: make([]loudCell, len(r.Settings))}
				row.Name, row.Beside = name(r.KeyFields, l.Fields, l.Entity)
				worst := exampleOf(r, l.Worst)
				row.Worst, row.Href = &worst, traceLink(r, l.Entity)
				byKey[l.Entity] = row
				rows = append(rows, row)
			}
			row.At[i] = loudCell{true, look.Group(l.Anomalies), look.Count(l.Episodes, "episode", "episodes")}
			row.most = max(row.most, l.Anomalies)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	slices.SortStableFunc(rows, func(a, b *loudRow) int { return cmp.Compare(b.most, a.most) })
	v := &loudest{}
	for _, row := range rows[:min(len(rows), fewLoud)] {
		v.Some = v.Some || slices.ContainsFunc(row.At, func(c loudCell) bool { return !c.Known })
		v.Rows = append(v.Rows, *row)
	}
	return v
}

// example is an anomaly in a table.
type example struct {
	Name, Beside, Href string
	At                 moment
	Value, Usual       string
	Deviation, Side    string
	Mean               string // if the deviation is of the mean
	Place              string
}

func exampleOf(r *backtest.Result, a backtest.Anomaly) example {
	e := example{At: when(a.At), Value: number(a.Value), Usual: number(a.Usual), Deviation: deviation(a.Deviation), Side: string(answers.SideOf(a.Deviation)),
		Place: place(a.Place), Href: traceLink(r, a.Entity)}
	e.Name, e.Beside = name(r.KeyFields, a.Fields, a.Entity)
	if a.OfMean() {
		e.Mean = meanText(a.Mean, a.MeanLimit)
	}
	return e
}

// examples is what a setting adds to the first one, and what it loses.
type examples struct {
	Name        string
	Adds, Loses []example
	Added, Lost string // how many in all
}

// fewExamples is how many of each are shown.
const fewExamples = 10

func examplesOf(r *backtest.Result) []examples {
	var all []examples
	for i, s := range r.Settings {
		if i == 0 || len(s.Adds.Examples)+len(s.Loses.Examples) == 0 {
			continue
		}
		v := examples{Name: s.Name, Added: look.Group(s.Adds.Anomalies), Lost: look.Group(s.Loses.Anomalies)}
		for _, a := range s.Adds.Examples[:min(fewExamples, len(s.Adds.Examples))] {
			v.Adds = append(v.Adds, exampleOf(r, a))
		}
		for _, a := range s.Loses.Examples[:min(fewExamples, len(s.Loses.Examples))] {
			v.Loses = append(v.Loses, exampleOf(r, a))
		}
		all = append(all, v)
	}
	return all
}
