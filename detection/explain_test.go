package detection

import (
	"math"
	"math/rand/v2"
	"testing"
)

// An anomaly lies outside of its band, up to the rounding of the ends, and its deviation is counted in its
// scale.
func TestBandAgreesWithTheVerdict(t *testing.T) {
	for _, metric := range []Metric{MeanDeviation, MedianDeviation} {
		random := rand.New(rand.NewPCG(11, uint64(metric)))
		rules := NewRules(Settings{GranularityMinutes: 15, HistoryHours: 10.1, MinRatio: 0.5, Threshold: 3, MinDeviation: 1e-9, Metric: metric})
		if rules.Threshold() != 3 || rules.HistoryHours() != 10.1 || rules.Needed() != 21 || rules.Full() != 40 {
			t.Fatalf("the rules are %+v", rules)
		}
		s, anomalous := NewScorer(rules), 0
		var w Window
		for i := range 2000 {
			value := math.Ldexp(random.NormFloat64(), random.IntN(4))
			v := w.Add(s, uint64(i/100), int64(i)*15*60_000, value)
			if v.Reason != Anomalous {
				if v.Scale != 0 || v.Median != 0 {
					t.Fatalf("point %d is %v with %+v", i, v.Reason, v)
				}
				continue
			}
			anomalous++
			if again := (value - v.Median) / v.Scale; math.Float64bits(again) != math.Float64bits(v.Deviation) {
				t.Fatalf("point %d: %v of %+v", i, again, v)
			}
			low, high := rules.Band(v.Median, v.Scale)
			if slack := 1e-12 * v.Scale; low-slack <= value && value <= high+slack && math.Abs(v.Deviation) > 3+1e-9 {
				t.Fatalf("point %d: %v is in the band from %v to %v and has %+v", i, value, low, high, v)
			}
		}
		if anomalous < 20 {
			t.Fatalf("only %d anomalies", anomalous)
		}
	}
}

// A late record behind a newer one stays, and may be the earliest. The point that was scored does not belong
// to those before it.
func TestSpanLooksAtEachOfTheFirstPoints(t *testing.T) {
	s := NewScorer(NewRules(Settings{GranularityMinutes: 60, HistoryHours: 5, MinRatio: 0, Threshold: 3, MinDeviation: 1}))
	const hour = int64(60 * 60 * 1000)
	var w Window
	for i, at := range []int64{1, 7, 4, 9, 8, 15} {
		w.Add(s, uint64(i), at*hour, 0)
	}
	// The points 1 to 9 have left, so 15 is alone. Then newer ones come, and a late one at the end.
	if earliest, latest := w.Span(1); earliest != 15*hour || latest != 15*hour {
		t.Errorf("from %d to %d", earliest/hour, latest/hour)
	}
	for i, at := range []int64{17, 12, 16, 30} {
		before := w.Len()
		w.Add(s, uint64(10+i), at*hour, 0)
		if at == 16 {
			if earliest, latest := w.Span(before); before != 3 || earliest != 12*hour || latest != 17*hour {
				t.Errorf("%d points from %d to %d", before, earliest/hour, latest/hour)
			}
		}
	}
}
