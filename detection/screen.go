package detection

import (
	"math"
	"slices"
)

// screen decides most points without looking at the window: it holds bounds of the window's median and
// deviation that are kept up, in a few operations, as points come and go.
//
// The median lies between low and high while fewer than half of the values are below low, and fewer than
// half above high; so these are counted. The screen holds only while that is true after each single
// change.
//
// For the mean deviation, spread is a number that the sum of |x - median| is not below. Let S(m) be the sum
// of |x - m|: it is least at the median. A value a that comes makes the sum S(m) + |a - m|, with m the
// new median: at least the old sum and the distance of a from the interval between low and high. A value
// that goes makes it S(m) - |a - m|: at least the old sum less the distance of a from the farther end.
//
// For the median deviation, the values between nearLow and nearHigh are counted, both ends left out.
// While they are fewer than half, the lower middle of the |x - median| is that of a value outside, which
// is at least as far from the median as nearLow from low, or nearHigh from high.
//
// Invariants, each held by a test against exact arithmetic: while it holds, low <= median <= high, and
// deviationAtLeast is not above the window's deviation.
type screen struct {
	low, high float64
	spread    spread // mean deviation only

	nearLow, nearHigh float64 // median deviation only

	below, above, near uint32
	drawn              bool // false: nothing is known
}

// margin is how many ranks lie between a bound and the median: a random stream crosses it about once
// in two windows, and the bounds cost little of what they decide. Its median wanders by the square root
// of the window's length, so that a long window can have closer bounds.
func margin(n int) int { return min(n/16+1, 2*int(math.Sqrt(float64(n)))) }

// newScreen looks at all values, which it reorders, and returns their median, too. It needs room for as
// many.
func newScreen(values, room []float64, metric Metric) (s screen, median float64) {
	n := len(values)
	median = medianOf(values)
	middle := (n - 1) / 2
	s.low = nth(values[:middle+1], max(middle-margin(n), 0))
	s.high = nth(values[middle:], min(n/2+margin(n), n-1)-middle)
	const large = math.MaxFloat64 / 4 // where the sum of the two middles may overflow
	s.drawn = -large < s.low && s.high < large
	var sum float64
	for _, x := range values {
		s.below += uint32(number(x < s.low))
		s.above += uint32(number(x > s.high))
		sum += math.Abs(x - median)
	}
	if metric == MeanDeviation {
		s.spread = newSpread(sum, n)
		return s, median
	}
	setDistances(room, values, median)
	most := nth(room, max(middle-margin(n), 0))
	s.nearLow, s.nearHigh = median-most, median+most
	for _, x := range values {
		s.near += s.isNear(x)
	}
	return s, median
}

// setDistances writes the |x - median|.
func setDistances(distances, values []float64, median float64) {
	for i, x := range values {
		distances[i] = math.Abs(x - median)
	}
}

// median is that of the values, exactly, while the screen holds: only those between its bounds are put in
// order. It needs room for as many.
func (s *screen) median(values, room []float64) float64 {
	inside := 0
	for _, x := range values {
		room[inside] = x
		inside += 1 - number(x < s.low) - number(x > s.high) // as they are counted
	}
	n, middle := len(values), (len(values)-1)/2-int(s.below)
	lower := nth(room[:inside], middle)
	if n%2 == 1 {
		return lower + 0
	}
	return (lower+slices.Min(room[middle+1:inside]))/2 + 0
}

// isNear is 1 for a value that counts as near. All must be counted by the same comparison: that of its
// distance with another distance rounds otherwise.
func (s *screen) isNear(x float64) uint32 { return uint32(number(s.nearLow < x && x < s.nearHigh)) }

// holds tells whether the bounds are good for a window of n values.
func (s *screen) holds(n int) bool { return s.drawn && 2*max(s.below, s.above) < uint32(n) }

// add keeps up with a value that came, of a window that now has n.
func (s *screen) add(x float64, n int) {
	if !s.drawn {
		return
	}
	switch {
	case x < s.low:
		s.below++
		s.spread.add(s.low - x)
	case x > s.high:
		s.above++
		s.spread.add(x - s.high)
	}
	s.near += s.isNear(x)
	s.drawn = s.holds(n)
}

// remove keeps up with a value that went, of a window that now has n.
func (s *screen) remove(x float64, n int) {
	if !s.drawn {
		return
	}
	s.below -= uint32(number(x < s.low))
	s.above -= uint32(number(x > s.high))
	s.near -= s.isNear(x)
	s.spread.add(-s.farthest(x))
	s.drawn = s.holds(n)
}

// farthest is not below the distance between a value and the median, as float64 subtraction rounds it:
// rounding is monotone.
func (s *screen) farthest(x float64) float64 {
	return max(math.Abs(x-s.low), math.Abs(x-s.high))
}

// deviationAtLeast is a number not above the deviation of the window's n values, as it would be computed
// to the last bit.
func (s *screen) deviationAtLeast(metric Metric, n int) float64 {
	if metric == MeanDeviation {
		return s.spread.meanAtLeast(n)
	}
	return s.medianAtLeast(s.low, s.high, n)
}

// deviationAround is the same where the median is known.
func (s *screen) deviationAround(median float64, metric Metric, n int) float64 {
	if metric == MeanDeviation {
		return s.spread.meanAtLeast(n)
	}
	return s.medianAtLeast(median, median, n)
}

// medianAtLeast is a number not above the median deviation of n values, whose median is between low and
// high.
func (s *screen) medianAtLeast(low, high float64, n int) float64 {
	if 2*s.near >= uint32(n) {
		return 0
	}
	return max(min(low-s.nearLow, s.nearHigh-high), 0)
}
