package actors

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
)

const (
	// summaryEvery is how often the running totals are logged.
	summaryEvery = time.Minute
	// firstSummary is how long after the first records the first summary is logged.
	firstSummary = 5 * time.Second
)

// summary logs what was committed since the last summary.
type summary struct {
	since time.Time // when the last summary was logged
	first time.Time // when the first records were committed; zero: not yet
	begun bool      // the first summary was logged
	told  Totals    // as of the last summary
}

func (s *summary) begin(now time.Time) { s.since = now }

func (s *summary) tell(log *slog.Logger, now time.Time, totals *Totals, partitions map[int32]*trackedPartition) {
	if s.first.IsZero() && totals.Records > 0 {
		s.first = now
	}
	soon := !s.begun && !s.first.IsZero() && now.Sub(s.first) >= firstSummary
	if soon || now.Sub(s.since) >= summaryEvery {
		s.begun = s.begun || soon
		s.tellLast(log, now, totals, partitions)
	}
}

func (s *summary) tellLast(log *slog.Logger, now time.Time, totals *Totals, partitions map[int32]*trackedPartition) {
	var entities int
	var lag, behind int64
	assigned := 0
	for _, partition := range partitions {
		if partition.standby() {
			continue
		}
		assigned++
		entities += partition.census.entities
		before, held := partition.lag()
		lag, behind = lag+before, behind+held
	}
	bad, reasons := s.badWords(totals)
	log.Info("summary", "seconds", int(now.Sub(s.since).Seconds()), "partitions", assigned, "points", totals.Points-s.told.Points,
		"entities", entities, "anomalies", totals.Above+totals.Below-s.told.Above-s.told.Below, "bad_records", bad, "bad_reasons", reasons,
		"early_timestamps", totals.Early-s.told.Early, "refused", totals.Refused-s.told.Refused, "aborts", totals.Aborts-s.told.Aborts,
		"lag", lag, "behind_open_transactions", behind)
	s.since, s.told = now, totals.copied()
}

// badWords returns how many bad records there were since the last summary: all, and by reason, such as "tombstone=2".
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
