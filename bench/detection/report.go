package main

import (
	"fmt"
	"slices"
	"strings"

	"anomalydetector/backtest/labels"
	"anomalydetector/detection"
	"anomalydetector/synthetic"
)

// report shows two settings side by side: the original's and another one.
type report struct {
	streams  *streams
	other    string // what the other one is called
	settings [2]detection.Settings
	outcomes [2]outcome
}

// tables are those of the page, by name.
func (r report) tables() map[string]string {
	tables := map[string]string{"summary": r.summary(), "kinds": r.kinds(), "sizes": r.sizes(), "entities": r.entities()}
	if r.settings[1].Method == detection.OriginalMethod {
		return tables
	}
	named := make(map[string]string)
	for name, text := range tables {
		named[r.other+"_"+name] = text
	}
	return named
}

// table is a table in Markdown.
type table struct{ strings.Builder }

func newTable(columns ...any) *table {
	t := &table{}
	t.row(columns...)
	t.WriteString("|---|" + strings.Repeat("--:|", len(columns)-1) + "\n")
	return t
}

func (t *table) row(cells ...any) {
	for _, cell := range cells {
		fmt.Fprintf(t, "| %v ", cell)
	}
	t.WriteString("|\n")
}

func name(s detection.Settings) string {
	if s.Method == detection.HabitMethod {
		return fmt.Sprintf("threshold %v, min_dev %v", s.Threshold, s.MinDeviation)
	}
	return fmt.Sprintf("threshold %v, %s, min_dev %v", s.Threshold, s.Metric, s.MinDeviation)
}

// summary is about all events together.
func (r report) summary() string {
	t := newTable("", "original: "+name(r.settings[0]), r.other+": "+name(r.settings[1]))
	both := func(word string, cell func(outcome) any) { t.row(word, cell(r.outcomes[0]), cell(r.outcomes[1])) }
	both("events", func(o outcome) any { return o.Events })
	both("found", func(o outcome) any { return share(o.Episodes.Found, o.Events) })
	both("missed", func(o outcome) any { return o.Episodes.Missed })
	both("false messages", func(o outcome) any { return o.Episodes.False })
	both("messages a day", func(o outcome) any { return fmt.Sprintf("%.1f", float64(o.messages)/r.streams.streamDays()) })
	both("of them false", func(o outcome) any { return fmt.Sprintf("%.1f", float64(o.Episodes.False)/r.streams.streamDays()) })
	both("precision", func(o outcome) any { return ratio(o.Episodes.Precision) })
	both("recall", func(o outcome) any { return ratio(o.Episodes.Recall) })
	both("F1", func(o outcome) any { return ratio(o.Episodes.F1) })
	return t.String()
}

func ratio(x *float64) string {
	if x == nil {
		return "–"
	}
	return fmt.Sprintf("%.2f", *x)
}

func share(found, of int) string {
	if of == 0 {
		return "–"
	}
	return fmt.Sprintf("%d (%d %%)", found, (200*found+of)/(2*of))
}

// kinds is by kind of event.
func (r report) kinds() string {
	t := newTable("event", "events", "original finds", "misses", "delay", r.other+" finds", "misses", "delay")
	for i, kind := range r.outcomes[0].Episodes.Kinds {
		best := r.outcomes[1].Episodes.Kinds[i]
		t.row(kind.Kind, kind.Events, share(kind.Found, kind.Events), kind.Missed, delay(kind), share(best.Found, best.Events), best.Missed, delay(best))
	}
	holes, original, best := r.streams.lacks, r.outcomes[0].holes, r.outcomes[1].holes
	t.row("hole", holes, share(original, holes), holes-original, "–", share(best, holes), holes-best, "–")
	return t.String()
}

// delay is the median delay in bins.
func delay(k labels.KindFit) string {
	if k.DelayP50 == nil {
		return "–"
	}
	return fmt.Sprint(*k.DelayP50 / binLength.Milliseconds())
}

// missed are the events that one setting misses.
func (r report) missed(i int) map[happened]bool {
	missed := make(map[happened]bool)
	for _, e := range r.outcomes[i].Episodes.MissedEvents {
		missed[happened{e.Entity, e.From.UnixMilli()}] = true
	}
	return missed
}

// count counts the events of a group, and those of them that each setting finds.
func (r report) count(in func(event) bool) (events int, found [2]int) {
	missed := [2]map[happened]bool{r.missed(0), r.missed(1)}
	for at, e := range r.streams.events {
		if !in(e) {
			continue
		}
		events++
		for i := range found {
			if !missed[i][at] {
				found[i]++
			}
		}
	}
	return events, found
}

// abrupt are the kinds that change the value at once.
func abrupt(e event) bool {
	return !e.Silent && slices.Contains([]synthetic.Kind{synthetic.Shift, synthetic.Spike, synthetic.Outage, synthetic.TransitLoss}, e.Kind)
}

func calm(e event) bool {
	return slices.Contains([]synthetic.EntityKind{synthetic.Ordinary, synthetic.Constant, synthetic.Sparse}, e.of)
}

// sizes says how small a change of a calm entity is found.
func (r report) sizes() string {
	t := newTable("change of a calm entity", "events", "original finds", r.other+" finds")
	edges := []float64{0, 0.05, 0.1, 0.15, 0.2, 0.4, 1.01}
	for i := range len(edges) - 1 {
		low, high := edges[i], edges[i+1]
		events, found := r.count(func(e event) bool { return abrupt(e) && calm(e) && e.sizeOf() >= low && e.sizeOf() < high })
		t.row(fmt.Sprintf("%v to %v", low, min(high, 1)), events, share(found[0], events), share(found[1], events))
	}
	return t.String()
}

// entities says how well changes are found in each kind of entities, and how much else is reported there.
func (r report) entities() string {
	t := newTable("entities", "changes", "original finds", r.other+" finds", "false, original", "false, "+r.other)
	for i, name := range synthetic.EntityKindNames() {
		kind := synthetic.EntityKind(i)
		events, found := r.count(func(e event) bool { return abrupt(e) && e.of == kind })
		t.row(name, events, share(found[0], events), share(found[1], events), r.outcomes[0].wrong[kind], r.outcomes[1].wrong[kind])
	}
	return t.String()
}

// gridTable is what each setting scored when the best was chosen.
func gridTable(grid []detection.Settings, outcomes []outcome, best int) string {
	t := newTable("threshold, dev_metric, min_dev", "F1", "precision", "recall", "found", "false")
	for i, s := range grid {
		o := outcomes[i].Episodes
		word := fmt.Sprintf("%v, %s, %v", s.Threshold, s.Metric, s.MinDeviation)
		if i == best {
			word = "**" + word + "**"
		}
		t.row(word, ratio(o.F1), ratio(o.Precision), ratio(o.Recall), o.Found, o.False)
	}
	return t.String()
}
