package detection

import (
	"math/rand/v2"
	"testing"
)

// A resting window decides as one that has all its points, or asks to be woken.
func TestRestingWindowDecidesAsAFilledOne(t *testing.T) {
	rested, slept, outlived := 0, 0, 0
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 7))
		rules := NewRules(someSettings(r))
		at, apart := r.Int64N(2_000_000_000_000), quarter*(1+r.Int64N(4))
		level := r.NormFloat64()
		stored := make([]point, r.IntN(400))
		for i := range stored {
			at += apart
			stored[i] = point{at, level + r.NormFloat64()*0.1}
		}
		times, values := columns(stored)
		var resting, filled Window
		scorers := [2]*Scorer{NewScorer(rules), NewScorer(rules)}
		filled.Fill(&rules, times, values)
		if !resting.Rest(scorers[0], times, values) {
			continue
		}
		rested++
		for epoch := uint64(1); epoch < 12; epoch++ {
			before, beforeLast := at, filled.Len()
			for range r.IntN(12) {
				at = max(0, at+apart)
				if r.IntN(20) == 0 {
					at = max(0, at+step(r))
				}
				value := level + r.NormFloat64()*0.1
				if r.IntN(30) == 0 {
					value += r.NormFloat64()
				}
				if r.IntN(10) == 0 {
					resting.Observe(&rules, epoch, at, value)
					filled.Observe(&rules, epoch, at, value)
					continue
				}
				got, want := resting.Add(scorers[0], epoch, at, value), filled.Add(scorers[1], epoch, at, value)
				if got.Reason == Asleep {
					if !resting.Resting() {
						t.Fatalf("seed %d: a window that does not rest is asleep", seed)
					}
					slept++
					resting.Wake(&rules, times, values)
					got = resting.Add(scorers[0], epoch, at, value)
				}
				if !same(got, want) {
					t.Fatalf("seed %d: %v, and %v for the filled one", seed, got, want)
				}
				if resting.Len() != filled.Len() {
					t.Fatalf("seed %d: %d points, and %d in the filled one", seed, resting.Len(), filled.Len())
				}
			}
			if r.IntN(3) == 0 {
				resting.Rollback(epoch)
				filled.Rollback(epoch)
				if at = before; filled.Len() != beforeLast {
					t.Fatalf("seed %d: %d points after a rollback, %d before", seed, filled.Len(), beforeLast)
				}
			}
			if resting.Len() != filled.Len() {
				t.Fatalf("seed %d: %d points, and %d in the filled one", seed, resting.Len(), filled.Len())
			}
			if resting.Resting() && r.IntN(8) == 0 {
				resting.Wake(&rules, times, values)
			}
			if !resting.Resting() {
				outlived++
				equalWindows(t, seed, &resting, &filled)
			}
		}
	}
	t.Logf("%d windows rested, %d points woke one, %d times none rested", rested, slept, outlived)
	if rested < 100 || slept < 100 || outlived < 100 {
		t.Error("too few of them")
	}
}

func BenchmarkRest(b *testing.B) {
	for _, metric := range []Metric{MeanDeviation, MedianDeviation} {
		b.Run(metric.String(), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 2))
			scorer := NewScorer(threeDays(metric))
			points := make([]point, 288)
			for i := range points {
				points[i] = point{1_600_000_000_000 + int64(i)*quarter, r.NormFloat64()}
			}
			times, values := columns(points)
			b.ReportAllocs()
			for b.Loop() {
				var w Window
				if !w.Rest(scorer, times, values) {
					b.Fatal("it does not rest")
				}
			}
		})
	}
}
