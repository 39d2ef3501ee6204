package tail

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Vector is how far a topic has been read: the next offset of each partition.
type Vector map[int32]int64

const (
	mostPartitions = 100_000
	longestVector  = 1 << 20 // the most bytes of its text
)

// String prints a vector such as "0:17,3:204", in the order of the partitions.
func (v Vector) String() string {
	var text []byte
	for _, partition := range slices.Sorted(maps.Keys(v)) {
		if len(text) > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, int64(partition), 10)
		text = append(text, ':')
		text = strconv.AppendInt(text, v[partition], 10)
	}
	return string(text)
}

// ParseVector is the inverse of String. It accepts nothing else: partitions must rise, numbers must be plain
// decimals. An error wraps ErrCursor.
func ParseVector(text string) (Vector, error) {
	v := make(Vector)
	if text == "" {
		return v, nil
	}
	if len(text) > longestVector {
		return nil, fmt.Errorf("%w: it has %d bytes", ErrCursor, len(text))
	}
	last := int64(-1)
	for part := range strings.SplitSeq(text, ",") {
		left, right, _ := strings.Cut(part, ":")
		partition, err := plain(left, mostPartitions)
		offset, err2 := plain(right, 1<<62)
		if err = cmp.Or(err, err2); err != nil {
			return nil, fmt.Errorf("%w: %.40q: %w", ErrCursor, part, err)
		}
		if partition <= last {
			return nil, fmt.Errorf("%w: partition %d is out of order", ErrCursor, partition)
		}
		last = partition
		v[int32(partition)] = offset
	}
	return v, nil
}

var errPlain = errors.New("expected partition:offset, plain decimals")

// plain reads a decimal below most, without a sign or leading zeros.
func plain(text string, most int64) (int64, error) {
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil || int64(n) >= most || len(text) > 1 && text[0] == '0' || text[0] == '+' {
		return 0, errPlain
	}
	return int64(n), nil
}

// Clone is a copy.
func (v Vector) Clone() Vector { return maps.Clone(v) }

// Raise takes the larger of both offsets for each partition.
func (v Vector) Raise(other Vector) {
	for partition, offset := range other {
		if before, known := v[partition]; !known || offset > before {
			v[partition] = offset
		}
	}
}
