package detection

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

const quarter = 15 * 60 * 1000 // milliseconds

// step is a time to move on by: mostly to the next quarter of an hour, sometimes back, nowhere or over a gap.
func step(r *rand.Rand) int64 {
	switch r.IntN(40) {
	case 0:
		return -r.Int64N(8 * quarter)
	case 1:
		return r.Int64N(30 * quarter)
	case 2, 3:
		return 0
	}
	return quarter
}

func TestVerdictEqualsTheNaiveOracle(t *testing.T) {
	for _, stream := range streams {
		t.Run(stream.name, func(t *testing.T) {
			for seed := range uint64(40) {
				r := rand.New(rand.NewPCG(seed, 1))
				p := newPair(t, someSettings(r))
				at := int64(1_600_000_000_000)
				for range 150 {
					at = max(0, at+step(r))
					p.add(1, at, stream.next(r))
				}
			}
		})
	}
}

func TestVerdictIsTheSameAfterAnyRollbackAndReplay(t *testing.T) {
	for _, stream := range streams {
		t.Run(stream.name, func(t *testing.T) {
			for seed := range uint64(30) {
				r := rand.New(rand.NewPCG(seed, 2))
				p := newPair(t, someSettings(r))
				at, epoch := int64(1_600_000_000_000), uint64(seed%2)
				replay := true
				for range 300 {
					switch r.IntN(25) {
					case 0:
						epoch += 1 + r.Uint64N(3)
					case 1:
						p.rollback(epoch)
					case 2:
						p.rollback(epoch)
						epoch++
					case 3:
						replay = !replay
					}
					at = max(0, at+step(r))
					if replay {
						p.observe(epoch, at, stream.next(r))
					} else {
						p.add(epoch, at, stream.next(r))
					}
				}
			}
		})
	}
}

func TestVerdictIsTheSameWhenAGapEmptiesALongWindow(t *testing.T) {
	s := Settings{GranularityMinutes: 15, HistoryHours: 72, MinRatio: 0.1, Threshold: 2, MinDeviation: 0.01}
	r := rand.New(rand.NewPCG(1, 3))
	p := newPair(t, s)
	at := int64(0)
	for range 3 {
		for range 400 {
			at += quarter
			p.add(uint64(at/(5*quarter)), at, r.NormFloat64())
		}
		at += r.Int64N(250 * quarter)
		p.add(uint64(at/(5*quarter)), at, r.NormFloat64())
	}
}

func TestPointOfExactlyTheHistoryStays(t *testing.T) {
	p := newPair(t, Settings{GranularityMinutes: 15, HistoryHours: 1})
	p.add(1, 0, 1)
	p.add(1, 4*quarter, 2)
	if p.window.Len() != 2 {
		t.Fatal("a point of exactly the history's age was dropped")
	}
	p.add(1, 4*quarter+1, 3)
	if p.window.Len() != 2 {
		t.Fatal("a point one millisecond too old stayed")
	}
}

func TestLateRecordBehindANewerPointStays(t *testing.T) {
	p := newPair(t, Settings{GranularityMinutes: 15, HistoryHours: 1})
	p.add(1, 10*quarter, 1)
	p.add(1, 0, 2)
	p.add(1, 14*quarter, 3)
	var values []float64
	for _, v := range p.window.All() {
		values = append(values, v)
	}
	if newest, _ := p.window.Newest(); !slices.Equal(values, []float64{1, 2, 3}) || newest != 14*quarter {
		t.Fatal(values, newest)
	}
}

func TestScoringTakesStrictlyMorePointsThanTheMinimum(t *testing.T) {
	scorer := NewScorer(NewRules(Settings{GranularityMinutes: 15, HistoryHours: 2, MinRatio: 0.5, Threshold: 5, MinDeviation: 1}))
	var w Window
	for i := range int64(6) {
		v := w.Add(scorer, 1, i, 0)
		if want := i > 4; (v.Reason != TooFewPoints) != want || w.Len()-1 != int(i) {
			t.Fatalf("with %d points: %+v", i, v)
		}
	}
}

func TestWindowWithoutDeviationMakesInfinityOfAnyOther(t *testing.T) {
	for _, metric := range []Metric{MeanDeviation, MedianDeviation} {
		scorer := NewScorer(NewRules(Settings{GranularityMinutes: 15, HistoryHours: 2, Threshold: 5, Metric: metric}))
		var w Window
		w.Add(scorer, 1, 0, 0.1)
		if v := w.Add(scorer, 1, 1, 0.1); v.Reason != Normal {
			t.Errorf("%v: an equal value is %v", metric, v)
		}
		if v := w.Add(scorer, 1, 2, 0); v.Reason != Anomalous || !math.IsInf(v.Deviation, -1) {
			t.Errorf("%v: a lesser value is %v", metric, v)
		}
	}
}

func TestWindowSurvivesNaNAndInfinity(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 4))
	for range 200 {
		scorer := NewScorer(NewRules(someSettings(r)))
		var w Window
		for i := range int64(100) {
			v := []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, 1, r.NormFloat64()}[r.IntN(6)]
			w.Add(scorer, uint64(i/3), i*quarter, v)
		}
	}
}
