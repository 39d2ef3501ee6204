package detection

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// A resting window decides as one that has all its points, or asks to be woken.
func TestRestingWindowDecidesAsAFilledOne(t *testing.T) {
	rested, outlined, gapped, slept, outlived := 0, 0, 0, 0, 0
	for seed := range uint64(5000) {
		r := rand.New(rand.NewPCG(seed, 7))
		rules := NewRules(someSettings(r))
		at, apart := r.Int64N(2_000_000_000_000), quarter*(1+r.Int64N(4))
		level, gaps := r.NormFloat64(), []int{1, 2, 20}[r.IntN(3)]
		stored := make([]point, r.IntN(400))
		for i := range stored {
			at += apart
			if r.IntN(20) < gaps-1 {
				at += apart * r.Int64N(4)
			}
			stored[i] = point{at, level + r.NormFloat64()*0.1}
		}
		times, values := columns(stored)
		var resting, filled Window
		scorers := [2]*Scorer{NewScorer(rules), NewScorer(rules)}
		filled.Fill(&rules, times, values)
		if cut := max(0, len(times)-r.IntN(12)); r.IntN(2) == 0 {
			var before Window
			before.Fill(&rules, times[:cut], values[:cut])
			outline := before.AppendOutline(scorers[0], nil)
			if !resting.RestOn(scorers[0], outline, times[cut:], values[cut:]) {
				continue
			}
			outlined++
		} else if !resting.Rest(scorers[0], times, values) {
			continue
		}
		rested++
		if resting.rest.present != nil {
			gapped++
		}
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
				resting.PrefetchPoints()
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
	t.Logf("%d windows rested, %d on an outline, %d with gaps, %d points woke one, %d times none rested", rested, outlined, gapped, slept, outlived)
	if rested < 200 || outlined < 100 || gapped < 100 || slept < 100 || outlived < 100 {
		t.Error("too few of them")
	}
}

// An outline that is cut, longer, of other rules or whose points do not go on is refused, and the window stays empty.
func TestOutlineThatIsRefused(t *testing.T) {
	points := make([]point, 288)
	for i := range points {
		points[i] = point{int64(i) * quarter, float64(i % 7)}
	}
	times, values := columns(points)
	next := int64(len(points)) * quarter
	for _, metric := range []Metric{MeanDeviation, MedianDeviation} {
		rules := threeDays(metric)
		s := NewScorer(rules)
		var whole Window
		whole.Fill(&rules, times, values)
		outline := whole.AppendOutline(s, nil)
		var resting Window
		if !resting.RestOn(s, outline, []int64{next}, []float64{3}) || !resting.Resting() || resting.Len() != len(points)+1 {
			t.Fatalf("%v: a whole outline of %d bytes is refused, or has %d points", metric, len(outline), resting.Len())
		}
		if resting.AppendOutline(s, nil) != nil {
			t.Errorf("%v: a resting window has an outline", metric)
		}
		refused := func(what string, s *Scorer, outline []byte, times ...int64) {
			var w Window
			if w.RestOn(s, outline, times, make([]float64, len(times))) || w.Resting() || w.Len() > 0 {
				t.Errorf("%v: an outline is taken that is %s", metric, what)
			}
		}
		for i := range outline {
			refused("cut", s, outline[:i])
		}
		refused("longer", s, append(slices.Clone(outline), 0))
		other := slices.Clone(outline)
		other[0]++
		refused("of another version", s, other)
		refused("of another metric", NewScorer(threeDays(1-metric)), outline)
		longer := NewRules(Settings{GranularityMinutes: 15, HistoryHours: 96, MinRatio: 0.6, Threshold: 5, Metric: metric})
		refused("of a longer history", NewScorer(longer), outline)
		refused("followed by a point between two steps", s, outline, next, next+quarter/2)
		refused("followed by a point much later", s, outline, next+mostGaps*int64(len(points)+1)*quarter)
		refused("followed by a late record", s, outline, next, next-quarter)
		refused("followed by a point of the same time", s, outline, next, next)
		var tail []int64
		for i := range int64(400) {
			tail = append(tail, next+i*quarter)
		}
		refused("followed by more points than the window has", s, outline, tail...)
	}
}

// TestWindowsRestOnTheirOutlineThroughAJournal: with 24 points after the outline, all windows of 288 points rest, and with 32 nearly all. The store gives
// all points if more come after it.
func TestWindowsRestOnTheirOutlineThroughAJournal(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for name, draw := range map[string]func() float64{
		"normal":   r.NormFloat64,
		"uniform":  r.Float64,
		"outliers": func() float64 { return r.NormFloat64()*0.01 + float64(number(r.IntN(50) == 0)) },
	} {
		for _, metric := range []Metric{MeanDeviation, MedianDeviation} {
			for _, c := range []struct{ after, least int }{{1, 1000}, {24, 998}, {32, 930}} {
				scorer, rest := NewScorer(threeDays(metric)), 0
				for range 1000 {
					points := make([]point, 288+c.after)
					for i := range points {
						points[i] = point{int64(i) * quarter, draw()}
					}
					times, values := columns(points)
					var before, w Window
					before.Fill(scorer.Rules(), times[:288], values[:288])
					rest += number(w.RestOn(scorer, before.AppendOutline(scorer, nil), times[288:], values[288:]))
				}
				if rest < c.least {
					t.Errorf("%s values, %v: %d of 1000 windows rest with %d points after the outline, want %d", name, metric, rest, c.after, c.least)
				}
			}
		}
	}
}

// A window has no outline if a late record came last, or is among its points: the store takes the last point for the newest.
func TestNoOutlineWithALateRecord(t *testing.T) {
	rules := threeDays(MeanDeviation)
	s := NewScorer(rules)
	for _, late := range []int64{250, 287} {
		var w Window
		for i := range int64(288) {
			at := i * quarter
			if i == late {
				at -= 2 * quarter
			}
			w.Observe(&rules, 0, at, float64(i%7))
		}
		if outline := w.AppendOutline(s, nil); outline != nil {
			t.Errorf("a window whose point %d is late has an outline", late)
		}
	}
}

// The outline has a new screen: that of the window may hold for one point more only.
func TestOutlineHasANewScreen(t *testing.T) {
	rules := threeDays(MeanDeviation)
	s, worn := NewScorer(rules), 0
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 4))
		var w Window
		for i := range int64(288 + 40) {
			w.Add(s, uint64(i), i*quarter, r.NormFloat64())
		}
		middle := 2 * max(w.screen.below, w.screen.above)
		var resting Window
		if !resting.RestOn(s, w.AppendOutline(s, nil), nil, nil) {
			t.Fatalf("seed %d: the window does not rest", seed)
		}
		if fresh := 2 * max(resting.screen.below, resting.screen.above); fresh > 288-2*uint32(margin(288))+4 {
			t.Errorf("seed %d: the outline's screen has %d of 288 points on two sides", seed, fresh)
		}
		worn += number(middle > 270)
	}
	if worn < 10 {
		t.Errorf("%d windows have a worn screen", worn)
	}
}

// Bytes that are no outline harm nothing.
func FuzzOutline(f *testing.F) {
	for _, metric := range []Metric{MeanDeviation, MedianDeviation} {
		rules := threeDays(metric)
		var w Window
		for i := range int64(288) {
			w.Observe(&rules, 1, i*quarter, float64(i%5))
		}
		f.Add(w.AppendOutline(NewScorer(rules), nil), int64(288)*quarter, 2.0)
	}
	f.Fuzz(func(t *testing.T, outline []byte, at int64, value float64) {
		at = max(at, 0)
		for _, metric := range []Metric{MeanDeviation, MedianDeviation} {
			s := NewScorer(threeDays(metric))
			var w Window
			if !w.RestOn(s, outline, []int64{at}, []float64{value}) {
				if w.Len() != 0 || w.Resting() {
					t.Fatal("a refused outline has left something")
				}
				continue
			}
			if !w.Resting() || w.Len() < 1 {
				t.Fatalf("the window rests: %v, with %d points", w.Resting(), w.Len())
			}
			w.Add(s, 2, at, value)
		}
	})
}

func BenchmarkRest(b *testing.B) {
	for _, metric := range []Metric{MeanDeviation, MedianDeviation} {
		b.Run("outline/"+metric.String(), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 2))
			scorer := NewScorer(threeDays(metric))
			var w Window
			for i := range int64(300) {
				w.Observe(scorer.Rules(), 0, i*quarter, r.NormFloat64())
			}
			var outline []byte
			b.ReportAllocs()
			for b.Loop() {
				if outline = w.AppendOutline(scorer, outline[:0]); len(outline) == 0 {
					b.Fatal("it has no outline")
				}
			}
		})
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
