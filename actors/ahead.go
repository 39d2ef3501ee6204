package actors

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/datapoint"
	"anomalydetector/prefetch"
)

// How many records ahead a partition looks. Memory comes after the time in which some records are scored; see
// docs/adr/0049-memory-is-prefetched.md.
const (
	pointsAhead   = 8  // the points of their entities are prefetched
	entitiesAhead = 12 // what their entities keep elsewhere is prefetched, if that was not yet done
	recordsAhead  = 16 // they are decoded, and their entities are found
	ringSize      = recordsAhead + 1
)

// ahead is what a partition knows of records before it scores them. With some thousand entities in all partitions, hardly anything that scoring needs is in the
// processor's nearest caches, and the partition would wait for each part of it in turn. So it prefetches them, and scores other records meanwhile:
//
//	record i        is scored
//	record i + 8    the points of its entity are prefetched
//	record i + 12   what its entity keeps elsewhere is prefetched, if that was not yet done
//	record i + 16   is decoded, and its entity is found. If it came next in the bin before, too, its memory was read to find it, and
//	                what it keeps elsewhere is prefetched. If not, its own memory is prefetched
//	record i + 17   the key of its entity is prefetched, if the entities come in the order of the bin before
//	record i + 18   in the same case, the entity's own memory
//
// The memory of an entity tells where its points are, so it comes first.
type ahead [ringSize]sight

// sight is what is known of a record before it is scored.
type sight struct {
	point  datapoint.Point
	key    []byte               // the memory of the point's key
	bad    *datapoint.BadRecord // nil: the point is good
	entity *child               // nil: none is cached yet
	later  bool                 // what the entity keeps elsewhere is not prefetched yet
}

// look returns what is known of a record. It is called for each record, from the first one on. It changes no window and counts nothing.
func (p *partition) look(records []*kgo.Record, i int) *sight {
	if i == 0 {
		for before := -recordsAhead; before < 0; before++ {
			p.lookFrom(records, before)
		}
	}
	p.lookFrom(records, i)
	return &p.ahead[i%ringSize]
}

// lookFrom does what there is to do for the records after one that is scored. If it is negative, it is as many records before the first one.
func (p *partition) lookFrom(records []*kgo.Record, i int) {
	if j := i + recordsAhead; j < len(records) {
		p.decode(records[j], j)
	}
	if j := i + entitiesAhead; 0 <= j && j < len(records) {
		p.ahead[j%ringSize].prefetch()
	}
	if j := i + pointsAhead; 0 <= j && j < len(records) {
		p.prefetchPoints(records[j], j)
	}
}

// decode decodes a record, and finds its entity.
func (p *partition) decode(record *kgo.Record, i int) {
	s := &p.ahead[i%ringSize]
	s.entity, s.bad, s.later = nil, nil, false
	if record.Attrs.IsControl() {
		return
	}
	p.seen.Record = record
	if s.point, s.bad = p.scanner.Scan(record.Timestamp.UnixMilli(), record.Value); s.bad != nil {
		return
	}
	s.key = append(s.key[:0], s.point.Key...) // the scanner overwrites its own
	s.point.Key = s.key
	before := p.entities.order
	if s.entity = p.entities.find(s.key); s.entity == nil {
		return
	}
	if s.later = p.entities.order == before; s.later {
		prefetch.Memory(s.entity) // it was not read to find it
		return
	}
	s.entity.prefetch()
	if next := s.entity.next; next != nil { // it is likely that of the next record, as this one was
		prefetch.Text(next.actor.key)
		prefetch.Memory(next.next)
	}
}

// prefetchPoints prefetches what a record's point needs of its entity, which decode has prefetched.
func (p *partition) prefetchPoints(record *kgo.Record, i int) {
	if e := p.ahead[i%ringSize].entity; e != nil {
		p.seen.Record = record
		e.actor.prefetchPoints(record.Timestamp.UnixMilli())
	}
}

// prefetch prefetches what the entity keeps elsewhere, if decode could not.
func (s *sight) prefetch() {
	if s.later {
		s.entity.prefetch()
	}
}

// prefetch prefetches what the entity keeps beside its points, elsewhere than in its own memory.
func (c *child) prefetch() {
	if c.stored != nil {
		c.stored.Prefetch()
	}
	if c.actor.habit != nil {
		c.actor.habit.Prefetch()
	}
}

// prefetchPoints prefetches what a point of a time needs.
func (e *entity) prefetchPoints(at int64) {
	if e.habit != nil {
		e.habit.PrefetchPoints(at)
	} else {
		e.window.PrefetchPoints()
	}
}
