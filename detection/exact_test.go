package detection

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestMeanIsTheExactSumRoundedOnce(t *testing.T) {
	for _, stream := range streams {
		t.Run(stream.name, func(t *testing.T) {
			for seed := range uint64(300) {
				r := rand.New(rand.NewPCG(seed, 7))
				s := make([]float64, 1+r.IntN(40))
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

// The streams have two to sixteen values of few bits, and one at the edge of the last bit. Their means lie at
// or next to the middle between two float64, where the quick way must not be sure of the wrong one.
func TestMeanNextToAMiddleRoundsLikeTheExactMean(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 8))
	quick := 0
	for range 30_000 {
		s := make([]float64, 1<<(1+r.IntN(4)))
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
