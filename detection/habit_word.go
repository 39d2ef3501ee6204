package detection

import (
	"encoding/binary"
	"math"
)

// word is a number in 48 bits: the upper three quarters of a float64, or a whole number of at most mostWhole. A float64 is rounded to the nearest one, by
// at most 2^-37 of itself (7.3e-12), and no finite number becomes infinite. What a state has in words is the same in memory and in the store.
type word [6]byte

const mostWhole = 1<<48 - 1

func (w *word) bits() uint64 {
	return uint64(binary.LittleEndian.Uint32(w[:])) | uint64(binary.LittleEndian.Uint16(w[4:]))<<32
}

func (w *word) setBits(bits uint64) {
	binary.LittleEndian.PutUint32(w[:], uint32(bits))
	binary.LittleEndian.PutUint16(w[4:], uint16(bits>>32))
}

func (w *word) float() float64 { return math.Float64frombits(w.bits() << 16) }
func (w *word) whole() int64   { return int64(w.bits()) }

// floatWord is the word nearest to a number. Of two equally near, it is the even one.
func floatWord(x float64) (w word) {
	const infinite = 0x7ff << 52 // the bits of the exponent
	bits := math.Float64bits(x)
	rounded := bits + (1<<15 - 1) + bits>>16&1
	if rounded&infinite == infinite {
		rounded = bits // near the largest number, or not finite before
	}
	w.setBits(rounded >> 16)
	return w
}

// wholeWord is the word of a number that is not negative. In place of a larger one it has mostWhole.
func wholeWord(x int64) (w word) {
	w.setBits(uint64(min(x, mostWhole)))
	return w
}
