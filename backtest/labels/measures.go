package labels

import (
	"fmt"
	"strings"
	"time"
)

// Measure is a number of a Score as people read it: in a table, or on the page of a report.
type Measure struct {
	Name      string // of its Definition
	Title     string
	Anomalies string // if each anomaly is a report
	Episodes  string // if only the anomaly that opens an episode is one; empty: the number does not depend on it
	Means     string // its Definition
}

// Measures are the numbers to show, in their order: what is not judged only if there is any. Unknown is written as a dash.
func (s *Score) Measures() []Measure {
	means := map[string]string{}
	for _, d := range Definitions() {
		means[d.Name] = d.Means
	}
	var all []Measure
	once := func(name, title, value string) {
		all = append(all, Measure{name, title, value, "", means[name]})
	}
	both := func(name, title string, value func(f *Fit) string) {
		all = append(all, Measure{name, title, value(&s.Anomalies), value(&s.Episodes), means[name]})
	}
	once("events", "Events", fmt.Sprint(s.Events))
	if s.NoEntity > 0 {
		once("labels_without_entity", "Labels without their entity", fmt.Sprintf("%d, such as %s", s.NoEntity, strings.Join(s.NoEntityFirst, "; ")))
	}
	if s.NoTime > 0 {
		once("labels_after_input", "Labels after the input", fmt.Sprint(s.NoTime))
	}
	if s.TooEarly > 0 {
		once("labels_too_early", "Labels too early", fmt.Sprint(s.TooEarly))
	}
	both("found", "Found", func(f *Fit) string { return fmt.Sprint(f.Found) })
	both("missed", "Missed", func(f *Fit) string { return missed(f) })
	both("reports", "Reports", func(f *Fit) string { return fmt.Sprint(f.Reports) })
	both("inside", "Inside a label", func(f *Fit) string { return fmt.Sprint(f.Inside) })
	both("aftermath", "Soon after one", func(f *Fit) string { return fmt.Sprint(f.Aftermath) })
	both("false", "False", func(f *Fit) string { return fmt.Sprint(f.False) })
	both("false_per_day", "False a day", func(f *Fit) string { return decimals(f.FalsePerDay, "%.2f") })
	both("delay_p50_ms", "Delay, median", func(f *Fit) string { return delay(f.DelayP50, f.DelayP50Bins) })
	both("delay_p90_ms", "Delay, 90 %", func(f *Fit) string { return delay(f.DelayP90, f.DelayP90Bins) })
	both("precision", "Precision", func(f *Fit) string { return decimals(f.Precision, "%.3f") })
	both("recall", "Recall", func(f *Fit) string { return decimals(f.Recall, "%.3f") })
	both("f1", "F1", func(f *Fit) string { return decimals(f.F1, "%.3f") })
	both("nab.standard", "NAB, standard", func(f *Fit) string { return decimals(f.NAB.Standard, "%.1f") })
	both("nab.reward_low_fp_rate", "NAB, few false", func(f *Fit) string { return decimals(f.NAB.LowFP, "%.1f") })
	both("nab.reward_low_fn_rate", "NAB, few missed", func(f *Fit) string { return decimals(f.NAB.LowFN, "%.1f") })
	return all
}

const unknown = "–"

func decimals(number *float64, format string) string {
	if number == nil {
		return unknown
	}
	return fmt.Sprintf(format, *number)
}

// missed is a number and what it consists of, if the labels have kinds.
func missed(f *Fit) string {
	var kinds []string
	for _, k := range f.Kinds {
		if k.Missed > 0 && k.Kind != "" {
			kinds = append(kinds, fmt.Sprintf("%d %s", k.Missed, k.Kind))
		}
	}
	if len(kinds) == 0 {
		return fmt.Sprint(f.Missed)
	}
	return fmt.Sprintf("%d (%s)", f.Missed, strings.Join(kinds, ", "))
}

func delay(ms *int64, bins *float64) string {
	if ms == nil {
		return unknown
	}
	d := time.Duration(*ms) * time.Millisecond
	text := fmt.Sprintf("%d d %d h", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
	switch {
	case d < time.Minute:
		text = fmt.Sprintf("%.3g s", d.Seconds())
	case d < time.Hour:
		text = fmt.Sprintf("%d min", d/time.Minute)
	case d < 24*time.Hour:
		text = fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	}
	if bins == nil {
		return text
	}
	return fmt.Sprintf("%s (%.3g bins)", text, *bins)
}
