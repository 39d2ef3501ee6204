package detection

import "math"

// middles returns the one or two numbers in the middle of some, which it puts in another order. It sorts as few of them as it can: the
// smallest and the largest of those that it has looked at are in the middle of all only if about as many are still to come.
//
// Numbers in no order make the processor guess half of the comparisons wrong. Those of whole numbers need no branch.
func middles(numbers []int64) (low, high int64) {
	first, end := 0, 0 // of those that may be in the middle, sorted
	for i, x := range numbers {
		for j, y := range numbers[first:end] {
			numbers[first+j], x = min(x, y), max(x, y)
		}
		numbers[end] = x
		end++
		if left := len(numbers) - 1 - i; end-first >= left+3 {
			first, end = first+1, end-1
		}
	}
	return numbers[first], numbers[end-1]
}

// middleOf15 is the middle one of as many numbers as a season usually has. It sorts three rows of five, and then the columns, which leaves
// the rows sorted. A number that is at least as large as eight others, or at most as large, need not be looked at any more: these are the
// dots. No step depends on how the numbers compare, so the processor has nothing to guess.
//
//	.  .  .  a  b
//	.  c  d  e  .
//	f  g  .  .  .
func middleOf15(x *[3 * profileDays]float64) float64 {
	p1, p2, p3, p4, p5 := sorted5(x[0], x[1], x[2], x[3], x[4])
	q1, q2, q3, q4, q5 := sorted5(x[5], x[6], x[7], x[8], x[9])
	r1, r2, r3, r4, r5 := sorted5(x[10], x[11], x[12], x[13], x[14])
	_, _, f := sorted3(p1, q1, r1)
	_, c, g := sorted3(p2, q2, r2)
	_, d, _ := sorted3(p3, q3, r3)
	a, e, _ := sorted3(p4, q4, r4)
	b, _, _ := sorted3(p5, q5, r5)
	// If d is the middle one, c and two of a, b, f and g are before it. The second and the third of these four say which way to go:
	s, t := sorted2(max(a, f), min(b, g))
	return unsorted(max(min(s, e), min(d, max(t, c))))
}

func sorted2(a, b int64) (int64, int64) { return min(a, b), max(a, b) }

func sorted3(a, b, c int64) (int64, int64, int64) {
	a, b = sorted2(a, b)
	b, c = sorted2(b, c)
	a, b = sorted2(a, b)
	return a, b, c
}

// sorted5 sorts numbers, as whole ones.
func sorted5(v, w, x, y, z float64) (int64, int64, int64, int64, int64) {
	a, b, c, d, e := sortable(v), sortable(w), sortable(x), sortable(y), sortable(z)
	a, d = sorted2(a, d)
	b, e = sorted2(b, e)
	a, c = sorted2(a, c)
	b, d = sorted2(b, d)
	a, b = sorted2(a, b)
	c, e = sorted2(c, e)
	b, c = sorted2(b, c)
	d, e = sorted2(d, e)
	c, d = sorted2(c, d)
	return a, b, c, d, e
}

// sortable is a whole number for each float64 that is no NaN, in their order.
func sortable(x float64) int64 { return flipped(int64(math.Float64bits(x))) }

func unsorted(x int64) float64 { return math.Float64frombits(uint64(flipped(x))) }

// flipped turns the order of negative numbers around.
func flipped(x int64) int64 { return x ^ x>>63&math.MaxInt64 }
