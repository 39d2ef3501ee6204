package report

import (
	"slices"
	"strings"

	"anomalydetector/backtest"
	"anomalydetector/backtest/labels"
	"anomalydetector/web/look"
)

// input is what was read.
type input struct {
	Inputs []string
	More   []string // further ones
	Rows   string
	Faults []faultRow
	Late   *lateRow
}

type faultRow struct{ Reason, Explains, Count, First string }

type lateRow struct{ Count, First string }

// fewInputs is how many inputs are shown at once.
const fewInputs = 12

func inputOf(r *backtest.Result) input {
	v := input{Inputs: r.Inputs, Rows: look.Count(r.Rows, "row", "rows")}
	if len(r.Inputs) > fewInputs+2 {
		v.Inputs, v.More = r.Inputs[:fewInputs], r.Inputs[fewInputs:]
	}
	for _, f := range r.Faults {
		v.Faults = append(v.Faults, faultRow{f.Reason, f.Explains, look.Group(f.Count), places(f.First)})
	}
	if r.Late > 0 {
		v.Late = &lateRow{look.Group(r.Late), places(r.LateFirst)}
	}
	return v
}

// definition says what a word of the page means.
type definition struct{ Name, Means string }

// definitionsOf has those of the scores only if there are any.
func definitionsOf(r *backtest.Result, scored bool) []definition {
	all := []definition{
		{"scored", "A datapoint is scored if the window of its entity holds more points than history_min_ratio of a full one. The window is the points of the last history_hours."},
		{"deviation", "How far a value lies from the median of the window (the usual level), in units of the window's spread: 1.4826 × (min_dev + the mean or median distance from the median, by dev_metric)."},
		{"anomaly", "A scored datapoint that lies more than threshold deviations from the usual level, above (▲) or below (▼)."},
		{"band", "The values that are normal: at most threshold deviations from the usual level. It follows the window."},
		{"episode", "A run of anomalies of one entity. It ends after some bins without one, and reopens if the next one comes soon."},
		{"messages a day", "Episodes that open, for each day of stream time: an episode is one message, when it opens."},
	}
	if slices.ContainsFunc(r.Settings, habitual) {
		all = append(all, definition{"method = habit", "The usual level is what the entity has at this time of day. threshold deviations are 1.65 times as far, at a threshold of 5, as values get from it on a usual day of the last week, and at least threshold × 1.4826 × min_dev. A value in the band is an anomaly, too, if the last 24 values are on average farther from their usual levels than such means get on a usual day."})
	}
	if len(r.Settings) > 1 {
		all = append(all, definition{"adds, loses", "Anomalies that a setting reports and the first setting does not, and the other way round."})
	}
	if r.Late > 0 {
		all = append(all, definition{"out of order", "A datapoint that is older than the newest one of its entity. It is scored as it comes, as the detector does."})
	}
	if scored {
		for _, d := range labels.Definitions() {
			all = append(all, definition{termOf(d), d.Means})
		}
	}
	return all
}

// termOf is the head of a column, and the name in JSON if that is another word: other definitions are made of the names.
func termOf(d labels.Definition) string {
	switch {
	case d.Title == "":
		return d.Name
	case strings.EqualFold(d.Title, d.Name):
		return d.Title
	}
	return d.Title + " (" + d.Name + ")"
}
