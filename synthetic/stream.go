package synthetic

import (
	"fmt"

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
// fit. About eight entities in ten can have events, each one event in 72 hours of live bins. An event needs
// up to 24 bins.
func New(o Options) (*Stream, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	d := newDice()
	entities := make([]entity, o.Entities)
	for i := range entities {
		entities[i] = newEntity(d, o.Seed, i)
	}
	events, err := plan(d, o, entities)
	if err != nil {
		return nil, err
	}
	return &Stream{options: o, entities: entities, events: events}, nil
}

// Bins is the number of bins: those of the history, then the live ones.
func (s *Stream) Bins() int {
	return s.options.HistoryBins + s.options.LiveBins
}

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

// Bin computes the datapoints of bin i, in the order of the entities. It panics unless 0 <= i < Bins. The
// payloads belong to the caller.
func (s *Stream) Bin(i int) []Datapoint {
	if i < 0 || i >= s.Bins() {
		panic(fmt.Sprintf("synthetic stream: bin %d of %d", i, s.Bins()))
	}
	d := newDice()
	at := s.options.at(i)
	happening := s.happening(i)
	datapoints := make([]Datapoint, 0, len(s.entities))
	for n := range s.entities {
		e := &s.entities[n]
		d.take(s.options.Seed, n, i)
		event := happening[n]
		if d.rand.Float64() < missing && e.Kind == Sparse && event == nil {
			continue
		}
		level := e.Usual
		if event != nil {
			level = event.Changed
		}
		value := e.value(d, level, at)
		if event != nil && event.Kind == Outage {
			value = 0
		}
		datapoints = append(datapoints, Datapoint{
			At: at, Entity: e.Key, Value: value,
			Payload: e.payload(at, value, e.peers+d.rand.IntN(4)),
		})
	}
	return datapoints
}

// happening are the events of bin i, by the index of their entity.
func (s *Stream) happening(i int) map[int]*planned {
	events := make(map[int]*planned)
	for n := range s.events {
		event := &s.events[n]
		if event.first > i {
			break
		}
		if i <= event.last {
			events[event.entity] = event
		}
	}
	return events
}

// payload is a datapoint's msgpack map, its fields in the order and encoding of the real producer.
func (e *entity) payload(at int64, value float64, peers int) []byte {
	const fields = 5
	b := make([]byte, 0, 80)
	b = msgp.AppendMapHeader(b, fields)
	b = msgp.AppendString(b, "timestamp")
	b = msgp.AppendUint64(b, uint64(at/1000))
	b = msgp.AppendString(b, "scope")
	b = msgp.AppendString(b, e.scope)
	b = msgp.AppendString(b, "asn")
	b = msgp.AppendString(b, e.asn)
	b = msgp.AppendString(b, "hege")
	b = appendHegemony(b, value)
	b = msgp.AppendString(b, "nb_peers")
	return msgp.AppendUint64(b, uint64(peers))
}

// appendHegemony writes 0 and 1 as integers, as the real producer does; see Datapoint.
func appendHegemony(b []byte, value float64) []byte {
	if value == 0 || value == 1 {
		return msgp.AppendUint64(b, uint64(value))
	}
	return msgp.AppendFloat64(b, value)
}
