package datapoint

import (
	"math"
	"slices"

	"github.com/tinylib/msgp/msgp"
)

// Point is what the detector needs of one datapoint.
type Point struct {
	// Key names the entity: the key fields' values joined with commas. It
	// points into the Scanner and is valid until its next Scan.
	Key []byte
	// Value is finite.
	Value float64
}

// Scanner finds the value field and the key fields in payloads. It holds
// scratch space, so it serves one goroutine: use one for each partition.
type Scanner struct {
	fields []field         // the value field first, then the key fields; no name twice
	keys   []int           // the key fields in the configured order, as indexes into fields
	key    []byte          // the memory of Point.Key; each Scan overwrites it
	names  [mostNames]name // the names of the first entries of the last map, in their order
	nests  [maxDepth]nest  // the lists and maps around the value that is being skipped

	bad [ReasonCount]BadRecord // by reason; for the whole record and for the value field
}

// field is one field that Scan looks for.
type field struct {
	name string
	// at is the offset of its value in the payload. 0 means not seen, because the map's own header is there.
	at int

	missing, notScalar BadRecord
}

// name is the name of a map's entry as its bytes in the payload, and the field that it names. Most records of
// a stream have the same names in the same order: then the bytes alone are enough to recognise a name.
type name struct {
	bytes []byte
	field int // an index into fields; -1: none of them
}

// NewScanner returns a Scanner for the value in valueField, and the key in
// keyFields, in that order. A field may appear in both, or twice.
func NewScanner(valueField string, keyFields []string) *Scanner {
	s := &Scanner{}
	for _, r := range Reasons() {
		s.bad[r].Reason = r
	}
	s.bad[ValueNotNumber].Field = valueField
	s.bad[ValueNotFinite].Field = valueField
	s.addField(valueField)
	for _, name := range keyFields {
		s.keys = append(s.keys, s.addField(name))
	}
	return s
}

func (s *Scanner) addField(name string) int {
	if i := slices.IndexFunc(s.fields, func(f field) bool { return f.name == name }); i >= 0 {
		return i
	}
	s.fields = append(s.fields, field{
		name:      name,
		missing:   BadRecord{FieldMissing, name},
		notScalar: BadRecord{KeyNotScalar, name},
	})
	return len(s.fields) - 1
}

// Scan reads the point in payload, the value of a Kafka record whose timestamp
// is in Unix milliseconds. A nil payload is a tombstone.
//
// A bad record gives a BadRecord and the zero Point. If several things are wrong, the first of this order is
// named: negative timestamp, tombstone, not well-formed (the first fault in the bytes), not a map, a missing
// field (the value field, then the key fields in order), the value, the key fields in order. The BadRecord
// belongs to the Scanner and never changes.
//
// If a field appears twice, the last value counts, as in a Python dict. Only names of type str match; a name
// of type bin is skipped with its value. Python's msgpack.unpackb(raw=False) reads every record that Scan
// accepts, and the anomaly that embeds it, with its default limits: that is how consumers read anomalies.
func (s *Scanner) Scan(timestamp int64, payload []byte) (Point, *BadRecord) {
	switch {
	case timestamp < 0:
		return Point{}, &s.bad[NegativeTimestamp]
	case payload == nil:
		return Point{}, &s.bad[Tombstone]
	}
	if reason := s.find(payload); reason != fine {
		return Point{}, &s.bad[reason]
	}
	for i := range s.fields {
		if s.fields[i].at == 0 {
			return Point{}, &s.fields[i].missing
		}
	}
	value, ok := number(payload[s.fields[0].at:])
	if !ok {
		return Point{}, &s.bad[ValueNotNumber]
	}
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return Point{}, &s.bad[ValueNotFinite]
	}
	s.key = s.key[:0]
	for i, k := range s.keys {
		if i > 0 {
			s.key = append(s.key, ',')
		}
		if s.key, ok = appendScalar(s.key, payload[s.fields[k].at:]); !ok {
			return Point{}, &s.fields[k].notScalar
		}
	}
	return Point{Key: s.key, Value: value}, nil
}

// find checks that the payload is one well-formed map and nothing else, and notes where the fields' values
// are.
func (s *Scanner) find(payload []byte) Reason {
	for i := range s.fields {
		s.fields[i].at = 0
	}
	if len(payload) == 0 {
		return Truncated
	}
	if msgp.NextType(payload) != msgp.MapType {
		end, reason := s.skip(payload, 0, 0)
		switch {
		case reason != fine:
			return reason
		case end != len(payload):
			return NotMsgpack
		}
		return NotMap
	}
	size, children := header(payload)
	if size > uint64(len(payload)) {
		return Truncated
	}
	at := int(size)
	for entry := 0; children > 0; entry, children = entry+1, children-2 {
		known := &s.names[min(entry, len(s.names)-1)]
		value := at + len(known.bytes)
		if len(known.bytes) == 0 || value > len(payload) || string(payload[at:value]) != string(known.bytes) {
			var reason Reason
			if value, _, reason = one(payload, at, true); reason != fine {
				return reason
			}
			s.learn(known, payload[at:value])
		}
		if known.field >= 0 {
			s.fields[known.field].at = value
		}
		if value == len(payload) {
			return Truncated
		}
		lead := payload[value]
		if lead >= 0xa0 && lead < 0xc0 { // a short str
			if at = value + 1 + int(lead&0x1f); at > len(payload) {
				return Truncated
			}
			if !endsInASCII(payload, at, lead&0x1f) && !isUTF8(payload[value+1:at]) {
				return NotUTF8
			}
			continue
		}
		if at = value + int(scalarSizes[lead]); at > value && at <= len(payload) {
			continue
		}
		var reason Reason
		if at, reason = s.skip(payload, value, 1); reason != fine {
			return reason
		}
	}
	if at != len(payload) {
		return NotMsgpack
	}
	return fine
}

// mostNames is how many names are remembered; all further entries share the last place. longestName is how
// long they may be, in bytes. So a hostile record claims no more memory.
const mostNames, longestName = 32, 256

// learn remembers an entry's name for the next record.
func (s *Scanner) learn(n *name, bytes []byte) {
	n.field = s.match(bytes)
	n.bytes = n.bytes[:0]
	if len(bytes) <= longestName {
		n.bytes = append(n.bytes, bytes...)
	}
}

// match is the index of the field with this name, given as a whole msgpack value; -1 if there is none.
func (s *Scanner) match(name []byte) int {
	if msgp.NextType(name) != msgp.StrType {
		return -1
	}
	name, _, _ = msgp.ReadStringZC(name)
	return slices.IndexFunc(s.fields, func(f field) bool { return f.name == string(name) })
}
