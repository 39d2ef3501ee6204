package detection

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"slices"
)

// order is the points of a level, by their values. Of equal values, the first to arrive comes first, so it is also the first to be removed.
// Points leave the level in the order of arrival, so each of them has a number, one more than the one before it. The order has the numbers
// modulo 2 to the power of 8, 16 or 32: one byte each for 256 points and less. It does not depend on where the points lie in memory.
type order struct {
	numbers []byte // 1, 2 or 4 bytes each
	first   uint32 // the number of the oldest point
	wide    uint8  // the logarithm of how many bytes
}

// arrivals are the values of a level in the order of arrival, in a ring.
type arrivals struct {
	ring  []float64
	start int
}

// at is the value of the i-th point. It has no branch, because the processor could not guess it.
func (a arrivals) at(i int) float64 {
	i += a.start - len(a.ring)
	return a.ring[i+len(a.ring)&(i>>63)]
}

func (o *order) len() int { return len(o.numbers) >> (o.wide & 3) }

// at is which of the points has a rank, in the order of arrival.
func (o *order) at(rank int) int {
	switch o.wide {
	case 0:
		return int(o.numbers[rank] - byte(o.first))
	case 1:
		return int(binary.LittleEndian.Uint16(o.numbers[2*rank:]) - uint16(o.first))
	}
	return int(binary.LittleEndian.Uint32(o.numbers[4*rank:]) - o.first)
}

func (o *order) put(rank, i int) {
	number := o.first + uint32(i)
	switch o.wide {
	case 0:
		o.numbers[rank] = byte(number)
	case 1:
		binary.LittleEndian.PutUint16(o.numbers[2*rank:], uint16(number))
	default:
		binary.LittleEndian.PutUint32(o.numbers[4*rank:], number)
	}
}

// set sorts n points.
func (o *order) set(level arrivals, n int) {
	sorted := make([]int, n)
	for i := range sorted {
		sorted[i] = i
	}
	slices.SortStableFunc(sorted, func(a, b int) int { return cmp.Compare(level.at(a), level.at(b)) })
	o.wide = wideFor(n)
	if size := n << o.wide; size > cap(o.numbers) {
		o.numbers = make([]byte, size, roomFor(n)<<o.wide)
	} else {
		o.numbers = o.numbers[:size]
	}
	for rank, i := range sorted {
		o.put(rank, i)
	}
}

// wideFor is how wide the numbers of n points are.
func wideFor(n int) (wide uint8) {
	for wide < 2 && n > 1<<(8<<wide) {
		wide++
	}
	return wide
}

// roomFor is the capacity to grow to for n numbers.
func roomFor(n int) int { return n + n/8 + 7 }

// insert adds the last point behind those of equal values.
func (o *order) insert(level arrivals) {
	n := o.len()
	if o.wide < wideFor(n+1) {
		o.widen()
	}
	rank := o.search(level, n, level.at(n))
	size := (n + 1) << o.wide
	if size > cap(o.numbers) {
		o.numbers = append(make([]byte, 0, roomFor(n)<<o.wide), o.numbers...)
	}
	o.numbers = o.numbers[:size]
	copy(o.numbers[(rank+1)<<o.wide:], o.numbers[rank<<o.wide:])
	o.put(rank, n)
}

// search is how many of n values are at most a value. With numbers of one byte it reads every eighth value, and then the seven behind the last
// of these that is at most the value. Reads of a row do not wait for each other. There is no branch, because the values are in no order of
// time and the processor could not guess it.
func (o *order) search(level arrivals, n int, value float64) (rank int) {
	const row = 8
	if o.wide == 0 {
		numbers, first := o.numbers[:n], byte(o.first)
		for i := row - 1; i < n; i += row {
			rank += row * number(level.at(int(numbers[i]-first)) <= value)
		}
		for _, x := range numbers[rank:min(rank+row-1, n)] {
			rank += number(level.at(int(x-first)) <= value)
		}
		return rank
	}
	for left := uint(n); left > 0; left /= 2 {
		next := rank + int((left+1)/2)
		if level.at(o.at(next-1)) <= value {
			rank = next
		}
	}
	return rank
}

// widen makes room for more points than numbers can tell apart.
func (o *order) widen() {
	was, n := *o, o.len()
	o.wide++
	o.numbers = make([]byte, n<<o.wide, roomFor(n)<<o.wide)
	for rank := range n {
		o.put(rank, was.at(rank))
	}
}

// remove removes the oldest point, of some value. It is the first one of that value.
func (o *order) remove(level arrivals) {
	rank := 0
	if o.wide == 0 {
		rank = bytes.IndexByte(o.numbers, byte(o.first))
	} else {
		rank = o.search(level, o.len(), math.Nextafter(level.at(0), math.Inf(-1))) // behind all smaller values
	}
	copy(o.numbers[rank<<o.wide:], o.numbers[(rank+1)<<o.wide:])
	o.numbers = o.numbers[:len(o.numbers)-1<<o.wide]
	o.first++
}
