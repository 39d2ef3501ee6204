package stories

import (
	"fmt"
	"math/rand/v2"

	"anomalydetector/episode"
	"anomalydetector/test/naive"
)

// Draw makes a story of a seed: entities that stay away, holes, late records, outliers, and jumps of stream time. It wants
// what the naive detector tells.
func Draw(seed uint64) (s Story) {
	d := rand.New(rand.NewPCG(seed, 0x5702))
	s.Name = fmt.Sprint("seed ", seed)
	s.Rules = naive.Rules{GranularityMinutes: 15, HistoryHours: float64(1 + d.IntN(6)), MinRatio: []float64{0, 0.25, 0.6}[d.IntN(3)], Threshold: 5, MinDeviation: 0.1}
	s.Episodes = naive.EpisodeRules{
		OpenAfter: 1 + d.IntN(3), ClearAfter: 1 + d.IntN(4), AbsenceAfter: d.IntN(4), ReopenWithin: []int64{0, 4 * bin, 24 * bin}[d.IntN(3)],
		MinPresence: []float64{0, 0.5, 0.8}[d.IntN(3)], GapBelow: []float64{0, 0.5, 0.9}[d.IntN(3)],
	}
	entities, at := 1+d.IntN(8), int64(begin)
	const often = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnxxxxuuudaaaAAbBC......"
	away, hole := make([]int, 2*entities), 0 // columns left
	for column := range 30 + d.IntN(100) {
		at += bin
		switch d.IntN(60) {
		case 0:
			at += d.Int64N(400) * bin
		case 1:
			at -= d.Int64N(400) * bin
		case 2:
			hole = 1 + d.IntN(6)
		}
		for e := range entities {
			if d.IntN(50) == 0 {
				away[e] = 1 + d.IntN(30)
			}
			if away[e]--; away[e] >= 0 || hole > 0 && (e > 1 || hole > 4) {
				continue
			}
			time := at + int64(e)*minute
			switch d.IntN(40) {
			case 0:
				time -= d.Int64N(100) * bin
			case 1:
				time += d.Int64N(100) * bin
			case 2:
				time = begin + (d.Int64N(2)*2-1)*100_000*bin
			}
			if err := s.add(often[d.IntN(len(often))], fmt.Sprint("e", e), time, nil); err != nil {
				panic(err)
			}
		}
		hole--
		if column > 20 && s.Anew == 0 && d.IntN(60) == 0 {
			s.Anew = len(s.Records)
		}
	}
	s.Want = Text(Tell(s))
	return s
}

// Tell tells a story to the naive detector.
func Tell(s Story) (events []episode.Record) {
	windows, next := naive.New(s.Rules), 0
	e := naive.Episodes{
		Rules: s.Rules, EpisodeRules: s.Episodes, Windows: windows,
		Judge: func(key string, at int64, value float64) naive.Verdict {
			windows.Add(key, at, value)
			return s.Records[next].Verdict
		},
		ID: func(offset int64, kind string, n int) string { return fmt.Sprint(kind, offset, n) },
	}
	e.Begin()
	for ; next < len(s.Records); next++ {
		if next > 0 && next == s.Anew {
			e.Begin()
		}
		r := s.Records[next]
		events = append(events, e.Take(int64(next), r.Key, r.At, r.Value)...)
	}
	return events
}
