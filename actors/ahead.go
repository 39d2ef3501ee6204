package actors

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/datapoint"
)

// group is how many records a partition looks at before it scores the first of them. A core waits for 20 to 30 reads at a time.
const group = 16

// A partition with fewer entities than fewEntities reads nothing ahead: most of their memory is in the processor's caches. For how this was
// measured see docs/adr/0040-records-are-looked-at-in-groups.md.
const fewEntities = 4096

// ahead is what a partition knows of a group of records before it scores the first of them. It decodes them, finds their entities,
// and reads the memory that scoring needs. With many entities none of it is in the processor's caches. These reads do not depend
// on each other, so the processor waits for all of them together. Scoring one record after the other, it waits for each.
type ahead struct {
	sights [group]sight
	sum    int64 // of what was read, so that the compiler does not leave the reads out
}

// sight is what is known of a record before it is scored.
type sight struct {
	point  datapoint.Point
	key    []byte               // the memory of the point's key
	bad    *datapoint.BadRecord // nil: the point is good
	entity *child               // nil: none is cached yet
}

// look looks at the records of a group. It changes no window and counts nothing.
func (p *partition) look(records []*kgo.Record) {
	sights := p.ahead.sights[:len(records)]
	for i, record := range records {
		s := &sights[i]
		s.entity, s.bad = nil, nil
		if record.Attrs.IsControl() {
			continue
		}
		p.seen.Record = record
		if s.point, s.bad = p.scanner.Scan(record.Timestamp.UnixMilli(), record.Value); s.bad != nil {
			continue
		}
		s.key = append(s.key[:0], s.point.Key...) // the scanner overwrites its own
		s.point.Key = s.key
		s.entity = p.entities.find(s.key)
	}
	if len(p.entities.byKey) < fewEntities {
		return
	}
	sum := int64(0)
	for i := range sights {
		if e := sights[i].entity; e != nil {
			sum += e.readAhead()
		}
	}
	for i := range sights {
		if e := sights[i].entity; e != nil {
			sum += e.actor.readPointsAhead(records[i].Timestamp.UnixMilli())
		}
	}
	p.ahead.sum = sum
}

// readAhead reads the memory of the entity itself and of what it keeps.
func (c *child) readAhead() int64 {
	sum := c.newest
	if c.stored != nil {
		sum += int64(c.stored.ReadAhead())
	}
	if c.actor.empty {
		sum++
	}
	if c.actor.habit != nil {
		return sum + c.actor.habit.ReadAhead()
	}
	return sum + int64(c.actor.window.ReadAhead())
}

// readPointsAhead reads the memory that a point of a time needs.
func (e *entity) readPointsAhead(at int64) int64 {
	if e.habit != nil {
		return e.habit.ReadPointsAhead(at)
	}
	return e.window.ReadPointsAhead()
}
