package persistence

import (
	"fmt"

	"github.com/dgraph-io/badger/v4"
)

// The owner may know an outline of an entity's window: a few bytes by which it decides about most later points. They mean nothing to this
// package. A chunk may have the outline of the window that ends with the chunk's last point. LoadOutline gives that of an entity's last chunk, and only the
// points that came after it:
//
//	chunk 0         chunk 96         chunk 192                  block 17   block 18
//	[ p0 ... p95]   [p96 ... p191]   [p192 ... p280 | outline]  p281       p282        up to the head's offset
//	                                  given: the outline,       p281, p282
//
// With more later points than outlineReach it gives all points: the owner would hardly decide about them by the outline. A chunk of fewer points than
// outlineFrom has none, so that an entity that is evicted after each point does not write one each time. Nor has any while the owner is behind its
// stream: then checkpoints write as little as they can.
//
//	chunk with an outline    format 2: through | outline, after its length | the points as in format 1
//
// A head that is stored together with an outline, or later, names the section outlines. A version that does not know it refuses the directory.
const (
	outlineFrom  = 16
	outlineReach = 32
)

// OutlineOf appends the outline of a cached entity's window, as it is now, or nothing if there is none. There must be none if another point of the
// window is newer than its last one.
type OutlineOf func(e *Entity, to []byte) (outline []byte)

// outlines tells whether the plan may write outlines: the head that is stored with them, or before them, has to say so.
func (plan *Plan) outlines() bool {
	return !plan.behind && !plan.stateful && (plan.next != nil || plan.owner.stored.outlines)
}

// gathered are the stored chunks of an entity, in order. They are copies: a value of the database goes when the next one is read, and nobody knows before
// which chunk is the last.
type gathered struct {
	starts []uint32
	ends   []int // of each value, in bytes
	bytes  []byte
	key    []byte // for reuse
}

// gather reads the chunks of an entity.
func (v *view) gather(slot, id uint32) (*gathered, error) {
	c := &v.gathered
	c.starts, c.ends, c.bytes = c.starts[:0], c.ends[:0], c.bytes[:0]
	return c, v.chunks.eachOf(slot, id, func(item *badger.Item) error {
		key := item.Key()
		if len(key) != 13 {
			return fmt.Errorf("%w: a chunk has the key %x", ErrCorrupt, key)
		}
		c.starts = append(c.starts, order.Uint32(key[9:]))
		return rawValueOf(item, func(value []byte) error {
			c.bytes = append(c.bytes, value...)
			c.ends = append(c.ends, len(c.bytes))
			return nil
		})
	})
}

// format is that of the i-th chunk.
func (c *gathered) format(i int) byte {
	begin, end := c.span(i)
	if begin == end {
		return 0
	}
	return c.bytes[begin] &^ tied
}

func (c *gathered) span(i int) (begin, end int) {
	if i > 0 {
		begin = c.ends[i-1]
	}
	return begin, c.ends[i]
}

// value is the i-th chunk, if it is the one that was put under its key.
func (c *gathered) value(slot, id uint32, i int) ([]byte, error) {
	begin, end := c.span(i)
	value := c.bytes[begin:end]
	c.key = order.AppendUint32(appendOf(c.key[:0], chunkKind, slot, id), c.starts[i])
	if !bound(c.key, value) {
		return nil, errForeign
	}
	return value, nil
}
