package detection

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestMiddlesAreThoseOfASort(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 27))
	for range 20_000 {
		numbers := make([]int64, 1+r.IntN(3*profileDays))
		kinds := 1 + r.Int64N(20) // few kinds: some are equal
		for i := range numbers {
			numbers[i] = r.Int64N(kinds) - kinds/2
		}
		sorted := slices.Sorted(slices.Values(numbers))
		n := len(sorted)
		low, high := middles(slices.Clone(numbers))
		if low != sorted[(n-1)/2] || high != sorted[n/2] {
			t.Fatalf("the middles of %v are %d and %d, sorted %v", numbers, low, high, sorted)
		}
	}
}

// TestMiddleOf15IsThatOfASort tries all numbers that are 0 or 1. What finds the middle one of these by smallest and largest ones alone finds it
// among any numbers.
func TestMiddleOf15IsThatOfASort(t *testing.T) {
	for bits := range 1 << (3 * profileDays) {
		var numbers [3 * profileDays]float64
		ones := 0
		for i := range numbers {
			numbers[i] = float64(bits >> i & 1)
			ones += bits >> i & 1
		}
		if got, want := middleOf15(&numbers), float64(number(ones > len(numbers)/2)); got != want {
			t.Fatalf("the middle of %v is %v, want %v", numbers, got, want)
		}
	}
}
