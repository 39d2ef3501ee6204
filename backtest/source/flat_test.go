package source

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// Names and their places are remembered from row to row, so each row is followed by one that is similar, but not the same.
func TestRowsDoNotDependOnTheRowBefore(t *testing.T) {
	many := make([]string, 40)
	for i := range many {
		many[i] = fmt.Sprintf(`"f%d":%d`, i, i)
	}
	rows := []string{
		`{"timestamp": 1600000200, "scope": "1", "asn": "2", "hege": 0.5, "nb_peers": 7}`,
		`{"timestamp": 1600000200, "scope": "1", "asn": "2", "hege": 0.5}`,
		`{"timestamp": 1600000200, "scope": "1", "asn": "2"}`,
		`{"timestamp": 1600000200, "scope": "1", "asn": "2", "hege"`,
		`{"timestamp": 1600000200, "asn": "1", "scope": "2", "hege": 0.5, "nb_peers": 7}`,
		`{"timestamp": 1600000200, "asn": "1", "scope": "2", "hege": 0.5, "hege": 7}`,
		`{"timestamp": 1600000200, "asn": "1", "scope": "2", "hege": 0.5, "hege": 7, "asn": 9}`,
		`{"asn": "1", "scope": "2", "hege": 0.5, "timestamp": 1600000200}`,
		`{"asn": "\u0031", "hege": 0.25, "scope": "2", "timestamp": 1600000200}`,
		`{"asn":"1","hege":0.25,"scope":"2","timestamp":1600000200}`,
		`{"asn":1,"hege":-0.0,"scope":"2","timestamp":1600000200}`,
		`{"asn":1.5,"hege":-0,"scope":"2","timestamp":1600000200}`,
		`{"asn":"","hege":null,"scope":"2","timestamp":1600000200}`,
		`{"asn":"","hege":[1],"scope":"2","timestamp":1600000200}`,
		`{"asn":"","hege":"0.5","scope":"2","timestamp":1600000200}`,
		`{"asn":"` + "\xff" + `","hege":0.5,"scope":"2","timestamp":1600000200}`,
		`{"asn":"1","hege":0.5,"scope":"2","timestamp":-1}`,
		`{` + strings.Join(many, ",") + `,"asn":"1","hege":0.5,"scope":"2","timestamp":1600000200}`,
		`{` + strings.Join(many, ",") + `,"hege":0.5,"scope":"2","timestamp":1600000200}`,
		`{"` + strings.Repeat("x", 300) + `":1,"asn":"1","hege":0.5,"scope":"2","timestamp":1600000200}`,
		`{}`,
	}
	input := &Input{format: JSON, time: "timestamp"}
	said := func(d *decoder, row string) (said string) {
		d.Decode(&Block{Input: input, Data: []byte(row + "\n")}, func(r *Row) { said = fmt.Sprintf("%d %q %x", r.At, r.Key, math.Float64bits(r.Value)) },
			func(f *Fault) { said = reason(f) })
		return said
	}
	d := NewDecoder(hegemony).(*decoder)
	for _, before := range rows {
		for _, row := range rows {
			said(d, before)
			if got, want := said(d, row), said(NewDecoder(hegemony).(*decoder), row); got != want {
				t.Errorf("after\n%s the row\n%s is %s, and alone it is %s", before, row, got, want)
			}
		}
	}
}

// What is not read as msgpack must be what the scanner reads in the msgpack.
func TestPlainRowsAreTheScanners(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	texts := []string{"0", "-0", "-0.0", "0.", ".5", "-.5", ".", "-.", "-", "", "+1", "1e3", "007", "-007", "00.5", "1.2.3", "1-2", "nan", "9007199254740993", "-9007199254740993.0",
		"0.9007199254740993", "123456789012345678", "1234567890123456789", "12345678901234567890", "123456789012345678901", "0.1234567890123456789", "0x1", "1_0", " 1", "18446744073709551616.5"}
	for range 20_000 {
		f := math.Float64frombits(r.Uint64())
		if r.IntN(2) == 0 {
			f = r.Float64()
		}
		texts = append(texts, strconv.FormatFloat(f, 'g', -1, 64), strconv.FormatFloat(r.NormFloat64(), 'f', r.IntN(21), 64), strconv.FormatInt(int64(r.Uint64())>>r.IntN(64), 10))
	}
	d := NewDecoder(hegemony).(*decoder)
	plain := 0
	for _, text := range texts {
		for _, key := range []token{{kind: textual, text: []byte(text)}, {kind: number, text: []byte(text)}} {
			d.clean = true
			d.cells = []token{{kind: number, text: []byte(text)}, {kind: textual, text: []byte("a,b")}, key, {}}
			value, ok := d.plain(1, nil)
			if !ok {
				continue
			}
			plain++
			point, bad := d.scanner.Scan(1, d.pack(&Input{format: JSON}, nil))
			if bad != nil || math.Float64bits(point.Value) != math.Float64bits(value) || string(point.Key) != string(d.key) {
				t.Errorf("%q is %v of %q, and for the scanner %v of %q, %v", text, value, d.key, point.Value, point.Key, bad)
			}
		}
	}
	if plain < len(texts) {
		t.Errorf("only %d of %d are plain", plain, 2*len(texts))
	}
}
