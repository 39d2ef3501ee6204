package datapoint

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"

	"github.com/tinylib/msgp/msgp"
)

const msgpackFloat64 = 0xcb

// number reads the int or float at the start of b. An int beyond 2^53 is
// rounded to the nearest float64, half to even, as Python's float does.
func number(b []byte) (value float64, ok bool) {
	if len(b) >= 9 && b[0] == msgpackFloat64 { // nearly all values are
		return math.Float64frombits(binary.BigEndian.Uint64(b[1:])), true
	}
	switch msgp.NextType(b) {
	case msgp.Float64Type:
		value, _, _ = msgp.ReadFloat64Bytes(b)
	case msgp.Float32Type:
		narrow, _, _ := msgp.ReadFloat32Bytes(b)
		value = float64(narrow)
	case msgp.IntType:
		signed, _, _ := msgp.ReadInt64Bytes(b)
		value = float64(signed)
	case msgp.UintType:
		unsigned, _, _ := msgp.ReadUint64Bytes(b)
		value = float64(unsigned)
	default:
		return 0, false
	}
	return value, true
}

// appendScalar appends the str, int or float at the start of b as Python's str
// writes it.
func appendScalar(dst, b []byte) (text []byte, ok bool) {
	if lead := b[0]; lead >= 0xa0 && lead < 0xc0 { // a short str, as nearly all keys are
		return append(dst, b[1:1+lead&0x1f]...), true
	}
	switch msgp.NextType(b) {
	case msgp.StrType:
		str, _, _ := msgp.ReadStringZC(b)
		dst = append(dst, str...)
	case msgp.IntType:
		signed, _, _ := msgp.ReadInt64Bytes(b)
		dst = strconv.AppendInt(dst, signed, 10)
	case msgp.UintType:
		unsigned, _, _ := msgp.ReadUint64Bytes(b)
		dst = strconv.AppendUint(dst, unsigned, 10)
	case msgp.Float64Type, msgp.Float32Type:
		float, _ := number(b)
		dst = appendFloat(dst, float)
	default:
		return dst, false
	}
	return dst, true
}

// appendFloat appends f as Python's str(float) writes it: the fewest digits
// that read back as f, with an exponent below 1e-4 and from 1e16 on, and
// otherwise with at least one digit after the point.
func appendFloat(dst []byte, f float64) []byte {
	switch magnitude := math.Abs(f); {
	case math.IsNaN(f):
		return append(dst, "nan"...)
	case math.IsInf(f, 1):
		return append(dst, "inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-inf"...)
	case magnitude >= 1e16 || magnitude < 1e-4 && magnitude != 0:
		return strconv.AppendFloat(dst, f, 'e', -1, 64)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	if bytes.IndexByte(dst[start:], '.') < 0 {
		dst = append(dst, ".0"...)
	}
	return dst
}
