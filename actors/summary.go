package actors

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"anomalydetector/messages"
)

// summaryEvery is how often the running totals are logged.
const summaryEvery = time.Minute

// summary is what was committed since it was last told.
type summary struct {
	since    time.Time
	points   int
	anomaly  int
	early    int
	aborts   int
	refused  int
	bad      map[string]int
	findings []messages.Finding // of the running transaction, once they are written
}

func (s *summary) begin(now time.Time) { s.since, s.bad = now, make(map[string]int) }

func (s *summary) add(t messages.Tally) {
	s.points += t.Points
	s.anomaly += t.Anomalies
	s.early += t.Early
	s.refused += t.Refused
	for _, bad := range t.Bad {
		s.bad[bad.Reason] += bad.Count
	}
}

func (s *summary) tell(log *slog.Logger, now time.Time, partitions map[int32]*member) {
	if now.Sub(s.since) >= summaryEvery {
		s.tellLast(log, now, partitions)
	}
}

func (s *summary) tellLast(log *slog.Logger, now time.Time, partitions map[int32]*member) {
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
	total, reasons := s.badWords()
	log.Info("summary", "seconds", int(now.Sub(s.since).Seconds()), "partitions", owned, "points", s.points,
		"entities", entities, "anomalies", s.anomaly, "bad_records", total, "bad_reasons", reasons,
		"early_timestamps", s.early, "refused", s.refused, "aborts", s.aborts, "lag", lag, "behind_open_transactions", behind)
	findings := s.findings
	*s = summary{findings: findings}
	s.begin(now)
}

// badWords are the bad records in all, and by reason as in "tombstone=2".
func (s *summary) badWords() (total int, reasons string) {
	words := make([]string, 0, len(s.bad))
	for reason, count := range s.bad {
		total += count
		words = append(words, fmt.Sprintf("%s=%d", reason, count))
	}
	slices.Sort(words)
	return total, strings.Join(words, " ")
}

// add sums two tallies of one transaction. Entities are counted elsewhere: they
// are a state, not an event.
func add(a, b messages.Tally) messages.Tally {
	a.Points += b.Points
	a.Anomalies += b.Anomalies
	a.Early += b.Early
	a.Refused += b.Refused
	a.Bad = append(a.Bad, b.Bad...)
	return a
}
