package datapoint

import (
	"encoding/binary"
	"unicode/utf8"
)

// maxDepth is how many lists and maps may lie within each other, counting the record's own map, but not empty
// ones. It limits the memory that a hostile record can claim. Python's msgpack reads 1024, of which an
// anomaly uses one more than its datapoint. Half of that leaves room for other readers, such as Python's
// msgpack without C, which reads about 990.
const maxDepth = 512

// msgp.Skip walks too, but it is recursive, up to 100,000 calls deep, and that limit cannot be lowered.

// skip returns the offset just after the value that starts at the offset at, with everything nested in it.
// depth is how many lists and maps the value lies in. skip takes time in proportion to the bytes that it
// passes, whatever sizes they claim, because each value is at least one byte.
func (s *Scanner) skip(payload []byte, at, depth int) (int, Reason) {
	outside := depth
	in := nest{left: 1}
	for {
		end, children, reason := one(payload, at, in.isMap && in.left%2 == 0)
		if reason != fine {
			return 0, reason
		}
		lead := payload[at]
		at = end
		in.left--
		if children > 0 {
			if depth == maxDepth {
				return 0, NotMsgpack
			}
			s.nests[depth] = in
			depth++
			in = nest{left: children, isMap: beginsMap(lead)}
		}
		for in.left == 0 {
			if depth == outside {
				return at, fine
			}
			depth--
			in = s.nests[depth]
		}
	}
}

// nest is a list or map that the walk is in.
type nest struct {
	left  uint64 // values still to pass. A map has names and values in turn, so a name is next if left is even
	isMap bool
}

func beginsMap(lead byte) bool { return lead&0xf0 == 0x80 || lead == 0xde || lead == 0xdf }

// one checks the value that starts at the offset at, but not its children, and
// returns the offset just after it.
func one(payload []byte, at int, isName bool) (end int, children uint64, reason Reason) {
	size, children := header(payload[at:])
	switch {
	case size == 0:
		return 0, 0, NotMsgpack
	case size > uint64(len(payload)-at):
		return 0, 0, Truncated
	}
	value := payload[at : at+int(size)]
	switch kind := kinds[value[0]]; {
	case isName && kind != str && kind != bin:
		return 0, 0, NameNotString
	case kind == str && !isUTF8(value[contentStarts(value[0]):]):
		return 0, 0, NotUTF8
	case kind == ext:
		if reason := checkExt(value[contentStarts(value[0])-1:]); reason != fine {
			return 0, 0, reason
		}
	}
	return at + int(size), children, fine
}

// isUTF8 is utf8.Valid, but faster for short ASCII, which nearly all strs are.
func isUTF8(text []byte) bool {
	for i, c := range text {
		if c >= utf8.RuneSelf {
			return utf8.Valid(text[i:])
		}
	}
	return true
}

// endsInASCII says whether the last bytes before end are ASCII. It looks at 8 bytes at once: if more are asked for,
// or if fewer lie before end, it says no.
func endsInASCII(payload []byte, end int, bytes uint8) bool {
	const highBits = 0x8080808080808080
	return bytes <= 8 && end >= 8 && binary.LittleEndian.Uint64(payload[end-8:end])>>(64-8*bytes)&highBits == 0
}

const secondInNanoseconds = 1_000_000_000

// checkExt checks an ext's type, and the bytes after it if it is a timestamp:
//
//	4 bytes   seconds
//	8 bytes   nanoseconds in the upper 30 bits, seconds in the lower 34
//	12 bytes  nanoseconds in 4, seconds in 8
func checkExt(typed []byte) Reason {
	data := typed[1:]
	switch kind := int8(typed[0]); {
	case kind >= 0,
		kind == timestampExt && len(data) == 4,
		kind == timestampExt && len(data) == 8 && binary.BigEndian.Uint64(data)>>34 < secondInNanoseconds,
		kind == timestampExt && len(data) == 12 && binary.BigEndian.Uint32(data) < secondInNanoseconds:
		return fine
	case kind == timestampExt:
		return InvalidTime
	}
	return ReservedExt
}

const timestampExt = -1

// header reads the beginning of a value. size is its size in bytes without its children. children is how many
// values follow as its children: a list's items, or a map's names and values in turn. The size is 0 for the
// one byte that begins nothing, and more than len(b) if b is too short, even if it is too short to tell the
// size.
//
//	00-7f    int            80-8f  map of 0-15 entries   90-9f  list of 0-15
//	a0-bf    str of 0-31    c0-df  see layouts           e0-ff  int
func header(b []byte) (size, children uint64) {
	if len(b) == 0 {
		return 1, 0
	}
	lead := b[0]
	switch {
	case lead < 0x80 || lead >= 0xe0:
		return 1, 0
	case lead < 0x90:
		return 1, 2 * uint64(lead&0x0f)
	case lead < 0xa0:
		return 1, uint64(lead & 0x0f)
	case lead < 0xc0:
		return 1 + uint64(lead&0x1f), 0
	}
	l := layouts[lead-0xc0]
	size = uint64(l.fixed)
	if l.width == 0 || uint64(len(b)) < size {
		return size, 0
	}
	var count uint64
	switch l.width {
	case 1:
		count = uint64(b[1])
	case 2:
		count = uint64(binary.BigEndian.Uint16(b[1:]))
	case 4:
		count = uint64(binary.BigEndian.Uint32(b[1:]))
	}
	if l.perItem == 0 {
		return size + count, 0
	}
	return size, count * uint64(l.perItem)
}

// layouts says how the values with the leading bytes c0-df begin:
//
//	+------+----------------+-----------------+
//	| lead | count of width | count bytes, or |
//	|      | bytes, if any  | perItem values  |
//	+------+----------------+ of a list, map  |
//	|<------- fixed ------->|                 |
//
// Values of one size have no count, and their bytes are part of fixed. The type of an ext is part of fixed,
// too.
var layouts = [32]struct{ fixed, width, perItem uint8 }{
	{1, 0, 0},  // c0 nil
	{0, 0, 0},  // c1 begins nothing
	{1, 0, 0},  // c2 false
	{1, 0, 0},  // c3 true
	{2, 1, 0},  // c4 bin 8
	{3, 2, 0},  // c5 bin 16
	{5, 4, 0},  // c6 bin 32
	{3, 1, 0},  // c7 ext 8
	{4, 2, 0},  // c8 ext 16
	{6, 4, 0},  // c9 ext 32
	{5, 0, 0},  // ca float 32
	{9, 0, 0},  // cb float 64
	{2, 0, 0},  // cc uint 8
	{3, 0, 0},  // cd uint 16
	{5, 0, 0},  // ce uint 32
	{9, 0, 0},  // cf uint 64
	{2, 0, 0},  // d0 int 8
	{3, 0, 0},  // d1 int 16
	{5, 0, 0},  // d2 int 32
	{9, 0, 0},  // d3 int 64
	{3, 0, 0},  // d4 fixext 1
	{4, 0, 0},  // d5 fixext 2
	{6, 0, 0},  // d6 fixext 4
	{10, 0, 0}, // d7 fixext 8
	{18, 0, 0}, // d8 fixext 16
	{2, 1, 0},  // d9 str 8
	{3, 2, 0},  // da str 16
	{5, 4, 0},  // db str 32
	{3, 2, 1},  // dc list 16
	{5, 4, 1},  // dd list 32
	{3, 2, 2},  // de map 16
	{5, 4, 2},  // df map 32
}

// kind distinguishes the values whose contents are checked.
type kind uint8

const (
	plain kind = iota // any bytes will do, or its children are checked one by one
	str
	bin
	ext
)

var kinds = func() (kinds [256]kind) {
	for lead := range kinds {
		switch {
		case lead >= 0xa0 && lead < 0xc0, lead >= 0xd9 && lead <= 0xdb:
			kinds[lead] = str
		case lead >= 0xc4 && lead <= 0xc6:
			kinds[lead] = bin
		case lead >= 0xc7 && lead <= 0xc9, lead >= 0xd4 && lead <= 0xd8:
			kinds[lead] = ext
		}
	}
	return kinds
}()

// contentStarts is the offset of the bytes of a str, bin or ext; those of an ext come after its type.
func contentStarts(lead byte) int {
	switch {
	case lead < 0xc0:
		return 1
	case lead >= 0xd4 && lead <= 0xd8:
		return 2
	}
	return int(layouts[lead-0xc0].fixed)
}

// scalarSizes are the sizes of the values whose contents need no check, by their leading byte: values of one
// size that have no children, no count and no ext type. It is 0 for all others.
var scalarSizes = func() (sizes [256]uint8) {
	for lead := range sizes {
		switch {
		case lead < 0x80 || lead >= 0xe0:
			sizes[lead] = 1
		case lead >= 0xc0 && kinds[lead] == plain:
			if l := layouts[lead-0xc0]; l.width == 0 {
				sizes[lead] = l.fixed
			}
		}
	}
	return sizes
}()
