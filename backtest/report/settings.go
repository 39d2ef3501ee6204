package report

import (
	"slices"
	"strings"

	"anomalydetector/backtest"
	"anomalydetector/detection"
	"anomalydetector/web/look"
)

// settingRow is a setting in the table that compares all.
type settingRow struct {
	Name                        string
	First                       bool
	Scored, Anomalies, Episodes string
	Reopened                    string
	Entities, PerDay            string
	Adds, Loses                 beside
	Bar                         string // how many episodes of the most, in percent
}

// beside is what a setting has or lacks beside the first one.
type beside struct{ Anomalies, Entities string }

func settingsOf(r *backtest.Result) []settingRow {
	var rows []settingRow
	var most int64 = 1
	for _, s := range r.Settings {
		most = max(most, s.Episodes)
	}
	for i, s := range r.Settings {
		row := settingRow{Name: s.Name, First: i == 0, Scored: look.Group(s.Scored), Anomalies: look.Group(s.Anomalies), Episodes: look.Group(s.Episodes),
			Entities: look.Group(s.Entities), PerDay: rate(s.PerDay), Bar: look.Percent(float64(s.Episodes) / float64(most))}
		if s.Reopened > 0 {
			row.Reopened = look.Group(s.Reopened) + " reopened"
		}
		if i > 0 {
			row.Adds = besideOf(s.Adds, "+")
			row.Loses = besideOf(s.Loses, "−")
		}
		rows = append(rows, row)
	}
	return rows
}

func besideOf(o backtest.Overlap, sign string) beside {
	if o.Anomalies == 0 {
		return beside{Anomalies: "0"}
	}
	b := beside{Anomalies: sign + look.Group(o.Anomalies)}
	if o.Entities > 0 {
		b.Entities = "in " + look.Count(o.Entities, "entity", "entities")
	}
	return b
}

// shortened names settings such as "threshold=3 dev_metric=mean" by their values alone: "3 · mean". Names that are already
// short, or of another form, stay. varied is what the values are of.
func shortened(names []string) (short []string, varied string) {
	const joint = " · "
	for i, name := range names {
		var keys, values []string
		for part := range strings.FieldsSeq(name) {
			key, value, is := strings.Cut(part, "=")
			if !is {
				return names, "setting"
			}
			keys, values = append(keys, key), append(values, value)
		}
		if i > 0 && strings.Join(keys, joint) != varied || len(keys) < 2 {
			return names, "setting"
		}
		varied = strings.Join(keys, joint)
		short = append(short, strings.Join(values, joint))
	}
	return short, varied
}

// rulesOf is the settings in force. One that differs has all its values.
func rulesOf(r *backtest.Result) []fact {
	all := []fact{{Label: "value", Value: r.ValueName}, {Label: "key", Value: strings.Join(r.KeyFields, ", ")}}
	if r.ValueName == "" {
		all = all[1:]
	}
	add := func(label string, of func(backtest.Setting) string) {
		var values []string
		for _, s := range r.Settings {
			if v := of(s.Setting); !slices.Contains(values, v) {
				values = append(values, v)
			}
		}
		all = append(all, fact{Label: label, Value: strings.Join(values, " or ")})
	}
	digits := func(v float64) string { return look.Digits(v, 4) }
	add("threshold", func(s backtest.Setting) string { return digits(s.Rules.Threshold) })
	if slices.ContainsFunc(r.Settings, habitual) {
		add("method", func(s backtest.Setting) string { return s.Rules.Method.String() })
	}
	add("dev_metric", func(s backtest.Setting) string { return s.Rules.Metric.String() })
	add("min_dev", func(s backtest.Setting) string { return digits(s.Rules.MinDeviation) })
	add("history_hours", func(s backtest.Setting) string { return digits(s.Rules.HistoryHours) })
	add("history_min_ratio", func(s backtest.Setting) string { return digits(s.Rules.MinRatio) })
	add("time granularity", func(s backtest.Setting) string { return digits(s.Rules.GranularityMinutes) + " min" })
	add("an episode ends after", func(s backtest.Setting) string { return look.Count(s.Episodes.ClearAfter, "bin", "bins") })
	add("it reopens within", func(s backtest.Setting) string { return look.Span(s.Episodes.ReopenWithin) })
	return all
}

// habitual tells whether a setting is of the method habit.
func habitual(o backtest.Outcome) bool { return o.Rules.Method == detection.HabitMethod }
