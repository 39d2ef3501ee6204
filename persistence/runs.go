package persistence

import (
	"encoding/binary"
	"iter"
	"slices"
)

// runs list the entities of a journal block, each once, in the order of their first points, with the numbers of their points. A
// stream sends its entities in nearly the same order each bin, and their ids are in that order. So they are runs of entities
// whose ids follow each other, and which have as many points as each other: three varints each.
//
//	| first id, as the difference from the one after the last run | number of entities | points of each | ...
//
// It stays in memory as long as the block is in the journal, which may be 400 points an entity.
type runs []byte

// newRuns makes runs, and uses room for it meanwhile. Counts are those of the ids.
func newRuns(room []byte, ids []uint32, counts []uint16) (made runs, used []byte) {
	used = room[:0]
	next := uint32(0)
	for len(ids) > 0 {
		run := 1
		for run < len(ids) && ids[run] == ids[0]+uint32(run) && counts[run] == counts[0] {
			run++
		}
		used = binary.AppendVarint(used, int64(ids[0])-int64(next))
		used = binary.AppendUvarint(used, uint64(run))
		used = binary.AppendUvarint(used, uint64(counts[0]))
		next = ids[0] + uint32(run)
		ids, counts = ids[run:], counts[run:]
	}
	return slices.Clone(used), used
}

// all yields the ids and the numbers of points.
func (x runs) all() iter.Seq2[uint32, uint32] {
	return func(yield func(uint32, uint32) bool) {
		next := int64(0)
		for len(x) > 0 {
			step, n := binary.Varint(x)
			run, m := binary.Uvarint(x[n:])
			count, k := binary.Uvarint(x[n+m:])
			x = x[n+m+k:]
			next += step
			for range run {
				if !yield(uint32(next), uint32(count)) {
					return
				}
				next++
			}
		}
	}
}
