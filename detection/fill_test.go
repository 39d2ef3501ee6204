package detection

import (
	"math/rand/v2"
	"testing"
)

func TestFilledWindowIsTheObservedOne(t *testing.T) {
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 21))
		rules := NewRules(someSettings(r))
		at := r.Int64N(2_000_000_000_000)
		points := make([]point, r.IntN(400))
		for i := range points {
			at = max(0, at+step(r))
			if r.IntN(500) == 0 {
				at += 60 * 24 * 60 * 60 * 1000 // the times take eight bytes each
			}
			points[i] = point{at, r.NormFloat64()}
		}
		var filled, observed Window
		times, values := columns(points)
		filled.Fill(&rules, times, values)
		for _, p := range points {
			observed.Observe(&rules, 0, p.at, p.value)
		}
		scorers := [2]*Scorer{NewScorer(rules), NewScorer(rules)}
		for epoch := uint64(0); epoch < 5; epoch++ {
			equalWindows(t, seed, &filled, &observed)
			for range r.IntN(30) {
				at = max(0, at+step(r))
				value := r.NormFloat64()
				if a, b := filled.Add(scorers[0], epoch, at, value), observed.Add(scorers[1], epoch, at, value); !same(a, b) {
					t.Fatalf("seed %d: %v, and %v for the observed one", seed, a, b)
				}
			}
			equalWindows(t, seed, &filled, &observed)
			if epoch > 0 && r.IntN(2) == 0 {
				filled.Rollback(epoch)
				observed.Rollback(epoch)
			}
		}
	}
}

// TestFillNeedsNoneOfThePointsThatTheWindowHasLost: the store may keep any of them, because the window drops them again.
func TestFillNeedsNoneOfThePointsThatTheWindowHasLost(t *testing.T) {
	lost, kept := 0, 0
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 44))
		rules := NewRules(someSettings(r))
		at := r.Int64N(2_000_000_000_000)
		var observed, filled Window
		points := make([]point, 1+r.IntN(400))
		for i := range points {
			at = max(0, at+step(r))
			points[i] = point{at, r.NormFloat64()}
			if r.IntN(20) == 0 { // far from its neighbours, so that it keeps them in the window, or they keep it
				points[i].at = max(0, at+r.Int64N(2000*quarter)-1000*quarter)
			}
			observed.Observe(&rules, 0, points[i].at, points[i].value)
		}
		head := len(points) - observed.Len()
		stored := make([]point, 0, len(points))
		for i, p := range points {
			if i >= head || r.IntN(2) == 0 {
				stored = append(stored, p)
			}
		}
		times, values := columns(stored)
		filled.Fill(&rules, times, values)
		equalWindows(t, seed, &filled, &observed)
		lost, kept = lost+len(points)-len(stored), kept+len(stored)-observed.Len()
	}
	if lost < 1000 || kept < 1000 {
		t.Errorf("of the points that windows had lost, %d were left out and %d were not: the test has hardly tested anything", lost, kept)
	}
}

func equalWindows(t *testing.T, seed uint64, a, b *Window) {
	t.Helper()
	if a.Len() != b.Len() {
		t.Fatalf("seed %d: %d points, and %d in the observed one", seed, a.Len(), b.Len())
	}
	for i := range a.Len() {
		if a.points.at(i) != b.points.at(i) {
			t.Fatalf("seed %d: point %d is %v, and %v in the observed one", seed, i, a.points.at(i), b.points.at(i))
		}
	}
}

func BenchmarkFill(b *testing.B) {
	rules := threeDays(MeanDeviation)
	points := make([]point, 300)
	for i := range points {
		points[i] = point{1_600_000_000_000 + int64(i)*quarter, float64(i)}
	}
	times, values := columns(points)
	b.Run("points=300", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var w Window
			w.Fill(&rules, times, values)
		}
	})
	b.Run("observed", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var w Window
			for _, p := range points {
				w.Observe(&rules, 0, p.at, p.value)
			}
		}
	})
}

// columns are points as a window takes them.
func columns(points []point) (times []int64, values []float64) {
	for _, p := range points {
		times, values = append(times, p.at), append(values, p.value)
	}
	return times, values
}
