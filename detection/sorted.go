package detection

import "slices"

// sorted are the values of a window in ascending order. Equal values are interchangeable: those of
// zero differ in sign, which no comparison, distance or deviation can show.
type sorted []float64

// after is the index of the first value greater than v.
func (s sorted) after(v float64) int {
	low, high := 0, len(s)
	for low < high {
		middle := int(uint(low+high) >> 1)
		if s[middle] <= v {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// insert puts v after its equals, so that a window of equal values moves nothing.
func (s sorted) insert(v float64) sorted {
	if len(s) == cap(s) {
		s = append(slices.Grow(sorted(nil), larger(len(s))), s...)
	}
	i := s.after(v)
	s = s[:len(s)+1]
	copy(s[i+1:], s[i:])
	s[i] = v
	return s
}

// remove takes one v out, and tells whether there was one.
func (s sorted) remove(v float64) (sorted, bool) {
	i := s.after(v) - 1
	if i < 0 || s[i] != v {
		return s, false
	}
	copy(s[i:], s[i+1:])
	return s[:len(s)-1], true
}

// median is Python's statistics.median, but for the sign of a zero: it is always positive here. (The
// original's depends on the order of arrival, and cannot show: x - 0 differs from x - -0 only if x is
// itself a zero, which is never anomalous, and never in |x - median|.)
func (s sorted) median() float64 {
	n := len(s)
	if n%2 == 1 {
		return s[n/2] + 0
	}
	return (s[n/2-1]+s[n/2])/2 + 0
}

// medianDeviation is statistics.median of |x - m|, where m is the median of s.
func (s sorted) medianDeviation(m float64) float64 {
	n := len(s)
	if n%2 == 1 {
		return s.nearest(m, n/2+1)
	}
	return (s.nearest(m, n/2) + s.nearest(m, n/2+1)) / 2
}

// nearest is the count-th smallest |x - m|, as float64 subtraction rounds it: rounding is monotone, so
// the order of the rounded distances is that of the values on either side of m.
//
// The count values nearest to m stand together in s. Of such a run the farthest value is its first or
// its last; the run sought makes the larger of the two distances smallest. As it slides to the right
// the first one falls and the last one rises, so the best run is next to where they cross.
func (s sorted) nearest(m float64, count int) float64 {
	low, high := 0, len(s)-count
	for low < high {
		i := int(uint(low+high) >> 1)
		if m-s[i] <= s[i+count-1]-m {
			high = i
		} else {
			low = i + 1
		}
	}
	d := max(m-s[low], s[low+count-1]-m)
	if low > 0 {
		d = min(d, max(m-s[low-1], s[low+count-2]-m))
	}
	return d
}

// sortedValues are the values of the points, in the room of old if it suffices.
func sortedValues(old sorted, points *ring) sorted {
	n := points.len()
	if cap(old) < n {
		old = slices.Grow(sorted(nil), larger(n))
	}
	s := old[:n]
	for i := range s {
		s[i] = points.at(i).value
	}
	slices.Sort(s)
	return s
}
