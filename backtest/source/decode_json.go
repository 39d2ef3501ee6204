package source

import (
	"bytes"
	"encoding/base64"
	"math"

	"github.com/tinylib/msgp/msgp"
	"github.com/valyala/fastjson"

	"anomalydetector/backtest/times"
	"anomalydetector/datapoint"
)

// parse reads a JSON object into tokens.
func (d *decoder) parse(raw []byte) bool {
	if d.flat(raw) {
		return true
	}
	d.tokens, d.scratch = d.tokens[:0], d.scratch[:0]
	value, err := d.json.ParseBytes(raw)
	if err != nil || value.Type() != fastjson.TypeObject {
		return false
	}
	object, _ := value.Object()
	object.Visit(d.visit)
	return true
}

// see takes a field of a JSON object that fastjson has parsed.
func (d *decoder) see(name []byte, value *fastjson.Value) {
	t := token{name: name}
	switch value.Type() {
	case fastjson.TypeString:
		t.kind, t.text = textual, value.GetStringBytes()
	case fastjson.TypeNumber:
		begin := len(d.scratch)
		d.scratch = value.MarshalTo(d.scratch)
		t.kind, t.text = number, d.scratch[begin:]
	default:
		begin := len(d.scratch)
		d.scratch = appendJSON(d.scratch, value)
		t.kind, t.text = packed, d.scratch[begin:]
	}
	d.tokens = append(d.tokens, t)
}

// find returns the last field of a name: in Python the last one counts, too.
func (d *decoder) find(name string) token { return d.at(d.place(name)) }

// place is where the last field of a name is in tokens; -1: nowhere.
func (d *decoder) place(name string) int {
	for i := len(d.tokens) - 1; i >= 0; i-- {
		if string(d.tokens[i].name) == name {
			return i
		}
	}
	return -1
}

func (d *decoder) at(place int) token {
	if place < 0 {
		return token{}
	}
	return d.tokens[place]
}

// arrange finds the wanted fields among the tokens. Rows of one shape have them at the same places.
func (d *decoder) arrange(timeName string) {
	d.places = d.places[:0]
	for i := range d.wanted {
		d.places = append(d.places, d.place(d.wanted[i].column))
	}
	d.places = append(d.places, d.place(timeName))
	d.placesFor = timeName
}

// object reads a datapoint that is a JSON object.
func (d *decoder) object(input *Input, raw []byte) (ms int64, why string) {
	if !d.parse(raw) {
		return 0, NotJSON
	}
	if d.placesFor != input.time {
		d.arrange(input.time)
	}
	for i, place := range d.places {
		d.cells[i] = d.at(place)
	}
	return d.time()
}

// golden reads a golden row.
func (d *decoder) golden(raw []byte) (ms int64, payload []byte, why string) {
	if !d.parse(raw) {
		return 0, nil, NotJSON
	}
	at, value := d.find("timestamp"), d.find("value")
	ms, whole := times.Integer(at.text)
	switch {
	case at.kind != number || !whole:
		return 0, nil, NotGolden
	case value.kind == packed && bytes.Equal(value.text, packedNil):
		return ms, nil, ""
	case value.kind != textual:
		return 0, nil, NotGolden
	}
	need := base64.StdEncoding.DecodedLen(len(value.text))
	if cap(d.payload) < need || d.payload == nil {
		d.payload = make([]byte, need+256)
	}
	size, err := base64.StdEncoding.Decode(d.payload[:cap(d.payload)], value.text)
	if err != nil {
		return 0, nil, NotGolden
	}
	return ms, d.payload[:size], ""
}

// Origin is where a golden row came from: the record's partition and its key, nil if it has none. Known is false for
// a row of another format, or without a partition.
func Origin(b *Block, row *Row) (partition int32, key []byte, known bool) {
	if b.Input.format != Golden {
		return 0, nil, false
	}
	parser := parsers.Get()
	defer parsers.Put(parser)
	value, err := parser.ParseBytes(row.Raw)
	if err != nil {
		return 0, nil, false
	}
	if text := value.Get("key"); text != nil && text.Type() == fastjson.TypeString {
		key = bytes.Clone(text.GetStringBytes())
		if key == nil {
			key = []byte{}
		}
	}
	number := value.GetInt("partition")
	return int32(number), key, value.Exists("partition") && number >= 0 && number <= math.MaxInt32
}

var parsers fastjson.ParserPool

// dumped reads a datapoint of a msgpack dump, whose time is a number.
func (d *decoder) dumped(input *Input, raw []byte) (ms int64, payload []byte, why string) {
	if d.timeName != input.time {
		d.times, d.timeName = datapoint.NewScanner(input.time, nil), input.time
	}
	point, bad := d.times.Scan(0, raw)
	if bad == nil {
		if ms, ok := times.FromNumber(point.Value); ok {
			return ms, raw, ""
		}
	} else if _, other := d.scanner.Scan(0, raw); other != nil {
		return 0, raw, "" // the detector has a reason of its own
	}
	return 0, nil, NoTime
}

// appendObject appends a JSON object as msgpack.
func (d *decoder) appendObject(to []byte, input *Input, raw []byte) []byte {
	value, err := d.json.ParseBytes(raw)
	if err != nil || value.Type() != fastjson.TypeObject {
		return to
	}
	object, _ := value.Object()
	kept := 0
	object.Visit(func(name []byte, _ *fastjson.Value) {
		if _, keep := d.options.datapointName(string(name)); keep {
			kept++
		}
	})
	to = d.appendMap(to, input, kept)
	object.Visit(func(name []byte, value *fastjson.Value) {
		if field, keep := d.options.datapointName(string(name)); keep {
			to = msgp.AppendString(to, field)
			to = appendJSON(to, value)
		}
	})
	return to
}

// appendJSON appends a JSON value as msgpack.
func appendJSON(to []byte, value *fastjson.Value) []byte {
	switch value.Type() {
	case fastjson.TypeString:
		return msgp.AppendStringFromBytes(to, value.GetStringBytes())
	case fastjson.TypeNumber:
		t := token{kind: number, text: value.MarshalTo(nil)}
		return t.append(to)
	case fastjson.TypeTrue, fastjson.TypeFalse:
		return msgp.AppendBool(to, value.GetBool())
	case fastjson.TypeArray:
		items := value.GetArray()
		to = msgp.AppendArrayHeader(to, uint32(len(items)))
		for _, item := range items {
			to = appendJSON(to, item)
		}
		return to
	case fastjson.TypeObject:
		object := value.GetObject()
		to = msgp.AppendMapHeader(to, uint32(object.Len()))
		object.Visit(func(name []byte, item *fastjson.Value) {
			to = msgp.AppendStringFromBytes(to, name)
			to = appendJSON(to, item)
		})
		return to
	}
	return msgp.AppendNil(to)
}
