package source

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
)

// sample is rows of hegemony in each format.
func sample(format string, rows int) []byte {
	var text bytes.Buffer
	for i := range rows {
		at, scope, asn, hege := 1600000200+i/1000*900, 1000+i%70, 64500+i%997, float64(i*7919%10007)/10007
		switch format {
		case JSON:
			fmt.Fprintf(&text, `{"timestamp": %d, "scope": "%d", "asn": "%d", "hege": %v, "nb_peers": %d}`+"\n", at, scope, asn, hege, i%90)
		case CSV:
			if i == 0 {
				text.WriteString("timestamp,scope,asn,hege,nb_peers\n")
			}
			fmt.Fprintf(&text, "%d,%d,%d,%v,%d\n", at, scope, asn, hege, i%90)
		}
	}
	return text.Bytes()
}

var hegemony = Options{ValueField: "hege", KeyFields: []string{"scope", "asn"}}

// BenchmarkDecode is what decoding a row costs, without reading and decompression.
func BenchmarkDecode(b *testing.B) {
	for _, format := range []string{Golden, JSON, CSV} {
		b.Run(format, func(b *testing.B) {
			name := "../../testdata/golden/hegemony_mean/input.jsonl.gz"
			if format != Golden {
				name = write(b, "rows", string(sample(format, 20_000)))
			}
			all := slices.Collect(blocks(b, open(b, hegemony, name)))
			d := NewDecoder(hegemony)
			points := 0
			b.ReportAllocs()
			for b.Loop() {
				for _, block := range all {
					d.Decode(block, func(*Row) { points++ }, func(f *Fault) { b.Fatal(f) })
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(points), "ns/row")
		})
	}
}

// BenchmarkJSON is what finding the fields of a row costs, with the fast reader and with the library behind it.
func BenchmarkJSON(b *testing.B) {
	row := []byte(`{"timestamp": 1600009200, "scope": "2497", "asn": "173400", "hege": 0.0712345678901, "nb_peers": 91}`)
	d := NewDecoder(hegemony).(*decoder)
	b.Run("flat", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if !d.flat(row) {
				b.Fatal("the row is not flat")
			}
		}
	})
	b.Run("fastjson", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			d.tokens, d.scratch = d.tokens[:0], d.scratch[:0]
			value, err := d.json.ParseBytes(row)
			if err != nil {
				b.Fatal(err)
			}
			value.GetObject().Visit(d.visit)
		}
	})
}

// BenchmarkRead is what reading a row costs, decompression included, without decoding.
func BenchmarkRead(b *testing.B) {
	const rows = 200_000
	for _, c := range []struct{ name, format string }{{"jsonl.gz", JSON}, {"csv.zst", CSV}, {"csv", CSV}} {
		b.Run(c.name, func(b *testing.B) {
			packed := compressed(b, sample(c.format, rows))[filepath.Ext(c.name)]
			from := open(b, hegemony, write(b, c.name, string(packed)))
			loops := 0
			for b.Loop() {
				loops++
				for block := range blocks(b, from) {
					from.Release(block)
				}
				if err := from.Rewind(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(loops*rows), "ns/row")
		})
	}
}
