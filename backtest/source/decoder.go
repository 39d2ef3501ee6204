package source

import (
	"bytes"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"
	"github.com/valyala/fastjson"

	"anomalydetector/backtest/times"
	"anomalydetector/datapoint"
)

// Why a row is no record that the detector could read.
const (
	NoTime     = "the time is missing or cannot be read: want Unix seconds, Unix milliseconds, RFC 3339, or YYYY-MM-DD HH:MM:SS in UTC"
	NotJSON    = "the line is not a JSON object"
	NotGolden  = "the line is no golden row: want partition, timestamp in milliseconds, key, and value as base64"
	OtherWidth = "the row has more or fewer fields than the header"
	StrayQuote = "a field goes on after its closing quote"
)

// decoder decodes all formats. For each row it makes the msgpack that the detector looks at, and hands that to the
// detector's scanner: so keys, values and reasons are the detector's own.
type decoder struct {
	options Options
	wanted  []wanted
	scanner *datapoint.Scanner

	// Of msgpack dumps. The name of the time differs from input to input.
	times    *datapoint.Scanner
	timeName string

	json      fastjson.Parser
	visit     func(name []byte, value *fastjson.Value) // d.see
	tokens    []token                                  // the fields of a JSON object
	shape     shape
	places    []int   // where the wanted fields are in tokens, and then the time; -1: nowhere
	placesFor string  // the name of the time with which places fits the shape; empty: it does not
	cells     []token // the wanted fields of a row, and then the time
	scratch   []byte  // texts that do not stand in the row
	payload   []byte

	lastTime   []byte // as text, and what it means
	lastTimeMs int64

	row   Row
	fault Fault
}

// token is the value of a field.
type token struct {
	name []byte
	kind tokenKind
	text []byte
}

type tokenKind uint8

const (
	missing tokenKind = iota
	textual
	number
	packed // text is msgpack
)

// NewDecoder makes a decoder for the blocks of a source that was opened with these options.
func NewDecoder(options Options) Decoder {
	keys := options.KeyFields
	if options.KeyFromFile {
		keys = nil
	}
	d := &decoder{options: options, wanted: options.wanted(), scanner: datapoint.NewScanner(options.ValueField, keys)}
	d.cells = make([]token, len(d.wanted)+1)
	d.visit = d.see
	return d
}

// Decode implements Decoder.
func (d *decoder) Decode(b *Block, row func(*Row), fault func(*Fault)) {
	switch b.Input.format {
	case topic, Msgpack:
		begin := 0
		for i, one := range b.rows {
			raw := b.Data[begin:one.end]
			if one.null {
				raw = nil
			}
			begin = one.end
			if b.Input.format == topic {
				d.decode(b, int(one.offset), one.at, raw, row, fault)
			} else {
				d.decode(b, b.Line+i, 0, raw, row, fault)
			}
		}
	case CSV:
		quotes := bytes.IndexByte(b.Data, '"') >= 0
		line := b.Line
		for data := b.Data; len(data) > 0; {
			end, lines := bytes.IndexByte(data, '\n')+1, 1
			if quotes && bytes.IndexByte(data[:end], '"') >= 0 {
				end = rowEnd(data)
				lines = bytes.Count(data[:end], []byte{'\n'})
			}
			if raw := withoutLineEnd(data[:end]); len(raw) > 0 {
				d.decode(b, line, 0, raw, row, fault)
			}
			data = data[end:]
			line += lines
		}
	default:
		line := b.Line
		for data := b.Data; len(data) > 0; line++ {
			end := bytes.IndexByte(data, '\n') + 1
			if raw := bytes.TrimSpace(data[:end]); len(raw) > 0 {
				d.decode(b, line, 0, raw, row, fault)
			}
			data = data[end:]
		}
	}
}

func withoutLineEnd(row []byte) []byte {
	row = row[:len(row)-1]
	if last := len(row) - 1; last >= 0 && row[last] == '\r' {
		row = row[:last]
	}
	return row
}

// decode decodes one row.
func (d *decoder) decode(b *Block, line int, at int64, raw []byte, row func(*Row), fault func(*Fault)) {
	at, payload, why := d.record(b.Input, at, raw)
	if why != "" {
		d.fault = Fault{Input: b.Input, Line: line, Why: why, Raw: raw}
		fault(&d.fault)
		return
	}
	point, bad := d.scanner.Scan(at, payload)
	if bad != nil {
		d.fault = Fault{Input: b.Input, Line: line, Bad: bad, Raw: raw, At: at}
		fault(&d.fault)
		return
	}
	d.row = Row{At: at, Key: point.Key, Value: point.Value, Line: line, Raw: raw}
	if d.options.KeyFromFile {
		d.row.Key = append(d.scratch[:0], b.Input.key...)
		d.scratch = d.row.Key
	}
	row(&d.row)
}

// record makes a record of a row: the msgpack that the detector would read, or as much of it as the detector looks at. Why is
// empty unless that cannot be done.
func (d *decoder) record(input *Input, at int64, raw []byte) (ms int64, payload []byte, why string) {
	switch input.format {
	case topic:
		return at, raw, ""
	case Msgpack:
		return d.dumped(input, raw)
	case Golden:
		return d.golden(raw)
	case CSV:
		ms, why = d.split(input, raw)
	default:
		ms, why = d.object(input, raw)
	}
	if why != "" {
		return 0, nil, why
	}
	if !utf8.Valid(raw) {
		// The detector checks each str, not only those that it looks at.
		d.payload = d.appendDatapoint(d.payload[:0], input, raw)
		return ms, d.payload, ""
	}
	there := 0
	for i := range d.wanted {
		if d.cells[i].kind != missing {
			there++
		}
	}
	d.payload = msgp.AppendMapHeader(d.payload[:0], uint32(there))
	for i, field := range d.wanted {
		if d.cells[i].kind != missing {
			d.payload = append(d.payload, field.name...)
			d.payload = d.cells[i].append(d.payload)
		}
	}
	return ms, d.payload, ""
}

// append appends a field's value as msgpack.
func (t *token) append(to []byte) []byte {
	switch t.kind {
	case number:
		to, ok := appendNumber(to, t.text)
		if ok {
			return to
		}
		return msgp.AppendStringFromBytes(to, t.text)
	case packed:
		return append(to, t.text...)
	}
	return msgp.AppendStringFromBytes(to, t.text)
}

// time reads the time among the cells, which is often that of the row before.
func (d *decoder) time() (ms int64, why string) {
	t := &d.cells[len(d.wanted)]
	if t.kind != textual && t.kind != number {
		return 0, NoTime
	}
	if len(d.lastTime) > 0 && string(t.text) == string(d.lastTime) {
		return d.lastTimeMs, ""
	}
	ms, ok := times.Parse(t.text)
	if !ok {
		return 0, NoTime
	}
	d.lastTime, d.lastTimeMs = append(d.lastTime[:0], t.text...), ms
	return ms, ""
}

// Datapoint implements Decoder.
func (d *decoder) Datapoint(to []byte, b *Block, row *Row) []byte {
	return d.appendDatapoint(to, b.Input, row.Raw)
}

func (d *decoder) appendDatapoint(to []byte, input *Input, raw []byte) []byte {
	switch input.format {
	case topic, Msgpack:
		return append(to, raw...)
	case Golden:
		_, payload, _ := d.golden(raw)
		return append(to, payload...)
	case CSV:
		return d.appendRow(to, input, raw)
	}
	return d.appendObject(to, input, raw)
}

// Fields implements Decoder.
func (d *decoder) Fields(b *Block, row *Row) []string {
	fields := make([]string, len(d.options.KeyFields))
	if d.options.KeyFromFile {
		if len(fields) > 0 {
			fields[0] = b.Input.key
		}
		return fields
	}
	at, payload, _ := d.record(b.Input, row.At, row.Raw)
	point, bad := d.scanner.Scan(at, payload)
	if bad != nil {
		return fields
	}
	key := string(point.Key)
	begin := 0
	for i, end := range append(d.scanner.FieldEnds(nil, payload), len(key)) {
		fields[i] = key[begin:end]
		begin = end + 1
	}
	return fields
}
