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
	Rows      []scoreRow
	NAB       bool // some input is long enough for the score of the benchmark
}

type scoreRow struct {
	Name                                       string
	Found, Missed, False, P50, P90             string
	Precision, Recall, F1                      string
	Standard, LowFP, LowFN                     string
	BestF1, BestStandard, BestLowFP, BestLowFN bool // no other is higher, and some are lower
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
	nab := first.Anomalies.NAB.Standard != nil
	v.Episodes = scoreTable{"episodes", "Each episode counts once, when it opens", scoreRows(r, func(s *labels.Score) *labels.Fit { return &s.Episodes }), nab}
	v.Anomalies = scoreTable{"anomalies", "The same, if each anomaly counts", scoreRows(r, func(s *labels.Score) *labels.Fit { return &s.Anomalies }), nab}
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

func scoreRows(r *backtest.Result, of func(*labels.Score) *labels.Fit) []scoreRow {
	var rows []scoreRow
	var f1, standard, lowFP, lowFN []float64
	value := func(v *float64) float64 {
		if v == nil {
			return math.Inf(-1)
		}
		return *v
	}
	for _, s := range r.Settings {
		row := scoreRow{Name: s.Name}
		f := &labels.Fit{}
		if s.Score != nil {
			f = of(s.Score)
			row.Found, row.Missed = look.Group(f.Found), look.Group(f.Missed)
		}
		row.False, row.P50, row.P90 = optional(f.FalsePerDay, 2), delay(f.DelayP50), delay(f.DelayP90)
		row.Precision, row.Recall, row.F1 = share(f.Precision), share(f.Recall), share(f.F1)
		row.Standard, row.LowFP, row.LowFN = optional(f.NAB.Standard, 1), optional(f.NAB.LowFP, 1), optional(f.NAB.LowFN, 1)
		f1, standard = append(f1, value(f.F1)), append(standard, value(f.NAB.Standard))
		lowFP, lowFN = append(lowFP, value(f.NAB.LowFP)), append(lowFN, value(f.NAB.LowFN))
		rows = append(rows, row)
	}
	for i := range rows {
		best := func(all []float64) bool { return all[i] == slices.Max(all) && all[i] > slices.Min(all) }
		rows[i].BestF1, rows[i].BestStandard, rows[i].BestLowFP, rows[i].BestLowFN = best(f1), best(standard), best(lowFP), best(lowFN)
	}
	return rows
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
			rows[at].Found[i] = kindCell{Found: look.Group(k.Found), Delay: ""}
			if k.DelayP50 != nil {
				rows[at].Found[i].Delay = delay(k.DelayP50)
				if *k.DelayP50 > 0 {
					rows[at].Found[i].Delay = "after " + rows[at].Found[i].Delay
				}
			}
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
	if v == nil || finite(*v) == nil {
		return "–"
	}
	return look.Digits(*v, decimals)
}

func share(v *float64) string {
	if v == nil || finite(*v) == nil {
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
