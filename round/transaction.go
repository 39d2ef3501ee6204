package round

import (
	"time"

	"anomalydetector/messages"
)

// Transaction is what is polled, scored and written between two ends.
type Transaction struct {
	Began    time.Time          // when its first records were polled; zero: there are none
	Flushing time.Time          // when the producer was asked to flush or discard; zero: it was not
	Polled   int                // records of its slices, scored or not
	Tally    messages.Tally     // of its slices
	Findings []messages.Finding // of its anomalies, once they are written
}

// Empty tells whether there is nothing to commit.
func (t *Transaction) Empty() bool { return t.Began.IsZero() }

// written is how many records the transaction writes at most: an anomaly, a dead letter of a bad record, or an event of an
// episode.
func (t *Transaction) written() int {
	count := t.news()
	for _, bad := range t.Tally.Bad {
		count += bad.Count
	}
	return count
}

// news is how many of them readers wait for: nobody waits for a dead letter.
func (t *Transaction) news() int { return t.Tally.Anomalies + int(t.Tally.Episodes.Sum()) }

// add counts a slice. Entities are not counted: they are a state, not an event.
func (t *Transaction) add(slice messages.Tally) {
	sum := &t.Tally
	sum.Records += slice.Records
	sum.Points += slice.Points
	sum.Unscored += slice.Unscored
	sum.Anomalies += slice.Anomalies
	sum.Above += slice.Above
	sum.Early += slice.Early
	sum.Refused += slice.Refused
	sum.DeadLetters += slice.DeadLetters
	sum.Episodes.Add(slice.Episodes)
	sum.Bad = append(sum.Bad, slice.Bad...)
}
