package persistence

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
)

// ErrCorrupt is in an error if a stored value is not what was written. The windows
// that it belongs to must be rebuilt from the topic.
var ErrCorrupt = errors.New("stored state is corrupt")

// ErrNewer is in an error if a value has a later format version.
var ErrNewer = errors.New("stored state was written by a newer version of this program")

// Versions in front of values.
const (
	format    = 1
	sectioned = 2 // of a head that names sections; see sections.go
	filed     = 2 // of a block that is in a file; see files.go
	outlined  = 2 // of a chunk that has an outline; see outline.go
)

// Kinds of keys.
const (
	headKind    = 'h'
	entityKind  = 'e'
	chunkKind   = 'c'
	blockKind   = 'j'
	sectionKind = 's'
	stateKind   = 't'
)

// slotKinds are the kinds of keys that a slot has.
var slotKinds = []byte{entityKind, chunkKind, blockKind, sectionKind, stateKind}

var order = binary.BigEndian // in keys, so that they sort as the numbers do

func headKey(detector string, partition int32) []byte {
	key := append([]byte{headKind}, detector...)
	return order.AppendUint32(append(key, 0), uint32(partition))
}

// headOf is the opposite of headKey.
func headOf(key []byte) (detector string, partition int32, ok bool) {
	end := len(key) - 5
	if end < 1 || key[0] != headKind || key[end] != 0 {
		return "", 0, false
	}
	return string(key[1:end]), int32(order.Uint32(key[end+1:])), true
}

func slotPrefix(kind byte, slot uint32) []byte { return order.AppendUint32([]byte{kind}, slot) }

// aroundKey is how many bytes an entity's key in the store has beside the entity's key.
const aroundKey = 5

func entityKey(slot uint32, key string) []byte {
	return appendEntityKey(make([]byte, 0, aroundKey+min(len(key), longestKey)), slot, key)
}

func appendEntityKey(to []byte, slot uint32, key string) []byte {
	return append(order.AppendUint32(append(to, entityKind), slot), storedKey(key)...)
}

// longestKey is more than the keys of networks and places ever have; Badger takes
// no more than 65,000 bytes.
const longestKey = 1000

// storedKey is the key by which an entity is stored: a long one ends with a hash of
// the whole. That of a stored key is itself.
func storedKey(key string) string {
	if len(key) <= longestKey {
		return key
	}
	hash := sha256.Sum256([]byte(key))
	end := "#" + hex.EncodeToString(hash[:])
	return key[:longestKey-len(end)] + end
}

// appendOf appends what the keys of a kind that are of one entity begin with.
func appendOf(to []byte, kind byte, slot, id uint32) []byte {
	return order.AppendUint32(order.AppendUint32(append(to, kind), slot), id)
}

func chunkKey(slot, id, start uint32) []byte {
	return order.AppendUint32(appendOf(nil, chunkKind, slot, id), start)
}

func stateKey(slot, id uint32) []byte { return appendOf(nil, stateKind, slot, id) }

func blockKey(slot uint32, seq uint64) []byte {
	return order.AppendUint64(slotPrefix(blockKind, slot), seq)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal puts version and checksum in front of a body: the first five bytes of
// value are room for them.
func seal(value []byte) []byte { return sealAs(format, value) }

func sealAs(version byte, value []byte) []byte {
	value[0] = version
	binary.LittleEndian.PutUint32(value[1:], crc32.Checksum(value[5:], castagnoli))
	return value
}

// tied is set in the format of a value that is bound to its key.
const tied = 0x80

// bind has a sealed value's checksum cover its key, too, if it does not yet.
func bind(key, value []byte) {
	if value[0]&tied != 0 {
		return
	}
	value[0] |= tied
	binary.LittleEndian.PutUint32(value[1:], crc32.Update(binary.LittleEndian.Uint32(value[1:]), castagnoli, key))
}

// bound tells whether a value is what was written under this key. Values of older
// versions are not bound to a key: body checks them.
func bound(key, value []byte) bool {
	if len(value) < 5 || value[0]&tied == 0 || value[0]&^tied > sectioned {
		return true
	}
	sum := crc32.Update(crc32.Checksum(value[5:], castagnoli), castagnoli, key)
	return sum == binary.LittleEndian.Uint32(value[1:])
}

// room begins a value.
func room(size int) []byte { return make([]byte, 5, 5+size) }

// body checks a value and returns a reader of its body. If the value is bound to its
// key, bound checks the checksum.
func body(value []byte) (reader, error) {
	b, _, err := bodyUpTo(format, value)
	return b, err
}

// bodyUpTo is body for a value that may have any version up to one, which it returns.
func bodyUpTo(newest byte, value []byte) (b reader, version byte, err error) {
	if len(value) < 5 {
		return reader{}, 0, fmt.Errorf("%w: %d bytes are too few", ErrCorrupt, len(value))
	}
	version = value[0] &^ tied
	if version > newest {
		return reader{}, 0, fmt.Errorf("%w: format %d, this one knows up to %d", ErrNewer, version, newest)
	}
	if version < format || value[0]&tied == 0 && crc32.Checksum(value[5:], castagnoli) != binary.LittleEndian.Uint32(value[1:]) {
		return reader{}, 0, fmt.Errorf("%w: the checksum is wrong", ErrCorrupt)
	}
	return reader{rest: value[5:]}, version, nil
}

// reader takes a body apart. After a failure it returns only zeros.
type reader struct {
	rest   []byte
	failed bool
}

func (r *reader) fail() { r.rest, r.failed = nil, true }

func (r *reader) uvarint() uint64 {
	x, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return x
}

func (r *reader) varint() int64 {
	x, n := binary.Varint(r.rest)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return x
}

func (r *reader) float() float64 {
	if len(r.rest) < 8 {
		r.fail()
		return 0
	}
	x := math.Float64frombits(binary.LittleEndian.Uint64(r.rest))
	r.rest = r.rest[8:]
	return x
}

func (r *reader) text() string { return string(r.bytes()) }

// bytes reads a part of the body that begins with its length.
func (r *reader) bytes() []byte {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.fail()
		return nil
	}
	bytes := r.rest[:n]
	r.rest = r.rest[n:]
	return bytes
}

// count reads how many items follow. Each has at least size bytes.
func (r *reader) count(size int) int {
	n := r.uvarint()
	if n > uint64(len(r.rest)/size) {
		r.fail()
		return 0
	}
	return int(n)
}

// end tells whether all was as it should be, and nothing is left.
func (r *reader) end(what string) error {
	if r.failed || len(r.rest) > 0 {
		return fmt.Errorf("%w: the %s does not end where it should", ErrCorrupt, what)
	}
	return nil
}

func appendFloat(b []byte, x float64) []byte {
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
}

func (r *reader) uint32() uint32 {
	x := r.uvarint()
	if x > math.MaxUint32 {
		r.fail()
	}
	return uint32(x)
}

func encodeID(id uint32) []byte { return appendID(make([]byte, 0, largestID), id) }

// largestID is how many bytes appendID appends at most.
const largestID = 5 + binary.MaxVarintLen32

func appendID(to []byte, id uint32) []byte {
	start := len(to)
	to = binary.AppendUvarint(append(to, make([]byte, 5)...), uint64(id))
	seal(to[start:])
	return to
}

func decodeID(value []byte) (uint32, error) {
	b, err := body(value)
	if err != nil {
		return 0, err
	}
	id := b.uint32()
	return id, b.end("entity")
}

// Point is a value of an entity at a time, in Unix milliseconds.
type Point struct {
	At    int64
	Value float64
}

// chunk is a run of an entity's points, in the order of their arrival.
type chunk struct {
	through uint64 // what the journal holds of the entity up to this block is in this chunk or before it
	outline []byte // of the window that ends with this chunk; empty: there is none
	newest  int64  // the greatest time
	count   uint32 // of its points
	points  []Point
}

func encodeChunk(through uint64, points []Point, outline []byte) []byte {
	b := binary.AppendUvarint(room(24+10*len(points)+binary.MaxVarintLen32+len(outline)), through)
	if len(outline) == 0 {
		return seal(appendPoints(b, points))
	}
	b = append(binary.AppendUvarint(b, uint64(len(outline))), outline...)
	return sealAs(outlined, appendPoints(b, points))
}

// appendPoints: times as the change of their difference, which is 0 in a regular
// stream.
func appendPoints(b []byte, points []Point) []byte {
	newest := int64(math.MinInt64)
	for _, p := range points {
		newest = max(newest, p.At)
	}
	b = binary.AppendVarint(b, newest)
	b = binary.AppendUvarint(b, uint64(len(points)))
	at, step := newest, int64(0)
	for _, p := range points {
		b = binary.AppendVarint(b, p.At-at-step)
		step, at = p.At-at, p.At
		b = appendFloat(b, p.Value)
	}
	return b
}

// newestOfChunk reads no points.
func newestOfChunk(value []byte) (int64, error) {
	c, _, err := beginChunk(value)
	return c.newest, err
}

// beginChunk reads what comes before the points. The outline is a part of the value.
func beginChunk(value []byte) (c chunk, points reader, err error) {
	b, version, err := bodyUpTo(outlined, value)
	if err != nil {
		return c, b, err
	}
	c.through = b.uvarint()
	if version == outlined {
		if c.outline = b.bytes(); len(c.outline) == 0 {
			b.fail()
		}
	}
	c.newest = b.varint()
	c.count = uint32(b.count(9))
	if b.failed {
		return chunk{}, b, b.end("chunk")
	}
	return c, b, nil
}

// decodeChunk reads a chunk, and appends its points to those given.
func decodeChunk(value []byte, to []Point) (c chunk, err error) {
	c, b, err := beginChunk(value)
	if err != nil {
		return c, err
	}
	c.points = slices.Grow(to, int(c.count))
	at, step := c.newest, int64(0)
	for range c.count {
		if len(b.rest) > 0 && b.rest[0] == 0 { // most often the step does not change
			b.rest = b.rest[1:]
		} else {
			step += b.varint()
		}
		at += step
		c.points = append(c.points, Point{at, b.float()})
	}
	return c, b.end("chunk")
}

// appendBlock appends committed points as they came.
func appendBlock(to []byte, entries []entry) []byte {
	start := len(to)
	b := append(to, make([]byte, 5)...)
	b = binary.AppendUvarint(b, uint64(len(entries)))
	var id, at int64
	for _, e := range entries {
		b = binary.AppendVarint(b, int64(e.id)-id)
		b = binary.AppendVarint(b, e.At-at)
		id, at = int64(e.id), e.At
		b = appendFloat(b, e.Value)
	}
	seal(b[start:])
	return b
}

// eachOfBlock calls each with the points of a block, in order.
func eachOfBlock(value []byte, each func(id uint32, p Point)) error {
	b, err := body(value)
	if err != nil {
		return err
	}
	var id, at int64
	for range b.count(10) {
		id += b.varint()
		at += b.varint()
		value := b.float()
		if b.failed || id < 0 || id > math.MaxUint32 {
			return fmt.Errorf("%w: a journal block has an impossible point", ErrCorrupt)
		}
		each(uint32(id), Point{at, value})
	}
	return b.end("journal block")
}
