package actors

import (
	"anomalydetector/datapoint"
	"anomalydetector/messages"
)

// tally counts what a slice holds while it is scored.
type tally struct {
	points, anomalies, early int
	tooLarge, refused        int // anomalies that their topic does not take
	deadLettersRefused       int // dead letters that their topic does not take
	bad                      [datapoint.ReasonCount]int
}

func (t *tally) message(entities int) messages.Tally {
	message := messages.Tally{Points: t.points, Anomalies: t.anomalies, Early: t.early, Entities: entities,
		Refused: t.tooLarge + t.refused + t.deadLettersRefused}
	for reason, count := range t.bad {
		if count > 0 {
			message.Bad = append(message.Bad, messages.Bad{Reason: datapoint.Reason(reason).String(), Count: count})
		}
	}
	if t.tooLarge > 0 {
		message.Bad = append(message.Bad, messages.Bad{Reason: anomalyTooLarge, Count: t.tooLarge})
	}
	if t.refused > 0 {
		message.Bad = append(message.Bad, messages.Bad{Reason: anomalyRefused, Count: t.refused})
	}
	return message
}
