package detection

import (
	"math/rand/v2"
	"testing"
)

func TestComparisonDecidesAsOneScorerForEachOfItsRules(t *testing.T) {
	for _, stream := range streams {
		t.Run(stream.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 5))
			for range 20 {
				first := someSettings(r)
				all := make([]Rules, 1+r.IntN(5))
				alone, windows := make([]*Scorer, len(all)), make([]Window, len(all))
				for i := range all {
					s := someSettings(r)
					s.HistoryHours, s.Metric = first.HistoryHours, first.Metric
					all[i] = NewRules(s)
					alone[i] = NewScorer(all[i])
				}
				together, at := NewComparison(all), int64(0)
				var window Window
				for i := range 300 {
					at += r.Int64N(2 * quarter)
					value := stream.next(r)
					verdicts := window.Compare(together, uint64(i/7), at, value)
					for k := range all {
						if want := windows[k].Add(alone[k], uint64(i/7), at, value); verdicts[k] != want {
							t.Fatalf("point %d by rules %d: %+v, want %+v", i, k, verdicts[k], want)
						}
					}
				}
			}
		})
	}
}

func TestRulesOfOtherHistoryOrMetricShareNoWindow(t *testing.T) {
	s := Settings{GranularityMinutes: 15, HistoryHours: 72, Threshold: 5}
	rules, hours, metric, others := NewRules(s), s, s, s
	hours.HistoryHours, metric.Metric = 71, MedianDeviation
	others.GranularityMinutes, others.MinRatio, others.Threshold, others.MinDeviation = 30, 0.1, 3, 1
	for name, c := range map[string]struct {
		s    Settings
		want bool
	}{"hours": {hours, false}, "metric": {metric, false}, "others": {others, true}} {
		other := NewRules(c.s)
		if got := rules.Shares(&other); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
