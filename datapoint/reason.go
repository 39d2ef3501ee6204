package datapoint

import "fmt"

// Reason says why a record is bad. String is its one word in logs, counters and headers. Reasons count from
// 0, so they index an array of ReasonCount.
type Reason uint8

const (
	Tombstone         Reason = iota // no payload at all
	NotMsgpack                      // a reserved byte, bytes after the map, or nested too deep
	NotMap                          // msgpack, but of another type
	Truncated                       // ends early, is empty, or claims sizes beyond its end
	NotUTF8                         // a str, at any depth, is not UTF-8
	NameNotString                   // a map's name, at any depth, is neither str nor bin
	InvalidTime                     // an ext of type -1, a timestamp, has a wrong length or too many nanoseconds
	ReservedExt                     // an ext of another negative type, which msgpack reserves
	FieldMissing                    // the value field or a key field is not there
	ValueNotNumber                  // the value is neither an int nor a float
	ValueNotFinite                  // the value is NaN or infinite
	KeyNotScalar                    // a key field is neither str, int nor float
	NegativeTimestamp               // Kafka's "no timestamp" (-1) and the like

	ReasonCount = iota // how many there are
)

// fine is the absence of a reason.
const fine = Reason(ReasonCount)

var reasonWords = [ReasonCount]string{
	Tombstone:         "tombstone",
	NotMsgpack:        "not_msgpack",
	NotMap:            "not_a_map",
	Truncated:         "truncated",
	NotUTF8:           "not_utf8",
	NameNotString:     "name_type",
	InvalidTime:       "invalid_time",
	ReservedExt:       "reserved_ext",
	FieldMissing:      "field_missing",
	ValueNotNumber:    "value_not_a_number",
	ValueNotFinite:    "value_not_finite",
	KeyNotScalar:      "key_type",
	NegativeTimestamp: "negative_timestamp",
}

// String returns the reason's word, such as "field_missing".
func (r Reason) String() string {
	if r >= ReasonCount {
		return fmt.Sprintf("reason_%d", uint8(r))
	}
	return reasonWords[r]
}

// Reasons returns all reasons, in order.
func Reasons() []Reason {
	all := make([]Reason, ReasonCount)
	for i := range all {
		all[i] = Reason(i)
	}
	return all
}

// BadRecord is the error for a record that holds no point.
type BadRecord struct {
	Reason Reason
	Field  string // the field at fault; empty if the whole record is
}

// Error names the field, if there is one, and says what was expected.
func (b *BadRecord) Error() string {
	switch b.Reason {
	case Tombstone:
		return "record has no payload (a tombstone): expected a msgpack map"
	case NotMsgpack:
		return fmt.Sprintf("payload is not msgpack: expected one map, nested at most %d deep, and no bytes after it", maxDepth)
	case NotMap:
		return "payload is not a map: expected a msgpack map of field names to values"
	case Truncated:
		return "payload ends too early: expected a complete msgpack map"
	case NotUTF8:
		return "payload holds a str that is not UTF-8: expected UTF-8 in each str (bytes belong in a bin)"
	case NameNotString:
		return "a map in the payload has a name that is neither a str nor a bin: expected a str"
	case InvalidTime:
		return "payload holds an invalid timestamp (ext -1): expected 4, 8 or 12 bytes, and less than a second of nanoseconds"
	case ReservedExt:
		return "payload holds an ext of a type that msgpack reserves: expected a type from 0 to 127, or -1 for a timestamp"
	case FieldMissing:
		return fmt.Sprintf("field %q is missing: expected it at the top level of the map", b.Field)
	case ValueNotNumber:
		return fmt.Sprintf("value field %q is not a number: expected an int or a float", b.Field)
	case ValueNotFinite:
		return fmt.Sprintf("value field %q is NaN or infinite: expected a finite number", b.Field)
	case KeyNotScalar:
		return fmt.Sprintf("key field %q has the wrong type: expected a str, an int or a float", b.Field)
	case NegativeTimestamp:
		return "record timestamp is negative: expected Unix milliseconds"
	}
	return b.Reason.String()
}
