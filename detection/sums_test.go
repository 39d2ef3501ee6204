package detection

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// realSum is the sum of |x - median| without any rounding.
func realSum(s sorted) *big.Rat {
	sum := new(big.Rat)
	for i, j := 0, len(s)-1; i < j; i, j = i+1, j-1 {
		sum.Add(sum, rational(s[j]))
		sum.Sub(sum, rational(s[i]))
	}
	return sum
}

func rational(x float64) *big.Rat { return new(big.Rat).SetFloat64(x) }

func TestSpreadIsNeverOffByMoreThanItsError(t *testing.T) {
	for _, stream := range streams {
		t.Run(stream.name, func(t *testing.T) {
			for seed := range uint64(10) {
				r := rand.New(rand.NewPCG(seed, 5))
				var w Window
				var arrived []float64
				size := 1 + r.IntN(30)
				w.sort()
				for range 400 {
					x := stream.next(r)
					w.insert(x)
					arrived = append(arrived, x)
					if len(arrived) > size {
						w.remove(arrived[0])
						arrived = arrived[1:]
					}
					checkSpread(t, w.values, w.spread)
				}
				checkSpread(t, w.values, newSpread(w.values))
			}
		})
	}
}

func checkSpread(t *testing.T, s sorted, p spread) {
	t.Helper()
	m := s.median()
	if at, mean := p.meanAtLeast(len(s)), exactMean(s, m); !math.IsInf(m, 0) && !(at <= mean) {
		t.Fatalf("mean %v, said to be at least %v: %v", mean, at, s)
	}
	if math.IsInf(p.sum, 0) || math.IsNaN(p.sum) || math.IsInf(p.err, 0) || math.IsNaN(p.err) {
		return
	}
	off := rational(p.sum)
	off.Sub(off, realSum(s)).Abs(off)
	if off.Cmp(rational(p.err)) > 0 {
		t.Fatalf("sum %v is off by more than %v: %v", p.sum, p.err, s)
	}
}

func TestSpreadDecidesWithoutTheExactMean(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 6))
	var w Window
	var arrived []float64
	for range 100_000 {
		x := r.NormFloat64()
		arrived = append(arrived, x)
		w.insert(x)
		if len(arrived) > 288 {
			w.remove(arrived[0])
			arrived = arrived[1:]
		}
	}
	if at, mean := w.spread.meanAtLeast(len(w.values)), exactMean(w.values, w.values.median()); at < mean*(1-1e-9) {
		t.Fatalf("mean %v, only known to be at least %v", mean, at)
	}
}

func TestMeanIsTheExactSumRoundedOnce(t *testing.T) {
	for _, stream := range streams {
		t.Run(stream.name, func(t *testing.T) {
			for seed := range uint64(300) {
				r := rand.New(rand.NewPCG(seed, 7))
				s := make(sorted, 1+r.IntN(40))
				deviations := make([]float64, len(s))
				for i := range s {
					s[i] = stream.next(r)
				}
				m := naiveMedian(s)
				for i, x := range s {
					deviations[i] = math.Abs(x - m)
				}
				want := naiveMean(deviations)
				if got := exactMean(s, m); got != want {
					t.Fatalf("mean %v, want %v: %v", got, want, s)
				}
				if got := rationalMean(s, m); got != want {
					t.Fatalf("rational mean %v, want %v: %v", got, want, s)
				}
			}
		})
	}
}

// Two to sixteen values of few bits, and one at the edge of the last: means at and next to the middle
// between two float64, where the quick way must not be sure of the wrong one.
func TestMeanNextToAMiddleRoundsAsTheExactOne(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 8))
	quick := 0
	for range 30_000 {
		s := make(sorted, 1<<(1+r.IntN(4)))
		for i := range s {
			s[i] = 1 + float64(r.IntN(8))*0x1p-52
		}
		s[0] += float64(r.IntN(3)-1) * math.Ldexp(1, -60-r.IntN(60))
		s[1%len(s)] = float64(r.IntN(3)-1) * math.Ldexp(1, -40-r.IntN(80))
		deviations := make([]float64, len(s))
		for i, x := range s {
			deviations[i] = math.Abs(x)
		}
		want := naiveMean(deviations)
		if _, sure := quickMean(s, 0); sure {
			quick++
		}
		if got := exactMean(s, 0); got != want {
			t.Fatalf("mean %b, want %b: %v", got, want, s)
		}
	}
	t.Logf("%d of 30000 the quick way", quick)
}

func TestMedianDeviationEqualsSortingTheDeviations(t *testing.T) {
	for _, stream := range streams {
		t.Run(stream.name, func(t *testing.T) {
			for seed := range uint64(500) {
				r := rand.New(rand.NewPCG(seed, 9))
				var s sorted
				for range 1 + r.IntN(40) {
					s = s.insert(stream.next(r))
				}
				m := s.median()
				deviations := make([]float64, len(s))
				for i, x := range s {
					deviations[i] = math.Abs(x - m)
				}
				if got, want := s.medianDeviation(m), naiveMedian(deviations); got != want {
					t.Fatalf("%v, want %v: %v", got, want, s)
				}
			}
		})
	}
}
