package detection

import (
	"math"
	"math/rand/v2"
	"testing"
)

// A window's summary says about its last point what Add decided, to the last bit. A value just beyond its
// bounds is anomalous.
func TestSummaryAgreesWithTheVerdicts(t *testing.T) {
	for _, metric := range []Metric{MeanDeviation, MedianDeviation} {
		random := rand.New(rand.NewPCG(7, uint64(metric)))
		s := NewScorer(NewRules(Settings{GranularityMinutes: 15, HistoryHours: 10, MinRatio: 0.5, Threshold: 3, MinDeviation: 0.01, Metric: metric}))
		var w Window
		anomalous := 0
		for i := range 500 {
			value := 0.5 + 0.1*random.NormFloat64()
			if random.IntN(10) == 0 {
				value *= 1 + 2*random.Float64()
			}
			before := values(&w)
			verdict := w.Add(s, 1, int64(i)*15*60_000, value)
			sum := s.Summarize(values(&w))
			if sum.Points != w.Len() || sum.Needed != 21 || sum.Full != 40 {
				t.Fatalf("point %d: %+v", i, sum)
			}
			if sum.LastScored != (verdict.Reason != TooFewPoints) {
				t.Fatalf("point %d: %+v where the verdict was %v", i, sum, verdict.Reason)
			}
			if verdict.Reason == Anomalous {
				anomalous++
				if math.Float64bits(sum.LastDeviation) != math.Float64bits(verdict.Deviation) {
					t.Fatalf("point %d: deviation %v, the verdict's was %v", i, sum.LastDeviation, verdict.Deviation)
				}
			} else if math.Abs(sum.LastDeviation) > 3 {
				t.Fatalf("point %d: deviation %v, and it was %v", i, sum.LastDeviation, verdict.Reason)
			}
			if earlier := s.Summarize(before); len(before) == w.Len()-1 && earlier.Scored {
				outside := value < earlier.Low || value > earlier.High
				near := math.Min(math.Abs(value-earlier.Low), math.Abs(value-earlier.High)) < 1e-12
				if outside != (verdict.Reason == Anomalous) && !near {
					t.Fatalf("point %d: %v is %v, the bounds were %v to %v", i, value, verdict.Reason, earlier.Low, earlier.High)
				}
			}
		}
		if anomalous < 20 {
			t.Fatalf("only %d anomalies", anomalous)
		}
	}
}

func values(w *Window) (all []float64) {
	for _, value := range w.All() {
		all = append(all, value)
	}
	return all
}
