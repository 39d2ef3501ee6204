package detection

import (
	"math/bits"
	"slices"
)

// nth is the value of rank k (0 is the smallest). It reorders the values: none before rank k is greater, none
// after it is less. It takes time in proportion to their number. Equal values are interchangeable: only zeros
// may differ, in their sign, and no comparison, distance or deviation shows that.
func nth(values []float64, k int) float64 {
	const few = 12
	low, high := 0, len(values)
	for tries := 2 * bits.Len(uint(high)); high-low > few && tries > 0; tries-- {
		pivot := middleOf(values[low], values[(low+high)/2], values[high-1])
		less := low + partition(values[low:high], pivot)
		if k < less {
			high = less
			continue
		}
		if less > low { // the pivot is among the others, which are fewer now
			low = less
			continue
		}
		equal := less + partitionEqual(values[less:high], pivot)
		if k < equal {
			return pivot
		}
		low = equal
	}
	if high-low > few {
		slices.Sort(values[low:high])
	} else {
		sortFew(values[low:high])
	}
	return values[k]
}

// sortFew sorts by insertion. slices.Sort looks for NaN in each comparison.
func sortFew(values []float64) {
	for i := 1; i < len(values); i++ {
		x, at := values[i], i
		for ; at > 0 && x < values[at-1]; at-- {
			values[at] = values[at-1]
		}
		values[at] = x
	}
}

// least is the least of at least one value. slices.Min looks for NaN, and takes seven times as long.
func least(values []float64) float64 {
	lowest := values[0]
	for _, x := range values {
		if x < lowest {
			lowest = x
		}
	}
	return lowest
}

// middleOf is the value between the other two.
func middleOf(a, b, c float64) float64 {
	return max(min(a, b), min(max(a, b), c))
}

// partition moves the values below the pivot to the front, and returns how many there are. The loop has no
// branch to predict, because the values are in no order.
func partition(values []float64, pivot float64) int {
	less := 0
	for i, x := range values {
		values[i] = values[less]
		values[less] = x
		less += number(x < pivot)
	}
	return less
}

// partitionEqual does the same with the values that are not greater than the pivot.
func partitionEqual(values []float64, pivot float64) int {
	equal := 0
	for i, x := range values {
		values[i] = values[equal]
		values[equal] = x
		equal += number(x <= pivot)
	}
	return equal
}

// number is 1 for true and 0 for false. The compiler makes it one instruction.
func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// medianOf is Python's statistics.median, except that a zero is always positive here. The original's sign
// depends on the order of arrival, and never shows: x - 0 differs from x - -0 only if x is itself a zero,
// which is never anomalous, and |x - median| never differs. The values are reordered as by nth, for the lower
// of the two in the middle.
func medianOf(values []float64) float64 {
	n := len(values)
	lower := nth(values, (n-1)/2)
	if n%2 == 1 {
		return lower + 0
	}
	return (lower+least(values[n/2:]))/2 + 0
}
