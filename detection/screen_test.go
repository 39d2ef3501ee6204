package detection

import (
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// realSum is the sum of |x - median| without any rounding.
func realSum(values []float64) *big.Rat {
	s := slices.Sorted(slices.Values(values))
	sum := new(big.Rat)
	for i, j := 0, len(s)-1; i < j; i, j = i+1, j-1 {
		sum.Add(sum, rational(s[j]))
		sum.Sub(sum, rational(s[i]))
	}
	return sum
}

func rational(x float64) *big.Rat { return new(big.Rat).SetFloat64(x) }

// Whatever values come and go, in windows that keep their length, grow or shrink, the bounds of a screen that
// holds are true.
func TestScreenNeverClaimsTooMuch(t *testing.T) {
	for _, metric := range []Metric{MeanDeviation, MedianDeviation} {
		for _, stream := range streams {
			t.Run(metric.String()+"/"+stream.name, func(t *testing.T) {
				held := 0
				for seed := range uint64(6) {
					r := rand.New(rand.NewPCG(seed, 5))
					var s screen
					var values []float64
					size := 1 + r.IntN(60)
					for range 120 {
						if r.IntN(100) == 0 {
							size = 1 + r.IntN(60)
						}
						x := stream.next(r)
						values = append(values, x)
						s.add(x, len(values))
						checkScreen(t, &s, values, metric)
						for len(values) > size {
							gone := values[0]
							values = values[1:]
							s.remove(gone, len(values))
							checkScreen(t, &s, values, metric)
						}
						if s.drawn {
							held++
						} else {
							s, _ = newScreen(slices.Clone(values), slices.Clone(values), metric)
							checkScreen(t, &s, values, metric)
						}
					}
				}
				if held == 0 && stream.name != "near the largest" {
					t.Error("no screen ever held")
				}
			})
		}
	}
}

// If many values have the same distance from the median, a count that errs by a rounding errs by all of them.
func TestScreenBoundsLongWindowsOfTies(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 4))
	held := 0
	for range 3000 {
		n := []int{17, 32, 97, 289}[r.IntN(4)]
		next := twoLevels(math.Round(r.NormFloat64()*10)/10, float64(1+r.IntN(4)))
		values := make([]float64, n)
		for i := range values {
			values[i] = next(r)
		}
		s, _ := newScreen(slices.Clone(values), slices.Clone(values), MedianDeviation)
		for range n {
			gone, came := values[0], next(r)
			values = append(values[1:], came)
			if s.remove(gone, n-1); s.drawn {
				s.add(came, n)
			}
			if !s.drawn {
				break
			}
			held++
			if r.IntN(10) > 0 {
				continue
			}
			checkScreen(t, &s, values, MedianDeviation)
		}
	}
	if held < 10_000 {
		t.Errorf("screens held for %d points only", held)
	}
}

func checkScreen(t *testing.T, s *screen, values []float64, metric Metric) {
	t.Helper()
	if !s.drawn {
		return
	}
	m := naiveMedian(values)
	if !(s.low <= m && m <= s.high) {
		t.Fatalf("median %v, said to be between %v and %v: %v", m, s.low, s.high, values)
	}
	if median := s.median(values, make([]float64, len(values))); median != m {
		t.Fatalf("median %v, want %v: %v", median, m, values)
	}
	deviations := make([]float64, len(values))
	for i, x := range values {
		deviations[i] = math.Abs(x - m)
	}
	exact := naiveMean(deviations)
	if metric == MedianDeviation {
		exact = naiveMedian(deviations)
	}
	atLeast, around := s.deviationAtLeast(metric, len(values)), s.deviationAround(m, metric, len(values))
	if !(atLeast <= around && around <= exact) {
		t.Fatalf("deviation %v, said to be at least %v, and %v with the median: %v", exact, atLeast, around, values)
	}
	sum, err := s.spread.sum, s.spread.err
	if metric == MedianDeviation || math.IsInf(sum, 0) || math.IsNaN(sum) || math.IsInf(err, 0) || math.IsNaN(err) {
		return
	}
	if least := new(big.Rat).Sub(rational(sum), rational(err)); least.Cmp(realSum(values)) > 0 {
		t.Fatalf("sum said to be at least %v - %v: %v", sum, err, values)
	}
}

// The exact way must be rare, or the screen is not worth having.
func TestScreenDecidesNearlyAllOrdinaryPoints(t *testing.T) {
	for _, metric := range []Metric{MeanDeviation, MedianDeviation} {
		s := newRunning(metric, (*rand.Rand).NormFloat64)
		drawn := 0
		for range 20_000 {
			before := s.window.screen
			s.add()
			if s.window.screen.low != before.low {
				drawn++
			}
		}
		t.Logf("%v: %d screens for 20000 points", metric, drawn)
		if drawn > 600 {
			t.Errorf("%v: %d screens were drawn for 20000 points", metric, drawn)
		}
	}
}

func TestNthIsTheValueOfThatRank(t *testing.T) {
	for _, stream := range streams {
		t.Run(stream.name, func(t *testing.T) {
			for seed := range uint64(200) {
				r := rand.New(rand.NewPCG(seed, 9))
				values := make([]float64, 1+r.IntN(200))
				for i := range values {
					values[i] = stream.next(r)
				}
				sorted := slices.Sorted(slices.Values(values))
				k := r.IntN(len(values))
				if got := nth(values, k); got != sorted[k] || values[k] != got {
					t.Fatalf("rank %d is %v, want %v", k, got, sorted[k])
				}
				if k > 0 && slices.Max(values[:k]) > values[k] || slices.Min(values[k:]) < values[k] {
					t.Fatalf("rank %d does not divide %v", k, values)
				}
			}
		})
	}
}

// If its pivots are bad, nth falls back to sorting.
func TestNthIsRightInAdversarialOrders(t *testing.T) {
	const n = 5000
	for name, at := range map[string]func(i int) float64{
		"equal":    func(int) float64 { return 1 },
		"rising":   func(i int) float64 { return float64(i) },
		"falling":  func(i int) float64 { return float64(-i) },
		"organ":    func(i int) float64 { return float64(min(i, n-i)) },
		"sawtooth": func(i int) float64 { return float64(i % 7) },
	} {
		values := make([]float64, n)
		for i := range values {
			values[i] = at(i)
		}
		sorted := slices.Sorted(slices.Values(values))
		for k := 0; k < n; k += 501 {
			if got := nth(values, k); got != sorted[k] {
				t.Fatalf("%s: rank %d is %v, want %v", name, k, got, sorted[k])
			}
		}
	}
}
