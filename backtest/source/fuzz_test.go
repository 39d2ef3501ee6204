package source

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"anomalydetector/datapoint"
)

// FuzzSource reads any bytes as any format. Each row must be what the detector reads in the row's whole datapoint, and no line
// may be left out.
func FuzzSource(f *testing.F) {
	for format, content := range map[int]string{
		0: "timestamp,scope,asn,hege\n1600000200,\"a\"\"b\",2,0.5\n",
		1: `{"timestamp":1600000200,"scope":1,"asn":"2","hege":0.5,"x":[{"y":null}]}`,
		2: `{"partition": 4, "timestamp": 1600000200000, "key": "6939", "value": "hal0aW1lc3RhbXDOX14QyKVzY29wZaQ2OTM5o2FzbqQxOTIypGhlZ2XLP6I+aQywczKobmJfcGVlcnNP"}`,
		3: "\x84\xa9timestamp\xce\x5f\x5e\x10\xc8\xa5scope\x01\xa3asn\xa12\xa4hege\xcb?\xa2>i\x0c\xb0s2",
	} {
		f.Add(byte(format), []byte(content))
	}
	f.Fuzz(func(t *testing.T, how byte, content []byte) {
		o := hegemony
		o.Format = append([]string{""}, Formats...)[int(how)%(len(Formats)+1)]
		o.KeyFromFile = how&16 != 0
		if how&32 != 0 {
			o.Map = map[string]string{"scope": "note"}
		}
		o.Stdin = bytes.NewReader(content)
		from, err := Open([]string{"-"}, o)
		if err != nil {
			t.Fatal(err)
		}
		defer from.Close()
		d := NewDecoder(o)
		keys := o.KeyFields
		if o.KeyFromFile {
			keys = keys[:1]
		}
		scanner := datapoint.NewScanner(o.ValueField, keys)
		line := 0
		for {
			b, err := from.Next(context.Background())
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				continue
			}
			again := NewDecoder(o)
			d.Decode(b, func(r *Row) {
				if r.Line <= line {
					t.Errorf("line %d comes after line %d", r.Line, line)
				}
				line = r.Line
				if o.KeyFromFile && (b.Input.format == Golden || b.Input.format == Msgpack) {
					return // the record stays as it is, and the scanner looks for a key in it
				}
				point, bad := scanner.Scan(r.At, again.Datapoint(nil, b, r))
				if bad != nil || string(point.Key) != string(r.Key) || point.Value != r.Value {
					t.Errorf("row %+v has a datapoint of %q, %v, %v", r, point.Key, point.Value, bad)
				}
				if fields := again.Fields(b, r); !o.KeyFromFile && strings.Join(fields, ",") != string(r.Key) {
					t.Errorf("row %+v has the fields %q", r, fields)
				}
				Origin(b, r)
			}, func(fault *Fault) {
				if fault.Line <= line || (fault.Bad == nil) == (fault.Why == "") {
					t.Errorf("fault %+v comes after line %d", fault, line)
				}
				line = fault.Line
			})
			from.Release(b)
		}
	})
}

// FuzzFlat compares the fast reader of JSON with fastjson.
func FuzzFlat(f *testing.F) {
	for _, text := range []string{`{"a":1,"b":"x","c":null}`, `{ "a" : -1.5e3 } `, `{"a":"\n"}`, `{"a":[]}`, `{"a":1,}`, `{"a":01}`, `{}`} {
		f.Add([]byte(`{"a":2,"b":""}`), []byte(text))
		f.Add([]byte(text), []byte(text+" "))
	}
	f.Fuzz(func(t *testing.T, before, text []byte) {
		fast, slow := NewDecoder(hegemony).(*decoder), NewDecoder(hegemony).(*decoder)
		fast.flat(before) // whose shape it expects then
		if !fast.flat(text) {
			return
		}
		value, err := slow.json.ParseBytes(text)
		if err != nil {
			t.Fatalf("%q is read, and fastjson says %v", text, err)
		}
		object, err := value.Object()
		if err != nil {
			t.Fatal(err)
		}
		object.Visit(slow.visit)
		if len(fast.tokens) != len(slow.tokens) {
			t.Fatalf("%q has %d fields, and for fastjson %d", text, len(fast.tokens), len(slow.tokens))
		}
		for i, got := range fast.tokens {
			if want := slow.tokens[i]; got.kind != want.kind || string(got.name) != string(want.name) || string(got.text) != string(want.text) {
				t.Errorf("%q has the field %q, and for fastjson %q", text, got, want)
			}
		}
	})
}

// FuzzCSV compares the splitting of rows and fields with package encoding/csv, which reads all that is well-formed.
func FuzzCSV(f *testing.F) {
	for _, text := range []string{"a,b\n", "\"a\"\"\n\",b\r\nc,d", "a\"b,c\n", ",\n\n\"\",\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "\r") { // which encoding/csv changes in quotes
			return
		}
		strict := csv.NewReader(strings.NewReader(text))
		strict.FieldsPerRecord = -1
		want, err := strict.ReadAll()
		if err != nil {
			return
		}
		var got [][]string
		for data := []byte(text + "\n"); len(data) > 0; {
			end := rowEnd(data)
			if end < 0 {
				t.Fatalf("%q has no end of a row at %q", text, data)
			}
			var fields []string
			for rest, more := withoutLineEnd(data[:end]), end > 1; more; {
				var cell []byte
				var why string
				if cell, rest, more, why = nextCell(rest, nil); why != "" {
					t.Fatalf("%q: %s", text, why)
				}
				fields = append(fields, string(cell))
			}
			if data = data[end:]; fields != nil {
				got = append(got, fields)
			}
		}
		if !slices.EqualFunc(got, want, func(a, b []string) bool { return reflect.DeepEqual(a, b) }) {
			t.Errorf("%q is split into %q, and by encoding/csv into %q", text, got, want)
		}
	})
}
