package detection

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestHabitDecidesAsItAdds: Decide and Observe leave out sums that Add makes for each point, and epochs of any length are rolled back between them.
func TestHabitDecidesAsItAdds(t *testing.T) {
	all := []stream{}
	for seed := range uint64(32) {
		all = append(all, anyStream(seed))
	}
	for _, kind := range streams {
		s := newStream(kind.name)
		r := rand.New(rand.NewPCG(1, 52))
		at := int64(1_600_000_000_000)
		for range 96 * 12 {
			at += max(step(r), -at)
			s.entries = append(s.entries, entry{0, point{at, kind.next(r)}})
		}
		all = append(all, s)
	}
	wild := newStream("wild")
	for i := range 96 * 12 {
		value := float64(i % 7)
		if i/96%3 == 1 && i%5 == 0 {
			value = math.MaxFloat64 * float64(1-i%2*2)
		}
		wild.entries = append(wild.entries, entry{0, point{int64(i) * quarter, value}})
	}
	all = append(all, wild, overflowing())
	for _, s := range all {
		rules := s.rules()
		r := rand.New(rand.NewPCG(uint64(len(s.entries)), 53))
		var decided, added Habit
		epoch := uint64(0)
		for i, e := range s.entries {
			if r.IntN(8) == 0 {
				epoch++
				for k := range r.IntN(40) {
					undone := s.entries[(i+7*k)%len(s.entries)]
					decided.Decide(rules, epoch, undone.at, undone.value, new(Evidence))
				}
				decided.Rollback(epoch)
			}
			if r.IntN(50) == 0 {
				var read Habit
				if err := read.ParseState(rules, decided.AppendState(rules, nil)); err != nil {
					t.Fatal(err)
				}
				decided = read
				epoch++
			}
			var evidence Evidence
			want := added.Add(rules, uint64(i), e.at, e.value)
			if got := decided.Decide(rules, epoch, e.at, e.value, &evidence); !same(got, decision(want)) {
				t.Fatalf("%s, point %d: %+v, want %+v", s.name, i, got, decision(want))
			}
			if want.Reason != Anomalous {
				continue
			}
			if got := rules.Judge(&evidence); !sameJudgement(got, want) {
				t.Fatalf("%s, point %d: %+v, want %+v", s.name, i, got, want)
			}
		}
		equalStates(t, s.name, &decided, &added)
	}
}

// decision is what Decide returns where Add returns a judgement.
func decision(j Judgement) Verdict {
	if j.Reason == Anomalous {
		return j.Verdict
	}
	return Verdict{Reason: j.Reason}
}

// overflowing is a stream in which 24 residuals have a small sum, and an infinite one on the way to it.
func overflowing() stream {
	const large = 1e308
	s := newStream("overflowing")
	for i := range 96 * 8 {
		value := 0.0
		switch of := i % 96; {
		case i < 96*5 && of == 40:
			value = 1.7 * large
		case i >= 96*5 && of >= 40:
			if sizes := []float64{1.7, -1.7, -1.5, 1.5, 1.5, -1.5, 24: 0.3, 25: -0.3}; of-40 < len(sizes) {
				value = sizes[of-40] * large
			}
		}
		s.entries = append(s.entries, entry{0, point{1_600_041_600_000 + int64(i)*quarter, value}})
	}
	return s
}

func TestMeanOfMostPointsIsNotAddedUp(t *testing.T) {
	s := newHabitual((*rand.Rand).NormFloat64)
	var all, added int
	for range 96 * 20 {
		s.count++
		var e Evidence
		s.habit.Decide(&s.rules, uint64(s.count), int64(s.count)*quarter, s.values[s.count%len(s.values)], &e)
		all++
		added += int(number(e.summed))
	}
	t.Logf("%d of %d means were added up", added, all)
	if added > all/8 {
		t.Errorf("%d of %d means were added up", added, all)
	}
}

// TestMeanIsWithinItsLimit replaces residuals of all sizes, for as long as no day begins in a stream of four points a second.
func TestMeanIsWithinItsLimit(t *testing.T) {
	for name, next := range map[string]func(*rand.Rand) float64{
		"noise":  (*rand.Rand).NormFloat64,
		"offset": func(r *rand.Rand) float64 { return 1e6 + r.NormFloat64() },
		"sizes":  func(r *rand.Rand) float64 { return r.NormFloat64() * math.Pow(10, float64(r.IntN(40)-20)) },
		"any":    func(r *rand.Rand) float64 { return math.Ldexp(r.NormFloat64(), r.IntN(2000)-1000) },
		"runs": func() func(r *rand.Rand) float64 { // of about one size
			left, size := 0, 1.0
			return func(r *rand.Rand) float64 {
				if left--; left < 0 {
					left, size = 1+r.IntN(30), math.Ldexp(1, r.IntN(120)-60)
				}
				return r.Float64() * size
			}
		}(),
		"steps":   func(r *rand.Rand) float64 { return float64(r.IntN(3)-1) * 0.1 },
		"largest": func(r *rand.Rand) float64 { return math.Ldexp(2*r.Float64()-1, 1024-r.IntN(12)*r.IntN(2)) },
		"endless": func(r *rand.Rand) float64 { return []float64{math.Inf(1), -math.MaxFloat64, 1}[min(2, r.IntN(60))] },
	} {
		r := rand.New(rand.NewPCG(1, 54))
		var h Habit
		at := int64(1_600_000_000_000)
		keep := func() { h.keepResidual(residual{at, next(r)}, at) }
		for range habitMean {
			keep()
		}
		exact := func() float64 {
			e := Evidence{}
			was := h.sum
			h.addUp(&e)
			h.sum = was
			return math.Abs(e.mean)
		}
		var first Evidence
		h.addUp(&first)
		var widest float64
		for i := range 4 * 86_400 {
			keep()
			mean, most := exact(), h.sum.mostMean()
			if r.IntN(40) == 0 {
				h.addUp(new(Evidence))
			}
			if mean > most {
				t.Fatalf("%s: after %d residuals the mean is %v, and at most %v was said", name, i, mean, most)
			}
			if mean > 0 {
				widest = max(widest, (most-mean)/most)
			}
		}
		if name == "noise" && widest > 1e-3 {
			t.Errorf("%s: the limit exceeds the mean by up to %.2g of it, so it serves nobody", name, widest)
		}
	}
}

// TestDistantResidualsAreForgottenBeforeTheMean: a gap empties the ring, and what comes after it fills the ring again.
func TestDistantResidualsAreForgottenBeforeTheMean(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 55))
	var h Habit
	var kept []residual
	at := int64(1_600_000_000_000)
	for i := range 5000 {
		before := at
		switch at += r.Int64N(2 * quarter); {
		case i%97 == 0:
			at += pause + 1
		case i%31 == 0:
			at += pause - 2*quarter
		}
		if at-before > pause {
			kept = kept[:0]
		}
		for len(kept) == habitMean || len(kept) > 0 && at-kept[0].at > day {
			kept = kept[1:]
		}
		kept = append(kept, residual{at, r.NormFloat64()})
		h.keepResidual(kept[len(kept)-1], before)
		sum := 0.0
		got := []residual{}
		for j, x := range kept {
			sum += x.value
			got = append(got, h.recent[h.placeOf(j)])
		}
		if int(h.now.residuals) != len(kept) || !slices.Equal(got, kept) {
			t.Fatalf("residual %d: the ring has %v, want %v", i, fmt.Sprint(got), fmt.Sprint(kept))
		}
		if most := h.sum.mostMean(); math.Abs(sum/habitMean) > most {
			t.Fatalf("residual %d: the mean is %v, and at most %v was said", i, sum/habitMean, most)
		}
		if i%50 == 0 {
			h.addUp(new(Evidence))
		}
	}
}
