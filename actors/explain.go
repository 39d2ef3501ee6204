package actors

import (
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/datapoint"
	"anomalydetector/messages"
)

// explain adds to an anomaly whose it is and what it was decided by: the headers group,
// usual and scale, and the key explain of the payload if that is asked for. It adds only what the output
// topic has room for: an anomaly without its explanation is worth more than a dead
// letter. It is called before the window changes again.
func (e *entity) explain(record *kgo.Record, o *messages.Observation, most int) {
	plain := record.Headers
	record.Headers = append(plain,
		kgo.RecordHeader{Key: "usual", Value: exactText(o.Verdict.Median)},
		kgo.RecordHeader{Key: "scale", Value: exactText(o.Verdict.Scale)},
		kgo.RecordHeader{Key: "group", Value: []byte(e.shared.group)})
	if size(record) > most {
		record.Headers = plain
		return
	}
	if e.shared.explain && size(record)+datapoint.ExplanationSize <= most {
		record.Value = datapoint.AppendExplanation(record.Value, e.explanation(plain[0].Value, o))
	}
}

// explanation is for the last point of the window, which was not in it when it was
// scored.
func (e *entity) explanation(id []byte, o *messages.Observation) *datapoint.Explanation {
	rules, verdict, points := e.shared.scorer.Rules(), &o.Verdict, e.window.Len()-1
	explanation := &datapoint.Explanation{
		ID: id, Usual: verdict.Median, Scale: verdict.Scale, Threshold: rules.Threshold(),
		Points: points, Needed: rules.Needed(), Full: rules.Full(), HistoryHours: rules.HistoryHours(),
	}
	explanation.Low, explanation.High = rules.Band(verdict.Median, verdict.Scale)
	explanation.Start, explanation.End = e.window.Span(points)
	return explanation
}

// exactText is the shortest that parses back to the same float64.
func exactText(x float64) []byte { return strconv.AppendFloat(nil, x, 'g', -1, 64) }
