package actors

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/datapoint"
	"anomalydetector/prefetch"
)

// How many records ahead a partition looks. Memory comes after the time in which some records are scored; see
// docs/adr/0049-memory-is-prefetched.md.
const (
	pointsAhead   = 16 // the points of their entities are prefetched
	entitiesAhead = 32 // they are decoded, and their entities are found and prefetched
	ringSize      = entitiesAhead + 1
)

// A partition with fewer entities than fewEntities prefetches nothing: most of their memory is in the processor's caches. This was measured when
// memory was read ahead; see docs/adr/0040-records-are-looked-at-in-groups.md.
const fewEntities = 4096

// ahead is what a partition knows of records before it scores them. With many entities, nothing that scoring needs is in the processor's caches,
// and the partition would wait for each part of it in turn. So it prefetches them, and scores other records meanwhile:
//
//	record i        is scored
//	record i + 16   the points of its entity are prefetched
//	record i + 32   is decoded, and its entity is found and prefetched
//	record i + 33   the key of its entity is prefetched, if the entities come in the order of the bin before
//	record i + 34   in the same case, what a partition knows of its entity
//
// The memory of an entity tells where its points are, so it comes first.
type ahead [ringSize]sight

// sight is what is known of a record before it is scored.
type sight struct {
	point  datapoint.Point
	key    []byte               // the memory of the point's key
	bad    *datapoint.BadRecord // nil: the point is good
	entity *child               // nil: none is cached yet
}

// look returns what is known of a record. It is called for each record, from the first one on. It changes no window and counts nothing.
func (p *partition) look(records []*kgo.Record, i int) *sight {
	many := len(p.entities.byKey) >= fewEntities
	if i == 0 {
		for j := range min(entitiesAhead, len(records)) {
			p.decode(records[j], j, many)
		}
		for j := range min(pointsAhead, len(records)) {
			p.prefetchPoints(records[j], j, many)
		}
	}
	if j := i + entitiesAhead; j < len(records) {
		p.decode(records[j], j, many)
	}
	if j := i + pointsAhead; j < len(records) {
		p.prefetchPoints(records[j], j, many)
	}
	return &p.ahead[i%ringSize]
}

// decode decodes a record, and finds its entity.
func (p *partition) decode(record *kgo.Record, i int, many bool) {
	s := &p.ahead[i%ringSize]
	s.entity, s.bad = nil, nil
	if record.Attrs.IsControl() {
		return
	}
	p.seen.Record = record
	if s.point, s.bad = p.scanner.Scan(record.Timestamp.UnixMilli(), record.Value); s.bad != nil {
		return
	}
	s.key = append(s.key[:0], s.point.Key...) // the scanner overwrites its own
	s.point.Key = s.key
	s.entity = p.entities.find(s.key)
	if s.entity != nil && many {
		s.entity.prefetch()
	}
}

// prefetchPoints prefetches what a record's point needs of its entity, which decode has prefetched.
func (p *partition) prefetchPoints(record *kgo.Record, i int, many bool) {
	if e := p.ahead[i%ringSize].entity; e != nil && many {
		p.seen.Record = record
		e.actor.prefetchPoints(record.Timestamp.UnixMilli())
	}
}

// prefetch prefetches what the entity keeps beside its points, and what the search for the next ones reads. Its own memory was read when it was
// found.
func (c *child) prefetch() {
	if next := c.next; next != nil {
		prefetch.Text(next.actor.key)
		prefetch.Memory(next.next)
	}
	if c.stored != nil {
		c.stored.Prefetch()
	}
	if c.actor.habit != nil {
		c.actor.habit.Prefetch()
	} else {
		c.actor.window.Prefetch()
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
