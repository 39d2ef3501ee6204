package bootstrap

import (
	"encoding/csv"
	"io"
	"strconv"

	"anomalydetector/backtest"
	"anomalydetector/backtest/labels"
)

// column is a column of the table: one number of a setting.
type column struct {
	title, name string // for people; for programs
	value       func(*backtest.Outcome) string
}

func columnsOf(r *backtest.Result) []column {
	whole := func(value func(*backtest.Outcome) int64) func(*backtest.Outcome) string {
		return func(o *backtest.Outcome) string { return strconv.FormatInt(value(o), 10) }
	}
	all := []column{
		{"scored", "scored", whole(func(o *backtest.Outcome) int64 { return o.Scored })},
		{"anomalies", "anomalies", whole(func(o *backtest.Outcome) int64 { return o.Anomalies })},
		{"episodes", "episodes", whole(func(o *backtest.Outcome) int64 { return o.Episodes })},
		{"entities", "entities", whole(func(o *backtest.Outcome) int64 { return int64(o.Entities) })},
		{"messages a day", "messages_per_day", func(o *backtest.Outcome) string { return strconv.FormatFloat(o.PerDay, 'f', 1, 64) }},
	}
	if len(r.Settings) > 1 {
		all = append(all,
			column{"adds", "adds", whole(func(o *backtest.Outcome) int64 { return o.Adds.Anomalies })},
			column{"loses", "loses", whole(func(o *backtest.Outcome) int64 { return o.Loses.Anomalies })})
	}
	if r.Settings[0].Score == nil {
		return all
	}
	return append(all,
		column{"found", "found", whole(func(o *backtest.Outcome) int64 { return int64(o.Score.Episodes.Found) })},
		column{"missed", "missed", whole(func(o *backtest.Outcome) int64 { return int64(o.Score.Episodes.Missed) })},
		column{"false a day", "false_per_day", decimals(3, func(o *backtest.Outcome) *float64 { return o.Score.Episodes.FalsePerDay })},
		column{"precision", "precision", decimals(3, func(o *backtest.Outcome) *float64 { return o.Score.Episodes.Precision })},
		column{"recall", "recall", decimals(3, func(o *backtest.Outcome) *float64 { return o.Score.Episodes.Recall })},
		column{"F1", "f1", decimals(3, func(o *backtest.Outcome) *float64 { return o.Score.Episodes.F1 })})
}

// scoreColumns are the measures that a table of many settings shows beside, for people.
func scoreColumns(r *backtest.Result) []column {
	if r.Settings[0].Score == nil {
		return nil
	}
	return []column{
		{"median delay", "", func(o *backtest.Outcome) string {
			for _, m := range o.Score.Measures() {
				if m.Name == "delay_p50_ms" && o.Score.Episodes.DelayP50 != nil {
					return m.Episodes
				}
			}
			return "-"
		}},
		{"NAB", "", decimals(1, func(o *backtest.Outcome) *float64 { return o.Score.Episodes.NAB.Standard })},
	}
}

// exactColumns are the measures that --csv has beside, for programs.
func exactColumns(r *backtest.Result) []column {
	if r.Settings[0].Score == nil {
		return nil
	}
	delay := func(value func(*labels.Fit) *int64) func(*backtest.Outcome) string {
		return func(o *backtest.Outcome) string {
			if ms := value(&o.Score.Episodes); ms != nil {
				return strconv.FormatInt(*ms, 10)
			}
			return "-"
		}
	}
	return []column{
		{"", "aftermath", func(o *backtest.Outcome) string { return strconv.FormatInt(o.Score.Episodes.Aftermath, 10) }},
		{"", "delay_p50_ms", delay(func(f *labels.Fit) *int64 { return f.DelayP50 })},
		{"", "delay_p90_ms", delay(func(f *labels.Fit) *int64 { return f.DelayP90 })},
		{"", "nab_standard", decimals(3, func(o *backtest.Outcome) *float64 { return o.Score.Episodes.NAB.Standard })},
		{"", "nab_reward_low_fp_rate", decimals(3, func(o *backtest.Outcome) *float64 { return o.Score.Episodes.NAB.LowFP })},
		{"", "nab_reward_low_fn_rate", decimals(3, func(o *backtest.Outcome) *float64 { return o.Score.Episodes.NAB.LowFN })},
	}
}

// decimals writes a number with this many decimals, and a dash if it is not known.
func decimals(places int, value func(*backtest.Outcome) *float64) func(*backtest.Outcome) string {
	return func(o *backtest.Outcome) string {
		if v := value(o); v != nil {
			return strconv.FormatFloat(*v, 'f', places, 64)
		}
		return "-"
	}
}

func printCSV(to io.Writer, r *backtest.Result) error {
	rows, columns := csv.NewWriter(to), append(columnsOf(r), exactColumns(r)...)
	head := []string{"setting"}
	for _, c := range columns {
		head = append(head, c.name)
	}
	_ = rows.Write(head) // Error has it
	for i := range r.Settings {
		row := []string{r.Settings[i].Name}
		for _, c := range columns {
			row = append(row, c.value(&r.Settings[i]))
		}
		_ = rows.Write(row)
	}
	rows.Flush()
	return rows.Error()
}
