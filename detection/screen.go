package detection

import "math"

// screen decides most points without looking at the window. It holds bounds of the window's median and
// deviation, and keeps them true with a few operations as points come and go.
//
// The median lies between low and high as long as fewer than half of the values are below low, and fewer than
// half above high. So the screen counts these. Once that has been untrue after a single change, the screen
// holds no more.
//
// For the mean deviation, spread is a number that the sum of |x - median| never is below. Let S(m) be the sum
// of |x - m|, which is least at the median. A value a that comes makes the sum S(m) + |a - m|, with m the new
// median: at least the old sum plus the distance of a from the interval between low and high. A value a that
// goes makes it S(m) - |a - m|: at least the old sum minus the distance of a from the farther end.
//
// For the median deviation, the screen counts the values between nearLow and nearHigh, both excluded. As long
// as they are fewer than half, the lower middle of the |x - median| belongs to a value outside of that
// interval. Its distance from the median is at least that of nearLow from low, or that of nearHigh from high.
//
// Invariants, each held by a test against exact arithmetic: while the screen holds, low <= median <= high, and
// deviationAtLeast is not above the window's deviation.
type screen struct {
	low, high float64
	spread    spread // mean deviation only

	nearLow, nearHigh float64 // median deviation only

	below, above, near uint32
	drawn              bool // false: nothing is known
}

// margin is how many ranks lie between a bound and the median of n values. A random stream crosses it about
// once in two windows, and then keeping the bounds costs little of what they save. The median of random
// values wanders by the square root of the window's length, so a long window can have closer bounds.
func margin(n int) int { return min(n/16+1, 2*int(math.Sqrt(float64(n)))) }

// newScreen draws a screen for some values, and also returns their median. It reorders the values. room must
// be as long as values.
func newScreen(values, room []float64, metric Metric) (s screen, median float64) {
	n := len(values)
	middle := (n - 1) / 2
	ranks := [4]int{max(middle-margin(n), 0), middle, n / 2, min(n/2+margin(n), n-1)}
	place(values, ranks[:])
	s.low, median, s.high = values[ranks[0]], values[middle]+0, values[ranks[3]]
	if n%2 == 0 {
		median = (values[middle]+values[n/2])/2 + 0
	}
	const large = math.MaxFloat64 / 4                             // beyond it the sum of the two middle values may overflow
	s.drawn = -large < s.low && s.low <= s.high && s.high < large // a NaN has no place in the order
	var sum float64
	for _, x := range values {
		s.below += uint32(number(x < s.low))
		s.above += uint32(number(x > s.high))
		sum += math.Abs(x - median)
	}
	s.drawn = s.holds(n)
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

// setDistances writes each |x - median| into distances.
func setDistances(distances, values []float64, median float64) {
	for i, x := range values {
		distances[i] = math.Abs(x - median)
	}
}

// median is the exact median of the values, while the screen holds. It sorts only those between the bounds.
// room must be as long as values.
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
	return (lower+least(room[middle+1:inside]))/2 + 0
}

// isNear is 1 for a value that counts as near. Every count must use this comparison: to compare its distance
// with another distance would round differently.
func (s *screen) isNear(x float64) uint32 { return uint32(number(s.nearLow < x && x < s.nearHigh)) }

// holds says whether the bounds are true for the window, which has n values.
func (s *screen) holds(n int) bool { return s.drawn && 2*max(s.below, s.above) < uint32(n) }

// add takes account of a value that came; the window now has n values.
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

// remove takes account of a value that went; the window now has n values.
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

// farthest is not below the distance between a value and the median, as float64 subtraction rounds it,
// because rounding is monotone.
func (s *screen) farthest(x float64) float64 {
	return max(math.Abs(x-s.low), math.Abs(x-s.high))
}

// deviationAtLeast is not above the exact deviation of the window's n values.
func (s *screen) deviationAtLeast(metric Metric, n int) float64 {
	if metric == MeanDeviation {
		return s.spread.meanAtLeast(n)
	}
	return s.medianAtLeast(s.low, s.high, n)
}

// deviationAround is the same for a known median.
func (s *screen) deviationAround(median float64, metric Metric, n int) float64 {
	if metric == MeanDeviation {
		return s.spread.meanAtLeast(n)
	}
	return s.medianAtLeast(median, median, n)
}

// medianAtLeast is not above the median deviation of n values whose median lies between low and high.
func (s *screen) medianAtLeast(low, high float64, n int) float64 {
	if 2*s.near >= uint32(n) {
		return 0
	}
	return max(min(low-s.nearLow, s.nearHigh-high), 0)
}
