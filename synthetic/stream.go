package synthetic

import (
	"fmt"
	"slices"

	"github.com/tinylib/msgp/msgp"
)

// Datapoint is one value of one entity, as it would arrive from Kafka.
type Datapoint struct {
	At     int64   // time of its bin, Unix milliseconds: the record's timestamp
	Entity string  // "scope,asn", as the detector joins it
	Value  float64 // the hegemony, in [0, 1]

	// Payload is the record's value, a msgpack map: timestamp (Unix seconds), scope and asn (strings),
	// hege (a float64, but 0 and 1 are integers as in the real data), nb_peers (an integer).
	Payload []byte
}

// Stream is a labelled stream of datapoints. It never changes, so it may be shared by goroutines.
type Stream struct {
	options  Options
	entities []entity
	events   []planned // in the order of their first bins
}

// New makes the stream of the options. It returns an error if they are not valid, or if the events do not
// fit. By default, about eight entities in ten can have events, each one event in 72 hours of live bins. Kind.Most is
// how many bins an event needs.
func New(o Options) (*Stream, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o.Kinds, o.EntityKinds = slices.Clone(o.Kinds), slices.Clone(o.EntityKinds)
	d := newDice()
	entities := make([]entity, o.Entities)
	for i := range entities {
		entities[i] = newEntity(d, &o, i)
	}
	events, err := newPlanner(d, &o, entities).plan()
	if err != nil {
		return nil, err
	}
	return &Stream{options: o, entities: entities, events: events}, nil
}

// Bins is the number of bins: those of the history, then the live ones.
func (s *Stream) Bins() int {
	return s.options.HistoryBins + s.options.LiveBins
}

// Len is the number of entities.
func (s *Stream) Len() int { return len(s.entities) }

// Entities are all entities, in the order of their datapoints in a bin.
func (s *Stream) Entities() []Entity {
	entities := make([]Entity, len(s.entities))
	for i := range s.entities {
		entities[i] = s.entities[i].Entity
	}
	return entities
}

// Events are all events, in the order of their first bins.
func (s *Stream) Events() []Event {
	events := make([]Event, len(s.events))
	for i := range s.events {
		events[i] = s.events[i].Event
	}
	return events
}

// Row is a Datapoint in its parts, for those that write them in another way.
type Row struct {
	At         int64 // Unix milliseconds
	Entity     string
	Scope, ASN string
	Value      float64
	Peers      int // nb_peers
}

// Bin computes the datapoints of bin i, in the order of the entities. It panics unless 0 <= i < Bins. The
// payloads belong to the caller.
func (s *Stream) Bin(i int) []Datapoint {
	datapoints := make([]Datapoint, 0, len(s.entities))
	s.Rows(i, func(r *Row) {
		datapoints = append(datapoints, Datapoint{At: r.At, Entity: r.Entity, Value: r.Value, Payload: r.AppendPayload(make([]byte, 0, 80))})
	})
	return datapoints
}

// Rows calls row for each datapoint of bin i, in the order of the entities. A row is valid until the next one. Rows panics
// unless 0 <= i < Bins.
func (s *Stream) Rows(i int, row func(*Row)) {
	if i < 0 || i >= s.Bins() {
		panic(fmt.Sprintf("synthetic stream: bin %d of %d", i, s.Bins()))
	}
	d := newDice()
	r := &Row{At: s.options.at(i)}
	events, hole := s.happening(i)
	for n := range s.entities {
		e := &s.entities[n]
		other := e.flap != 0 && e.flapped(d, s.options.Seed, n, i)
		d.take(s.options.Seed, n, i)
		event := events[n]
		if d.rand.Float64() < missing && e.Kind == Sparse && event == nil {
			continue
		}
		if hole && event == nil && d.rand.Float64() < inHole || event != nil && event.Silent {
			continue
		}
		level := e.Usual
		if event != nil {
			level = event.level(i)
		}
		if other {
			level += e.flap
		}
		r.Value = e.value(d, level, r.At)
		if event != nil && event.Kind == Outage {
			r.Value = 0
		}
		r.Entity, r.Scope, r.ASN, r.Peers = e.Key, e.scope, e.asn, e.peers+d.rand.IntN(4)
		row(r)
	}
}

// happening are the events of bin i, by the index of their entity, and whether it is in a hole.
func (s *Stream) happening(i int) (events map[int]*planned, hole bool) {
	events = make(map[int]*planned)
	for n := range s.events {
		event := &s.events[n]
		switch {
		case event.first > i:
			return events, hole
		case i > event.last:
		case event.Kind == Hole:
			hole = true
		default:
			events[event.entity] = event
		}
	}
	return events, hole
}

// AppendPayload appends the datapoint's msgpack map, its fields in the order and encoding of the real producer.
func (r *Row) AppendPayload(b []byte) []byte {
	const fields = 5
	b = msgp.AppendMapHeader(b, fields)
	b = msgp.AppendString(b, "timestamp")
	b = msgp.AppendUint64(b, uint64(r.At/1000))
	b = msgp.AppendString(b, "scope")
	b = msgp.AppendString(b, r.Scope)
	b = msgp.AppendString(b, "asn")
	b = msgp.AppendString(b, r.ASN)
	b = msgp.AppendString(b, "hege")
	b = appendHegemony(b, r.Value)
	b = msgp.AppendString(b, "nb_peers")
	return msgp.AppendUint64(b, uint64(r.Peers))
}

// appendHegemony writes 0 and 1 as integers, as the real producer does; see Datapoint.
func appendHegemony(b []byte, value float64) []byte {
	if value == 0 || value == 1 {
		return msgp.AppendUint64(b, uint64(value))
	}
	return msgp.AppendFloat64(b, value)
}
