package detection

import (
	"fmt"
	"math"
	"slices"
)

// slots is the buffer of a ring: one allocation with a value and a time in each slot.
//
//	| value of slot 0 | ... | value of slot count-1 | parts of the times, 8 to 64 bits each |
//
// An entity's times mostly lie a constant step apart. So the time of the i-th held point is
//
//	first + step*(i+part)
//
// and only its part is stored. A gap raises the parts of all points after it, and a late record has a smaller
// part than its neighbours. All of that is arithmetic modulo 2^64, in which a part of 64 bits makes any time.
type slots struct {
	words []float64 // those of the times are bits, and no numbers
	scale
	count     uint32
	last, run uint32 // the last min(run, held) points of the ring have the part last, and if run is count or more, so have all slots
	log       uint8  // the logarithm of a part's bits: 3 to 6
}

type scale struct{ first, step uint64 } // Unix milliseconds, milliseconds

const narrow, wide = 3, 6 // of 8 and 64 bits

// newSlots makes at least a number of slots, as many as the allocator has room for in what it hands out.
func newSlots(atLeast int, log uint8) slots {
	bits := 1 << log
	words := slices.Grow([]float64(nil), atLeast+(atLeast*bits+63)/64)
	words = words[:cap(words)]
	return slots{words: words, scale: scale{step: 1}, count: uint32(len(words) * 64 / (64 + bits)), log: log}
}

// part is what is stored of the time in a slot.
func (s *slots) part(slot int) uint64 {
	word, shift := s.place(slot)
	return math.Float64bits(s.words[word]) >> (shift & 63) & s.most()
}

// place is where the part of a slot begins.
func (s *slots) place(slot int) (word, shift uint) {
	bit := uint(slot) << (s.log & 63)
	return uint(s.count) + bit/64, bit % 64
}

// most is the largest part.
func (s *slots) most() uint64 { return math.MaxUint64 >> (-s.bits() & 63) }

func (s *slots) bits() uint { return 1 << (s.log & 63) }

// time is that of the i-th held point, which is in a slot.
func (s *slots) time(i, slot int) int64 {
	return int64(s.first + s.step*(uint64(i)+s.part(slot)))
}

// put stores the time of the i-th held point, the last one, in a slot. It returns false if the time does not fit.
func (s *slots) put(i, slot int, at int64) bool {
	after, part := uint64(at)-s.first, uint64(s.last)
	if s.step*(uint64(i)+part) == after {
		if s.run++; s.run > s.count {
			return true // all slots have it already, and no cache line is read
		}
	} else {
		steps := quotient(after, s.step)
		part = steps - uint64(i)
		if steps*s.step != after || part > s.most() {
			return false
		}
		s.last = uint32(part)
		s.run = uint32(number(uint64(s.last) == part))
	}
	word, shift := s.place(slot)
	old := math.Float64bits(s.words[word])
	if now := old&^(s.most()<<shift) | part<<shift; now != old { // else the cache line stays clean
		s.words[word] = math.Float64frombits(now)
	}
	return true
}

// mustPut is put for a time for which there must be room.
func (s *slots) mustPut(i, slot int, at int64) {
	if !s.put(i, slot, at) {
		panic(fmt.Sprintf("there is no room for the time %d", at))
	}
}

// advance makes the time of the first held points that of what was the n-th one.
func (s *slots) advance(n uint64) { s.first += n * s.step }

// scaleOf finds how the parts of some times, of which there is at least one, take the fewest bits. It leaves
// room for other times, and more of it for later ones, because time goes on. No time may be negative.
func scaleOf(times []int64) (s scale, log uint8) {
	var step uint64
	for i := 1; i < len(times) && step != 1; i++ {
		if d := distance(times[i-1], times[i]); d != step { // most often they are the same, and a division is slow
			step = commonStep(step, d)
		}
	}
	step = max(step, 1)
	var low, high, part int64 // of the parts, if the first one is 0
	for i, at := range times {
		if step >= 1<<31 || distance(at, times[0]) >= 1<<62 { // beyond this, the arithmetic could overflow
			return scale{step: 1}, wide
		}
		if i > 0 && at-times[i-1] != int64(step) {
			part += (at-times[i-1])/int64(step) - 1
			low, high = min(low, part), max(high, part)
		}
	}
	spread := uint64(high) - uint64(low)
	for log = narrow; log < wide; log++ {
		if most := uint64(1)<<(1<<log) - 1; spread <= most/4*3 {
			lowest := uint64(low) - (most-spread)/4
			return scale{first: uint64(times[0]) + step*lowest, step: step}, log
		}
	}
	return scale{step: 1}, wide
}

func distance(a, b int64) uint64 { return uint64(max(a, b)) - uint64(min(a, b)) }

// quotient is a/b. Times that are on no grid have the step 1, and a division is slow.
func quotient(a, b uint64) uint64 {
	if b == 1 {
		return a
	}
	return a / b
}

// commonStep is the greatest common divisor.
func commonStep(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
