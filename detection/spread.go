package detection

import "math"

// spread knows the sum of |x - median| over a window within a provable error, and keeps it up at a
// few operations a change.
//
// The sum is that of the real numbers, without the rounding of each difference; meanAtLeast accounts
// for the rest. As there are as many values below the median as above it, the sum does not depend on
// where between the two middle values a median lies, and adding or removing a value changes it by that
// value's distance to the nearest point between the middle values of the others: 0 if it lies between
// them. So there is no cancellation of large sums: what rounds is a distance and the sum itself.
//
// Invariant: |sum - the real sum| <= err, or one of the two is not finite (values so large that the
// sum overflows). A test holds it against exact rational arithmetic.
type spread struct {
	sum float64
	err float64
}

// newSpread sums up the values, from the innermost pair to the outermost, the smallest difference first.
func newSpread(s sorted) spread {
	var r spread
	for low, high := len(s)/2-1, (len(s)+1)/2; low >= 0; low, high = low-1, high+1 {
		r.add(s[high] - s[low])
	}
	return r
}

// distance of v to the interval between the two middle values of s, as float64 subtraction rounds it.
func distance(s sorted, v float64) float64 {
	n := len(s)
	if n == 0 {
		return 0
	}
	if low := s[(n-1)/2]; v < low {
		return low - v
	}
	if high := s[n/2]; v > high {
		return v - high
	}
	return 0
}

// add changes the sum by a difference of two values that has been rounded once.
//
// With u = 2^-53 the difference is off by at most u*|d| and the new sum by u*|sum| more, also where
// they are subnormal, as sums and differences are exact there. The bound takes twice that, and its own
// three roundings are made up for by the last factor.
func (r *spread) add(d float64) {
	r.sum += d
	grown := r.err + float64((math.Abs(d)+math.Abs(r.sum))*0x1p-52)
	r.err = grown * (1 + 0x1p-50)
}

// meanAtLeast is a number not above the mean of the n float64 values |x - median|, each rounded, as
// exactMean would compute it, and seldom far below it.
//
// Each rounded difference is at least (1-u) times the real one, and the last rounding of the mean
// takes another u at most. Here are three roundings, u each: together less than the 16u taken off.
// Where subnormal numbers could make that untrue, 0 is the answer, as it is if the sum overflows.
func (r *spread) meanAtLeast(n int) float64 {
	mean := (r.sum - r.err) / float64(n) * (1 - 0x1p-49)
	if mean > 0x1p-1000 && mean <= math.MaxFloat64 {
		return mean
	}
	return 0
}

// vague tells whether so much error has built up that a new sum would be of use.
func (r *spread) vague() bool {
	return !(r.err <= r.sum*0x1p-30)
}
