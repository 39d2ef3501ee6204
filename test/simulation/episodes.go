package simulation

import (
	"fmt"
	"math"
	"slices"
	"time"

	"anomalydetector/test/naive"
)

const episodesTopic = "episodes"

// Episodes is whether episodes are published, and by which rules.
type Episodes struct {
	On      bool
	Rules   naive.EpisodeRules
	Missing int // entities that stay away for a while, and holes of the input
}

// drawEpisodes publishes episodes in most of the runs that store something. Then entities stay away and return, and the
// input has holes: bins in which all entities, or many of them, have no point.
func (s *Scenario) drawEpisodes(d dice) {
	if s.Disk.Off || d.one(4) {
		return
	}
	s.Episodes.On = true
	s.ProduceDelay = min(s.ProduceDelay, 30*time.Millisecond) // a bin has many events, and a transaction 10 s
	for number := range s.Records {                           // when an entity was last seen is kept in seconds
		if at := &s.Records[number].At; *at >= 0 {
			*at -= *at % 1000
		}
	}
	s.Episodes.Rules = naive.EpisodeRules{
		OpenAfter: 1 + d.IntN(2), ClearAfter: 1 + d.IntN(4), AbsenceAfter: 1 + d.IntN(4),
		ReopenWithin: []int64{0, 4 * quarter, 24 * quarter}[d.IntN(3)],
		MinPresence:  []float64{0, 0.5, 0.8}[d.IntN(3)], GapBelow: []float64{0, 0.5, 0.5, 0.9}[d.IntN(4)],
	}
	for range d.IntN(4) {
		away := s.Records[d.IntN(len(s.Records))].Entity
		s.leaveOut(d, 2+d.Int64N(12), func(entity int) bool { return entity == away })
	}
	for range d.IntN(4) {
		first := d.IntN(3) // of a hole that some entities pass
		s.leaveOut(d, 1+d.Int64N(6), func(entity int) bool { return first == 0 || entity%3 != first })
	}
}

// leaveOut leaves out records of some entities in a row of bins.
func (s *Scenario) leaveOut(d dice, bins int64, leaves func(entity int) bool) {
	from := s.Records[d.IntN(len(s.Records))].At / quarter * quarter
	kept := slices.DeleteFunc(slices.Clone(s.Records), func(r Record) bool { return from <= r.At && r.At < from+bins*quarter && leaves(r.Entity) })
	if len(kept) > len(s.Records)/2 {
		s.Records = kept
		s.Episodes.Missing++
	}
}

// conf is the section of the configuration.
func (e Episodes) conf() string {
	if !e.On {
		return ""
	}
	r := e.Rules
	return fmt.Sprintf(`[episodes]
output_topic = %s
open_after = %d
clear_after = %d
reopen_within = %d
absence_after = %d
absence_min_presence = %g
gap_below = %g
`, episodesTopic, r.OpenAfter, r.ClearAfter, r.ReopenWithin/1000, r.AbsenceAfter, r.MinPresence, r.GapBelow)
}

func (e Episodes) words() string {
	if !e.On {
		return ""
	}
	r := e.Rules
	within := time.Duration(r.ReopenWithin) * time.Millisecond
	return fmt.Sprintf("  episodes: open after %d, clear after %d, reopen within %g h, absence after %d, presence %g, gap below %g; %d times points are missing\n",
		r.OpenAfter, r.ClearAfter, math.Round(within.Hours()*100)/100, r.AbsenceAfter, r.MinPresence, r.GapBelow, e.Missing)
}
