package detection

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestRunningMedianIsThatOfASort has levels of one value to a thousand that grow, shrink, drift and have equal values.
func TestRunningMedianIsThatOfASort(t *testing.T) {
	for seed := range uint64(72) {
		r := rand.New(rand.NewPCG(seed, 26))
		most := []int{1, 2, 5, 17, 96, 1000}[seed%6]
		kinds := []int{1, 3, 1 << 30}[seed/6%3]
		drift := []float64{0, 0.02, -0.3, 1e6}[seed/18%4]
		var m runningMedian
		var level []float64
		fills, asked := 0, 0
		for i := range 5000 {
			for len(level) > 0 && (len(level) >= most || r.IntN(20) == 0) {
				m.remove(level[0])
				level = level[1:]
			}
			if n := len(level); n > 0 {
				sorted := slices.Sorted(slices.Values(level))
				low, high, known := m.of(n)
				asked++
				if !known {
					fills++
					m.fill(slices.Clone(level))
					if low, high, known = m.of(n); !known {
						t.Fatalf("seed %d, point %d: the median is not known after a fill", seed, i)
					}
				}
				if low != sorted[(n-1)/2] || high != sorted[n/2] {
					t.Fatalf("seed %d, point %d: the median is %v and %v, want %v and %v", seed, i, low, high, sorted[(n-1)/2], sorted[n/2])
				}
				held := m.values[:m.n]
				if !slices.Equal(held, sorted[m.before:int(m.before)+len(held)]) {
					t.Fatalf("seed %d, point %d: the middle is %v after %d, sorted %v", seed, i, held, m.before, sorted)
				}
			}
			if r.IntN(500) == 0 {
				m.forget()
			}
			value := float64(r.IntN(kinds)) + drift*float64(i)
			m.insert(len(level), value)
			level = append(level, value)
		}
		if most == 96 && fills*8 > asked {
			t.Errorf("seed %d: %d fills in %d points", seed, fills, asked)
		}
	}
}

// TestMedianOfAStateIsThatOfItsLevel has epochs of one point to thousands, so that the ring grows and discards points, and rollbacks.
func TestMedianOfAStateIsThatOfItsLevel(t *testing.T) {
	known, all := 0, 0
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
			var sorted []float64
			for _, value := range h.Level() {
				sorted = append(sorted, value)
			}
			n := len(sorted)
			if n == 0 {
				continue
			}
			slices.Sort(sorted)
			all, known = all+1, known+number(h.median.n > 0)
			if m := &h.median; m.n > 0 && !slices.Equal(m.values[:m.n], sorted[m.before:m.before+m.n]) {
				t.Fatalf("%s, epochs of %d points, point %d: the middle is %v after %d, sorted %v", s.name, most, i, m.values[:m.n], m.before, sorted)
			}
		}
	}
	if known*2 < all {
		t.Errorf("the middle was known for %d of %d points", known, all)
	}
}

// TestMedianZeroHasNoSign: which of equal zeros is in the middle depends on when the median was selected.
func TestMedianZeroHasNoSign(t *testing.T) {
	rules := usualHabit()
	for _, values := range [][]float64{{math.Copysign(0, -1)}, {math.Copysign(0, -1), 0, -1, 1, 0}} {
		var h Habit
		for i, value := range values {
			h.Observe(&rules, 1, int64(i)*quarter, value)
		}
		if level := h.level(1); level != 0 || math.Signbit(level) {
			t.Errorf("the level of %v is %v", values, level)
		}
		if level := h.windowMedian(); level != 0 || math.Signbit(level) {
			t.Errorf("the median of the window %v is %v", values, level)
		}
	}
}
