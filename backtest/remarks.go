package backtest

import (
	"fmt"

	"anomalydetector/detection"
)

// Remarks are what a reader of a setting's numbers must know beside them: why nothing is scored, and that the method habit has the original's
// history_min_ratio.
func (r *Result) Remarks(setting int) (all []string) {
	o := &r.Settings[setting]
	if o.Rules.Method == detection.HabitMethod && o.Values["detection.method"] != "" && o.Values["detection.history_min_ratio"] == "" &&
		o.Rules.MinRatio != detection.HabitMinRatio {
		all = append(all, fmt.Sprintf("history_min_ratio is %v, as configured, and habit's own default is %v; --set detection.history_min_ratio=%[2]v sets it for all settings",
			o.Rules.MinRatio, detection.HabitMinRatio))
	}
	if o.Scored == 0 && r.Points > 0 {
		all = append(all, "nothing is scored: "+unscored(o.Rules))
	}
	return all
}

// AllRemarks are those of all settings, a line each. Many settings may have the same one: it is there once.
func (r *Result) AllRemarks() (lines []string) {
	var order []string
	of := make(map[string][]string) // names of the settings with a remark
	for i := range r.Settings {
		for _, remark := range r.Remarks(i) {
			if of[remark] == nil {
				order = append(order, remark)
			}
			of[remark] = append(of[remark], r.Settings[i].Name)
		}
	}
	for _, remark := range order {
		switch names := of[remark]; {
		case len(r.Settings) == 1:
			lines = append(lines, remark)
		case len(names) == 1:
			lines = append(lines, names[0]+": "+remark)
		default:
			lines = append(lines, fmt.Sprintf("%d settings, such as %s: %s", len(names), names[0], remark))
		}
	}
	return lines
}

// unscored says what a datapoint needs to be scored.
func unscored(s detection.Settings) string {
	if s.Method != detection.HabitMethod {
		rules := detection.NewRules(s)
		return fmt.Sprintf("no entity had %d datapoints in the %v hours before another one; history_min_ratio = %v and history_hours = %[2]v ask for as many",
			rules.Needed(), s.HistoryHours, s.MinRatio)
	}
	rules := detection.NewHabitRules(s)
	if full, needed := rules.Window().Full(), rules.Needed(); full < needed {
		return fmt.Sprintf("history_hours = %v holds at most %d datapoints of an entity, one each %v minutes, and the method habit needs %d", s.HistoryHours, full,
			s.GranularityMinutes, needed)
	}
	return fmt.Sprintf("the method habit needs %d datapoints of an entity in the %v hours before another one, and two days of the week before with at least %d", rules.Needed(),
		s.HistoryHours, detection.HabitFewest)
}
