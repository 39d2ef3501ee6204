package detection

import (
	"math/bits"
	"slices"
)

// nth is the value of rank k (0 is the smallest). It reorders the values: none before rank k is greater, none
// after it is less. It takes time in proportion to their number. Equal values are interchangeable: only zeros
// may differ, in their sign, and no comparison, distance or deviation shows that.
func nth(values []float64, k int) float64 {
	ranks := [1]int{k}
	place(values, ranks[:])
	return values[k]
}

// place does what nth does for some ranks at once, which rise.
func place(values []float64, ranks []int) {
	placeIn(values, 0, ranks, 2*bits.Len(uint(len(values))))
}

// placeIn places the ranks that lie in a part of the values, which begins at a rank.
func placeIn(values []float64, begin int, ranks []int, tries int) {
	const few = 12
	for len(ranks) > 0 {
		if len(values) <= few {
			sortFew(values)
			return
		}
		if tries--; tries < 0 { // the pivots were bad
			slices.Sort(values)
			return
		}
		pivot := middleOf(values[0], values[len(values)/2], values[len(values)-1])
		split := partition(values, pivot)
		equal := split == 0 // the pivot is the least value: those that equal it come first, and are in their places
		if equal {
			split = partitionEqual(values, pivot)
		}
		lower := 0
		for lower < len(ranks) && ranks[lower] < begin+split {
			lower++
		}
		if !equal { // the pivot is in the upper part, which is smaller now
			placeIn(values[:split], begin, ranks[:lower], tries)
		}
		values, begin, ranks = values[split:], begin+split, ranks[lower:]
	}
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
