package actors

import (
	"anomalydetector/datapoint"
	"anomalydetector/messages"
)

// tally counts what a slice holds while it is scored.
type tally struct {
	points, anomalies, early int // as in messages.Tally
	unscored                 int // points whose window had too few points
	above                    int // anomalies with a deviation above 0
	deadLetters              int // records copied to the dead-letter topic
	tooLarge, refused        int // anomalies that the output topic refused, by reason
	deadLettersRefused       int // dead letters that the dead-letter topic refused
	bad                      [datapoint.ReasonCount]int
	episodes                 messages.EpisodeEvents
}

func (t *tally) message(entities, cached int) messages.Tally {
	message := messages.Tally{Records: t.points, Points: t.points, Unscored: t.unscored, Anomalies: t.anomalies, Above: t.above, Early: t.early,
		DeadLetters: t.deadLetters, Entities: entities, Cached: cached, Refused: t.tooLarge + t.refused + t.deadLettersRefused, Episodes: t.episodes}
	for reason, count := range t.bad {
		message.Records += count
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
