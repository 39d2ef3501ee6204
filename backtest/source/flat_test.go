package source

import (
	"fmt"
	"math"
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
