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

// Vector is how far the output topic has been read: for each partition the next offset.
type Vector map[int32]int64

const (
	mostPartitions = 100_000
	longestVector  = 1 << 20 // bytes of its text
)

// String is such as "0:17,3:204", in the order of the partitions. ParseVector reads it.
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

// ParseVector reads what String wrote, and nothing else: partitions rise, numbers are plain decimals.
// An error wraps ErrCursor.
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

// plain reads a decimal below most, without a sign and leading zeros.
func plain(text string, most int64) (int64, error) {
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil || int64(n) >= most || len(text) > 1 && text[0] == '0' || text[0] == '+' {
		return 0, errPlain
	}
	return int64(n), nil
}

// Clone is a copy.
func (v Vector) Clone() Vector { return maps.Clone(v) }

// raise takes the larger offset of each partition.
func (v Vector) raise(other Vector) {
	for partition, offset := range other {
		if offset > v[partition] {
			v[partition] = offset
		} else if _, known := v[partition]; !known {
			v[partition] = offset
		}
	}
}
