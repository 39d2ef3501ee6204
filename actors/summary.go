package actors

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"anomalydetector/messages"
)

// summaryEvery is how often the running totals are logged, but for the first time:
// firstSummary after the first records.
const (
	summaryEvery = time.Minute
	firstSummary = 5 * time.Second
)

// summary tells what was committed since it last told it.
type summary struct {
	since    time.Time
	first    time.Time          // when there were records
	begun    bool               // the first summary was told
	told     Totals             // as of then
	findings []messages.Finding // of the running transaction, once they are written
}

func (s *summary) begin(now time.Time) { s.since = now }

func (s *summary) tell(log *slog.Logger, now time.Time, totals *Totals, partitions map[int32]*member) {
	if s.first.IsZero() && totals.Records > 0 {
		s.first = now
	}
	soon := !s.begun && !s.first.IsZero() && now.Sub(s.first) >= firstSummary
	if soon || now.Sub(s.since) >= summaryEvery {
		s.begun = s.begun || soon
		s.tellLast(log, now, totals, partitions)
	}
}

func (s *summary) tellLast(log *slog.Logger, now time.Time, totals *Totals, partitions map[int32]*member) {
	var entities int
	var lag, behind int64
	owned := 0
	for _, partition := range partitions {
		if partition.following {
			continue
		}
		owned++
		entities += partition.entities
		before, held := partition.lag()
		lag, behind = lag+before, behind+held
	}
	bad, reasons := s.badWords(totals)
	log.Info("summary", "seconds", int(now.Sub(s.since).Seconds()), "partitions", owned, "points", totals.Points-s.told.Points,
		"entities", entities, "anomalies", totals.Above+totals.Below-s.told.Above-s.told.Below, "bad_records", bad, "bad_reasons", reasons,
		"early_timestamps", totals.Early-s.told.Early, "refused", totals.Refused-s.told.Refused, "aborts", totals.Aborts-s.told.Aborts,
		"lag", lag, "behind_open_transactions", behind)
	s.since, s.told = now, totals.copied()
}

// badWords are the bad records in all, and by reason as in "tombstone=2".
func (s *summary) badWords(totals *Totals) (total int64, reasons string) {
	var words []string
	for reason, all := range totals.Bad {
		if count := all - s.told.Bad[reason]; count > 0 {
			total += count
			words = append(words, fmt.Sprintf("%s=%d", reason, count))
		}
	}
	slices.Sort(words)
	return total, strings.Join(words, " ")
}

// add sums two tallies of one transaction. Entities are counted elsewhere: they
// are a state, not an event.
func add(a, b messages.Tally) messages.Tally {
	a.Records += b.Records
	a.Points += b.Points
	a.Unscored += b.Unscored
	a.Anomalies += b.Anomalies
	a.Above += b.Above
	a.Early += b.Early
	a.Refused += b.Refused
	a.DeadLetters += b.DeadLetters
	a.Bad = append(a.Bad, b.Bad...)
	return a
}
