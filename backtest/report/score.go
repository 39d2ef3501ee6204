package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"anomalydetector/backtest"
	"anomalydetector/backtest/labels"
	"anomalydetector/web/look"
)

// scores is how well each setting fits the labels.
type scores struct {
	Sentence  string
	Episodes  scoreTable
	Anomalies scoreTable
	Kinds     []kindRow
}

// scoreTable is the scores by one way of counting reports.
type scoreTable struct {
	ID, Title string
	Heads     []string
	Rows      []scoreRow
}

type scoreRow struct {
	Name  string
	Cells []scoreCell
}

type scoreCell struct {
	Text string
	Best bool // no other setting has more, and some have less
}

// measure is a column of a table of scores.
type measure struct {
	name string // of its definition, which has the words for its head
	text func(*labels.Fit) string
	goal func(*labels.Fit) *float64 // higher is better; nil: no setting stands out by this number
}

// measures are the columns of all tables of scores.
var measures = []measure{
	{"found", func(f *labels.Fit) string { return look.Group(f.Found) }, nil},
	{"missed", func(f *labels.Fit) string { return look.Group(f.Missed) }, nil},
	{"false_per_day", func(f *labels.Fit) string { return optional(f.FalsePerDay, 2) }, nil},
	{"delay_p50_ms", func(f *labels.Fit) string { return delay(f.DelayP50) }, nil},
	{"delay_p90_ms", func(f *labels.Fit) string { return delay(f.DelayP90) }, nil},
	{"precision", func(f *labels.Fit) string { return share(f.Precision) }, nil},
	{"recall", func(f *labels.Fit) string { return share(f.Recall) }, nil},
	{"f1", func(f *labels.Fit) string { return share(f.F1) }, func(f *labels.Fit) *float64 { return f.F1 }},
}

// nabMeasures are further columns, if some input is long enough for the score of the benchmark.
var nabMeasures = []measure{
	nabMeasure("nab.standard", func(n labels.NAB) *float64 { return n.Standard }),
	nabMeasure("nab.reward_low_fp_rate", func(n labels.NAB) *float64 { return n.LowFP }),
	nabMeasure("nab.reward_low_fn_rate", func(n labels.NAB) *float64 { return n.LowFN }),
}

func nabMeasure(name string, of func(labels.NAB) *float64) measure {
	goal := func(f *labels.Fit) *float64 { return of(f.NAB) }
	return measure{name, func(f *labels.Fit) string { return optional(goal(f), 1) }, goal}
}

// kindRow is how the events of a kind were found.
type kindRow struct {
	Kind   string
	Events string
	Found  []kindCell // at each setting
}

type kindCell struct{ Found, Delay string }

func scoresOf(r *backtest.Result) *scores {
	var first *labels.Score
	for _, s := range r.Settings {
		if first == nil {
			first = s.Score
		}
	}
	if first == nil {
		return nil
	}
	v := &scores{Sentence: judged(first)}
	columns := measures
	if first.Anomalies.NAB.Standard != nil {
		columns = slices.Concat(measures, nabMeasures)
	}
	v.Episodes = scoreTableOf(r, columns, func(s *labels.Score) *labels.Fit { return &s.Episodes })
	v.Episodes.ID, v.Episodes.Title = "episodes", "Each episode counts once, when it opens"
	v.Anomalies = scoreTableOf(r, columns, func(s *labels.Score) *labels.Fit { return &s.Anomalies })
	v.Anomalies.ID, v.Anomalies.Title = "anomalies", "The same, if each anomaly counts"
	return v
}

// judged says which labels count.
func judged(s *labels.Score) string {
	text := fmt.Sprintf("%s of %s can be judged", look.Group(s.Events), look.Count(s.Labels, "label", "labels"))
	var not []string
	for _, n := range []struct {
		n   int
		why string
	}{{s.NoEntity, "of entities that are not in the input"}, {s.NoTime, "after its end"}, {s.TooEarly, "before their entity has enough history"}} {
		if n.n > 0 {
			not = append(not, look.Group(n.n)+" "+n.why)
		}
	}
	if len(not) > 0 {
		text += "; not judged: " + strings.Join(not, ", ")
	}
	return text + "."
}

func scoreTableOf(r *backtest.Result, columns []measure, of func(*labels.Score) *labels.Fit) scoreTable {
	var table scoreTable
	var fits []*labels.Fit
	for _, s := range r.Settings {
		if s.Score != nil {
			fits = append(fits, of(s.Score))
			table.Rows = append(table.Rows, scoreRow{Name: s.Name})
		}
	}
	titles := map[string]string{}
	for _, d := range labels.Definitions() {
		titles[d.Name] = strings.ReplaceAll(d.Title, " %", "\u00a0%") // the sign stays with its number
	}
	for _, m := range columns {
		table.Heads = append(table.Heads, titles[m.name])
		best := m.best(fits)
		for i, f := range fits {
			table.Rows[i].Cells = append(table.Rows[i].Cells, scoreCell{m.text(f), best[i]})
		}
	}
	return table
}

// best tells of each fit whether its goal is the highest, and not that of all.
func (m measure) best(fits []*labels.Fit) []bool {
	best := make([]bool, len(fits))
	if m.goal == nil {
		return best
	}
	reached := make([]float64, len(fits))
	for i, f := range fits {
		reached[i] = math.Inf(-1)
		if v := m.goal(f); v != nil {
			reached[i] = *v
		}
	}
	most, least := slices.Max(reached), slices.Min(reached)
	for i, v := range reached {
		best[i] = v == most && v > least
	}
	return best
}

// kindsOf says by kind of event, if there are several kinds, how many each setting's episodes find.
func kindsOf(r *backtest.Result) []kindRow {
	var rows []kindRow
	for i, s := range r.Settings {
		if s.Score == nil {
			continue
		}
		for _, k := range s.Score.Episodes.Kinds {
			at := slices.IndexFunc(rows, func(row kindRow) bool { return row.Kind == k.Kind })
			if at < 0 {
				at = len(rows)
				rows = append(rows, kindRow{Kind: k.Kind, Events: look.Group(k.Events), Found: make([]kindCell, len(r.Settings))})
			}
			cell := kindCell{Found: look.Group(k.Found)}
			if k.DelayP50 != nil {
				cell.Delay = delay(k.DelayP50)
				if *k.DelayP50 > 0 {
					cell.Delay = "after " + cell.Delay
				}
			}
			rows[at].Found[i] = cell
		}
	}
	if len(rows) < 2 {
		return nil
	}
	for i := range rows {
		if rows[i].Kind == "" {
			rows[i].Kind = "not said"
		}
	}
	return rows
}

func optional(v *float64, decimals int) string {
	if v == nil {
		return "–"
	}
	return look.Digits(*v, decimals)
}

func share(v *float64) string {
	if v == nil {
		return "–"
	}
	return fmt.Sprintf("%.2f", *v)
}

func delay(ms *int64) string {
	if ms == nil {
		return "–"
	}
	if *ms == 0 {
		return "at once"
	}
	return look.Span(time.Duration(*ms) * time.Millisecond)
}
