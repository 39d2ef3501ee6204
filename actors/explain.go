package actors

import (
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/datapoint"
	"anomalydetector/detection"
)

// explain adds to an anomaly which detector found it, and how: the headers group, usual and scale, and the payload's key
// explain if Config.Explain is set. It adds only as much as fits into most bytes, because an anomaly without its
// explanation is worth more than a dead letter. It must be called before the window changes again.
func (e *entity) explain(record *kgo.Record, verdict *detection.Verdict, most int) {
	id := record.Headers[0].Value
	if e.shared.addHeaders(record, verdict, nil, most) && e.shared.explain && size(record)+datapoint.ExplanationSize <= most {
		record.Value = datapoint.AppendExplanation(record.Value, e.explanation(id, verdict))
	}
}

// explainHabit is explain for an anomaly that the method habit has found. It adds the headers method, test, mean and usual_mean, too. The state is
// the one that has taken the anomaly's point last.
func (s *shared) explainHabit(record *kgo.Record, habit *detection.Habit, rules *detection.HabitRules, j *detection.Judgement, most int) {
	id := record.Headers[0].Value
	more := []kgo.RecordHeader{
		{Key: "method", Value: []byte(detection.HabitMethod.String())}, {Key: "test", Value: []byte(j.Test.String())},
		{Key: "mean", Value: exactText(j.Mean)}, {Key: "usual_mean", Value: exactText(j.Usual)},
	}
	if s.addHeaders(record, &j.Verdict, more, most) && s.explain && size(record)+datapoint.HabitExplanationSize <= most {
		record.Value = datapoint.AppendExplanation(record.Value, habitExplanation(id, habit, rules, j))
	}
}

// addHeaders adds the headers of an explanation, if they fit into most bytes.
func (s *shared) addHeaders(record *kgo.Record, verdict *detection.Verdict, more []kgo.RecordHeader, most int) bool {
	plain := record.Headers
	record.Headers = append(append(plain,
		kgo.RecordHeader{Key: "usual", Value: exactText(verdict.Median)},
		kgo.RecordHeader{Key: "scale", Value: exactText(verdict.Scale)},
		kgo.RecordHeader{Key: "group", Value: []byte(s.group)}), more...)
	if size(record) > most {
		record.Headers = plain
		return false
	}
	return true
}

// explanation explains the verdict on the last point of the window. The window did not hold that point when it was scored.
func (e *entity) explanation(id []byte, verdict *detection.Verdict) *datapoint.Explanation {
	rules, points := e.shared.scorer.Rules(), e.window.Len()-1
	explanation := &datapoint.Explanation{
		ID: id, Usual: verdict.Median, Scale: verdict.Scale, Threshold: rules.Threshold(),
		Points: points, Needed: rules.Needed(), Full: rules.Full(), HistoryHours: rules.HistoryHours(),
	}
	explanation.Low, explanation.High = rules.Band(verdict.Median, verdict.Scale)
	explanation.Start, explanation.End = e.window.Span(points)
	return explanation
}

// habitExplanation explains the judgement of the last point of a state.
func habitExplanation(id []byte, habit *detection.Habit, rules *detection.HabitRules, j *detection.Judgement) *datapoint.Explanation {
	points := habit.Len() - 1
	explanation := &datapoint.Explanation{
		ID: id, Usual: j.Median, Scale: j.Scale, Low: j.Low, High: j.High, Threshold: rules.Window().Threshold(),
		Points: points, Needed: rules.Needed(), Full: rules.Full(), HistoryHours: rules.Window().HistoryHours(),
		Habit: &datapoint.Habit{Test: j.Test.String(), Mean: j.Mean, UsualMean: j.Usual},
	}
	explanation.Start, explanation.End = habit.Span(points)
	return explanation
}

// exactText is the shortest text that parses back to the same float64.
func exactText(x float64) []byte { return strconv.AppendFloat(nil, x, 'g', -1, 64) }
