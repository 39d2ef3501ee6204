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
	plain := record.Headers
	record.Headers = append(plain,
		kgo.RecordHeader{Key: "usual", Value: exactText(verdict.Median)},
		kgo.RecordHeader{Key: "scale", Value: exactText(verdict.Scale)},
		kgo.RecordHeader{Key: "group", Value: []byte(e.shared.group)})
	if size(record) > most {
		record.Headers = plain
		return
	}
	if e.shared.explain && size(record)+datapoint.ExplanationSize <= most {
		record.Value = datapoint.AppendExplanation(record.Value, e.explanation(plain[0].Value, verdict))
	}
}

// explainHabit does the same for an anomaly of the method habit. The payload has no explanation yet.
func (e *entity) explainHabit(record *kgo.Record, judgement *detection.Judgement, most int) {
	plain := record.Headers
	record.Headers = append(plain,
		kgo.RecordHeader{Key: "usual", Value: exactText(judgement.Median)},
		kgo.RecordHeader{Key: "scale", Value: exactText(judgement.Scale)},
		kgo.RecordHeader{Key: "group", Value: []byte(e.shared.group)})
	if size(record) > most {
		record.Headers = plain
	}
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

// exactText is the shortest text that parses back to the same float64.
func exactText(x float64) []byte { return strconv.AppendFloat(nil, x, 'g', -1, 64) }
