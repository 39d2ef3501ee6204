package labels

import "time"

// Score is how well what one setting reported fits the labels. Definitions says what each number means. What is not
// known is nil.
type Score struct {
	Labels        int      `json:"labels"`
	Events        int      `json:"events"`
	NoEntity      int      `json:"labels_without_entity"`
	NoEntityFirst []string `json:"entities_not_in_input"` // at most 5, in their order
	NoTime        int      `json:"labels_after_input"`
	TooEarly      int      `json:"labels_too_early"`
	Days          float64  `json:"days"`
	GraceMS       int64    `json:"grace_ms"`
	Anomalies     Fit      `json:"anomalies"` // each anomaly is a report
	Episodes      Fit      `json:"episodes"`  // only the anomaly that opens an episode is one
}

// Fit is a score by one way of counting reports.
type Fit struct {
	Reports      int64     `json:"reports"`
	Inside       int64     `json:"inside"`
	Aftermath    int64     `json:"aftermath"`
	False        int64     `json:"false"`
	FalsePerDay  *float64  `json:"false_per_day"`
	Found        int       `json:"found"`
	Missed       int       `json:"missed"`
	DelayP50     *int64    `json:"delay_p50_ms"`
	DelayP90     *int64    `json:"delay_p90_ms"`
	DelayP50Bins *float64  `json:"delay_p50_bins"`
	DelayP90Bins *float64  `json:"delay_p90_bins"`
	Precision    *float64  `json:"precision"`
	Recall       *float64  `json:"recall"`
	F1           *float64  `json:"f1"`
	Kinds        []KindFit `json:"kinds"`         // in the order of their names
	MissedEvents []Event   `json:"missed_events"` // by kind, then by time
	NAB          NAB       `json:"nab"`
}

// KindFit is how the events of one kind were found.
type KindFit struct {
	Kind     string `json:"kind"`
	Events   int    `json:"events"`
	Found    int    `json:"found"`
	Missed   int    `json:"missed"`
	DelayP50 *int64 `json:"delay_p50_ms"`
}

// Event is a label that is judged.
type Event struct {
	Entity string    `json:"entity"`
	From   time.Time `json:"from"`
	Until  time.Time `json:"until"`
	Kind   string    `json:"kind"`
}

// NAB is the score of the Numenta Anomaly Benchmark, by profile.
type NAB struct {
	Windows  int64    `json:"windows"`
	Found    int64    `json:"windows_found"`
	Standard *float64 `json:"standard"`
	LowFP    *float64 `json:"reward_low_fp_rate"`
	LowFN    *float64 `json:"reward_low_fn_rate"`
}

// Definition says what a number of a Score means.
type Definition struct {
	Name  string `json:"name"` // as in JSON
	Title string `json:"-"`    // as people read it within a sentence; empty: only programs are told the number
	Means string `json:"means"`
}

// Definitions are those of all numbers, in the order in which people read them. A report is an anomaly or the opening
// of an episode, by the way of counting.
func Definitions() []Definition {
	return []Definition{
		{"report", "", "An anomaly (under anomalies), or the anomaly that opens an episode (under episodes); reopening an episode is no report."},
		{"labels", "", "Lines of the label files; * stands for each entity, and its line is one label."},
		{"labels_without_entity", "labels without their entity", "Labels that are not judged, because the input has no datapoint of their entity."},
		{"labels_after_input", "labels after the input", "Labels that are not judged, because they begin after the last datapoint of the input."},
		{"labels_too_early", "labels too early", "Labels that are not judged, because they end before the first datapoint of their entity that its window was long enough to score."},
		{"events", "events", "Labels that are judged: those whose entity is in the input and was scored before the label ends."},
		{"found", "found", "Events with a report of their entity from their first instant to their last; an event of * is found by a report of any entity."},
		{"missed", "missed", "Events without one, also if their entity had no datapoint meanwhile."},
		{"reports", "reports", "Reports on all entities = inside + aftermath + false."},
		{"inside", "inside a label", "Reports within a label of their entity, or of *."},
		{"aftermath", "soon after one", "Reports outside each label, but at most the grace (grace_ms) after the end of one: the return from an event; neither right nor false."},
		{"false", "false", "All other reports."},
		{"days", "", "Days of stream time: from the earliest datapoint of the input to the latest, and one bin."},
		{"false_per_day", "false a day", "false / days."},
		{"delay_p50_ms", "delay, median", "Of the found events, half have at most this delay: from the event's first instant to the first report within it, in milliseconds of stream time."},
		{"delay_p90_ms", "delay, 90 %", "Of the found events, 90 % have at most this delay."},
		{"delay_p50_bins", "", "delay_p50_ms in bins of the time granularity."},
		{"delay_p90_bins", "", "delay_p90_ms in bins of the time granularity."},
		{"precision", "precision", "inside / (inside + false): the share of reports that are right."},
		{"recall", "recall", "found / events: the share of events that are found."},
		{"f1", "F1", "2 * precision * recall / (precision + recall): high only if both are."},
		{"nab.windows", "", "Windows of the Numenta Anomaly Benchmark's score, by entity: overlapping labels are one window, and windows without a row after the probation do not count."},
		{"nab.windows_found", "", "Windows with a report in a row after the probation, which is the first 15 % of an entity's rows, at most 750."},
		{"nab.standard", "NAB, standard", "100 if each window has a report in its first row and no report is elsewhere, 0 if nothing is reported; the first report in a window earns up to 1, the less the later it is, a report outside costs up to 0.11, the less the sooner it follows a window, a missed window costs 1."},
		{"nab.reward_low_fp_rate", "NAB, few false", "As the standard score, but a report outside costs up to 0.22."},
		{"nab.reward_low_fn_rate", "NAB, few missed", "As the standard score, but a missed window costs 2."},
	}
}
