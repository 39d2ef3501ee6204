package datapoint

import "math"

// Anomaly is what an output record holds.
type Anomaly struct {
	Entity    string   // the key, as the Scanner joins it
	Fields    []string // the values of the key fields, in the configured order
	Value     float64  // finite
	Deviation float64  // may be infinite, is not NaN
}

// Decoder reads the payloads that AppendAnomaly writes, and those of the original program. It has scratch
// space, so it serves one goroutine.
type Decoder struct {
	outer Scanner // takes the deviation for the value, and the datapoint for the one key field
	inner Scanner
}

// NewDecoder makes a Decoder for the output of a detector with these fields.
func NewDecoder(valueField string, keyFields []string) *Decoder {
	return &Decoder{*NewScanner("deviation", []string{"datapoint"}), *NewScanner(valueField, keyFields)}
}

// Decode reads a record of the output topic: a map with the names datapoint and deviation, and any others. A
// BadRecord says what is wrong with the record, or with the datapoint in it. The BadRecord never changes.
func (d *Decoder) Decode(timestamp int64, payload []byte) (Anomaly, *BadRecord) {
	outer := &d.outer
	if payload == nil {
		return Anomaly{}, &outer.bad[Tombstone]
	}
	if reason := outer.find(payload); reason != fine {
		return Anomaly{}, &outer.bad[reason]
	}
	for i := range outer.fields {
		if outer.fields[i].at == 0 {
			return Anomaly{}, &outer.fields[i].missing
		}
	}
	deviation, ok := number(payload[outer.fields[0].at:])
	switch {
	case !ok:
		return Anomaly{}, &outer.bad[ValueNotNumber]
	case math.IsNaN(deviation):
		return Anomaly{}, &outer.bad[ValueNotFinite]
	}
	from := outer.fields[1].at
	end, reason := outer.skip(payload, from, 1)
	if reason != fine {
		return Anomaly{}, &outer.bad[reason]
	}
	embedded := payload[from:end]
	point, bad := d.inner.Scan(timestamp, embedded)
	if bad != nil {
		return Anomaly{}, bad
	}
	a := Anomaly{Entity: string(point.Key), Value: point.Value, Deviation: deviation}
	a.Fields = make([]string, len(d.inner.keys))
	begin := 0
	for i, k := range d.inner.keys {
		text, _ := appendScalar(nil, embedded[d.inner.fields[k].at:])
		a.Fields[i] = a.Entity[begin : begin+len(text)]
		begin += len(text) + 1
	}
	return a, nil
}
