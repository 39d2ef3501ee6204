package actors

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/datapoint"
	"anomalydetector/prefetch"
)

// How many records ahead a partition looks: what it asks the processor for takes the time of some records to come.
const (
	pointsAhead   = 16 // the points of their entities are asked for
	entitiesAhead = 32 // they are decoded, their entities are found, and asked for
	sightings     = entitiesAhead + 1
)

// A partition with fewer entities than fewEntities asks for no memory: most of it is in the processor's caches. For how this was
// measured see docs/adr/0040-records-are-looked-at-in-groups.md.
const fewEntities = 4096

// ahead is what a partition knows of records before it scores them. With many entities, nothing that scoring needs is in the processor's caches,
// and one record after the other would wait for each part of it. So the partition asks the processor for it beforehand, and scores other records
// meanwhile:
//
//	record i        is scored
//	record i + 16   its entity's points are asked for
//	record i + 32   is decoded, and its entity is found and asked for
//	record i + 33   if it is that of the entity that came next in the bin before: that one's key is asked for
//
// An entity tells where its points are, so it is asked for earlier.
type ahead [sightings]sight

// sight is what is known of a record before it is scored.
type sight struct {
	point  datapoint.Point
	key    []byte               // the memory of the point's key
	bad    *datapoint.BadRecord // nil: the point is good
	entity *child               // nil: none is cached yet
}

// look returns what is known of a record. All of them are asked for, in order. To look changes no window and counts nothing.
func (p *partition) look(records []*kgo.Record, i int) *sight {
	many := len(p.entities.byKey) >= fewEntities
	if i == 0 {
		for j := range min(entitiesAhead, len(records)) {
			p.find(records[j], j, many)
		}
		for j := range min(pointsAhead, len(records)) {
			p.prefetchPoints(records[j], j, many)
		}
	}
	if j := i + entitiesAhead; j < len(records) {
		p.find(records[j], j, many)
	}
	if j := i + pointsAhead; j < len(records) {
		p.prefetchPoints(records[j], j, many)
	}
	return &p.ahead[i%sightings]
}

// find decodes a record, and finds its entity.
func (p *partition) find(record *kgo.Record, i int, many bool) {
	s := &p.ahead[i%sightings]
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

// prefetchPoints asks for what a record's point needs of its entity, which find has asked for.
func (p *partition) prefetchPoints(record *kgo.Record, i int, many bool) {
	if e := p.ahead[i%sightings].entity; e != nil && many {
		e.actor.prefetchPoints(record.Timestamp.UnixMilli())
	}
}

// prefetch asks for what the entity keeps beside its points, and for what the search for the next one reads. Its own memory was read when it was
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

// prefetchPoints asks for what a point of a time needs.
func (e *entity) prefetchPoints(at int64) {
	if e.habit != nil {
		e.habit.PrefetchPoints(at)
	} else {
		e.window.PrefetchPoints()
	}
}
