package detection

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestPlacedValuesAreWhereASortPutsThem, and none before a rank is greater, and none after it less.
func TestPlacedValuesAreWhereASortPutsThem(t *testing.T) {
	for seed := range uint64(5000) {
		r := rand.New(rand.NewPCG(seed, 9))
		values := make([]float64, 1+r.IntN(400))
		kinds := 1 + r.IntN(500) // few kinds: many are equal
		for i := range values {
			values[i] = float64(r.IntN(kinds))
		}
		switch r.IntN(4) {
		case 0:
			slices.Sort(values)
		case 1:
			slices.Sort(values)
			slices.Reverse(values)
		}
		ranks := make([]int, 1+r.IntN(5))
		for i := range ranks {
			ranks[i] = r.IntN(len(values))
		}
		slices.Sort(ranks)
		sorted := slices.Sorted(slices.Values(values))
		place(values, ranks)
		for _, k := range ranks {
			if values[k] != sorted[k] || k > 0 && slices.Max(values[:k]) > values[k] || slices.Min(values[k:]) < values[k] {
				t.Fatalf("seed %d: %v placed in %v, sorted %v", seed, ranks, values, sorted)
			}
		}
	}
}
