package labels

import (
	"fmt"
	"strings"
	"time"
)

// Measure is a number of a Score as people read it on a terminal.
type Measure struct {
	Name      string // of its Definition
	Title     string // of its Definition, with a capital letter
	Anomalies string // if each anomaly is a report
	Episodes  string // if only the anomaly that opens an episode is one; empty: the number does not depend on it
	Means     string // its Definition
}

// Measures are the numbers to show, in their order: what is not judged only if there is any. Unknown is written as a dash.
func (s *Score) Measures() []Measure {
	definitions := map[string]Definition{}
	for _, d := range Definitions() {
		definitions[d.Name] = d
	}
	var all []Measure
	add := func(name, anomalies, episodes string) {
		d := definitions[name]
		all = append(all, Measure{name, strings.ToUpper(d.Title[:1]) + d.Title[1:], anomalies, episodes, d.Means})
	}
	once := func(name, value string) { add(name, value, "") }
	both := func(name string, value func(f *Fit) string) { add(name, value(&s.Anomalies), value(&s.Episodes)) }
	once("events", fmt.Sprint(s.Events))
	if s.NoEntity > 0 {
		once("labels_without_entity", fmt.Sprintf("%d, such as %s", s.NoEntity, strings.Join(s.NoEntityFirst, "; ")))
	}
	if s.NoTime > 0 {
		once("labels_after_input", fmt.Sprint(s.NoTime))
	}
	if s.TooEarly > 0 {
		once("labels_too_early", fmt.Sprint(s.TooEarly))
	}
	both("found", func(f *Fit) string { return fmt.Sprint(f.Found) })
	both("missed", missed)
	both("reports", func(f *Fit) string { return fmt.Sprint(f.Reports) })
	both("inside", func(f *Fit) string { return fmt.Sprint(f.Inside) })
	both("aftermath", func(f *Fit) string { return fmt.Sprint(f.Aftermath) })
	both("false", func(f *Fit) string { return fmt.Sprint(f.False) })
	both("false_per_day", func(f *Fit) string { return decimals(f.FalsePerDay, "%.2f") })
	both("delay_p50_ms", func(f *Fit) string { return delay(f.DelayP50, f.DelayP50Bins) })
	both("delay_p90_ms", func(f *Fit) string { return delay(f.DelayP90, f.DelayP90Bins) })
	both("precision", func(f *Fit) string { return decimals(f.Precision, "%.3f") })
	both("recall", func(f *Fit) string { return decimals(f.Recall, "%.3f") })
	both("f1", func(f *Fit) string { return decimals(f.F1, "%.3f") })
	both("nab.standard", func(f *Fit) string { return decimals(f.NAB.Standard, "%.1f") })
	both("nab.reward_low_fp_rate", func(f *Fit) string { return decimals(f.NAB.LowFP, "%.1f") })
	both("nab.reward_low_fn_rate", func(f *Fit) string { return decimals(f.NAB.LowFN, "%.1f") })
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
