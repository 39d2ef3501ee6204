package detection

import "math"

// spread is a number, sum - err, that the sum of |x - median| over a window never is below.
//
// Both sums are those of real numbers, without the rounding of each difference. meanAtLeast accounts for the
// rest.
type spread struct {
	sum float64
	err float64
}

// newSpread takes the sum of n float64 values |x - median|, added up one by one.
//
// With u = 2^-53 each of the differences and of the n additions is off by a factor of 1+u at most (and
// exact where subnormal), so the sum is off by less than 1.01*n*u*sum. The bound is twice n*u*sum.
func newSpread(sum float64, n int) spread {
	return spread{sum, sum * float64(n) * 0x1p-52}
}

// add changes the sum by a difference of two values that has been rounded once.
//
// With u = 2^-53 the difference is off by at most u*|d|, and the new sum by u*|sum| more. This also holds for
// subnormal numbers, whose sums and differences are exact. The bound takes twice that. The last factor makes
// up for the three roundings of the bound itself.
func (r *spread) add(d float64) {
	r.sum += d
	grown := r.err + float64((math.Abs(d)+math.Abs(r.sum))*0x1p-52)
	r.err = grown * (1 + 0x1p-50)
}

// meanAtLeast is not above the mean of the n float64 values |x - median|, each rounded, as exactMean computes
// it.
//
// Each rounded difference is at least (1-u) times the real one, and the last rounding of the mean takes at
// most another u. The computation here rounds three times, by u each. Together that is less than the 16u that
// are taken off. If subnormal numbers could make that untrue, or if the sum overflows, the answer is 0.
func (r *spread) meanAtLeast(n int) float64 {
	mean := (r.sum - r.err) / float64(n) * (1 - 0x1p-49)
	if mean > 0x1p-1000 && mean <= math.MaxFloat64 {
		return mean
	}
	return 0
}
