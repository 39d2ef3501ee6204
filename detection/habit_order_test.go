package detection

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestOrderIsThatOfASort has epochs of one point to thousands, so that the ring grows, discards points, and has slots of one and of two bytes.
func TestOrderIsThatOfASort(t *testing.T) {
	wide := 0
	for seed := range uint64(16) {
		s := anyStream(seed * 2)
		rules := s.rules()
		r := rand.New(rand.NewPCG(seed, 26))
		most := []int{1, 30, 300, 3000}[seed%4]
		var h Habit
		for i, e := range s.entries {
			epoch := uint64(i / most)
			h.Observe(rules, epoch, e.at, e.value)
			if r.IntN(500) == 0 {
				h.Rollback(epoch)
			}
			got := order{slices.Clone(h.order.slots), h.order.wide}
			h.reorder()
			if got.wide != h.order.wide || !bytes.Equal(got.slots, h.order.slots) {
				t.Fatalf("%s, epochs of %d points, point %d: the order is %v, sorted %v", s.name, most, i, got, h.order)
			}
			if h.order.wide > 0 {
				wide++
			}
			h.order = got
		}
	}
	if wide == 0 {
		t.Error("no slot had two bytes")
	}
}

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
