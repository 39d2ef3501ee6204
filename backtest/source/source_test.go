package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"anomalydetector/datapoint"
	"anomalydetector/test/golden"
)

// write writes a file into a folder of the test.
func write(t testing.TB, name, content string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// open opens files, and closes them at the end of the test.
func open(t testing.TB, o Options, names ...string) Source {
	t.Helper()
	from, err := Open(names, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := from.Close(); err != nil {
			t.Error(err)
		}
	})
	return from
}

// blocks yields the blocks of a source that can be read to its end.
func blocks(t testing.TB, from Source) iter.Seq[*Block] {
	return func(yield func(*Block) bool) {
		for {
			b, err := from.Next(context.Background())
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !yield(b) {
				return
			}
		}
	}
}

// everything reads a source to its end, as one line of text for each row, fault and error.
func everything(t testing.TB, from Source, o Options) (lines []string) {
	t.Helper()
	d := NewDecoder(o)
	for {
		b, err := from.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return lines
		}
		if err != nil {
			lines = append(lines, "error "+withoutFolder(err.Error()))
			continue
		}
		d.Decode(b, func(r *Row) {
			lines = append(lines, fmt.Sprintf("%d %d %s %v", r.Line, r.At, r.Key, r.Value))
		}, func(f *Fault) {
			lines = append(lines, fmt.Sprintf("%d %s", f.Line, reason(f)))
		})
		from.Release(b)
	}
}

func reason(f *Fault) string {
	if f.Bad != nil {
		return f.Bad.Reason.String()
	}
	return f.Why
}

// withoutFolder shortens paths in a message.
func withoutFolder(text string) string {
	words := strings.Fields(text)
	for i, word := range words {
		words[i] = filepath.Base(word)
	}
	return strings.Join(words, " ")
}

// readAll opens files and reads them.
func readAll(t testing.TB, o Options, names ...string) []string {
	t.Helper()
	from, err := Open(names, o)
	if err != nil {
		return []string{"cannot open: " + withoutFolder(err.Error())}
	}
	defer from.Close()
	return everything(t, from, o)
}

func compare(t testing.TB, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("read\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestRowsOfEachFormat(t *testing.T) {
	ihr := hegemony
	ihr.Map = map[string]string{"scope": "originasn"}
	byFile := hegemony
	byFile.KeyFromFile = true
	byFile.Map = map[string]string{"hege": "value"}
	ofTime := hegemony
	ofTime.Time = "when"
	dump := msgp.AppendMapStrStr(nil, nil)[:0]
	for i := range 2 {
		dump, _ = msgp.AppendMapStrIntf(dump, map[string]any{"timestamp": 1600000200 + 900*i, "scope": 1, "asn": "2", "hege": 0.5})
	}
	for _, c := range []struct {
		name    string
		options Options
		content string
		want    []string
	}{
		{"CSV", hegemony, "timestamp,scope,asn,hege\n1600000200,1,2,0.5\n1600001100,1,2,1\n",
			[]string{"2 1600000200000 1,2 0.5", "3 1600001100000 1,2 1"}},
		{"CSV of the archive", ihr, "timebin,originasn,asn,hege\n2020-09-13 12:30:00+00,1,2,0.5\n",
			[]string{"2 1600000200000 1,2 0.5"}},
		{"CSV with CRLF, a mark, empty lines, spaces and no last line end", hegemony, "\xef\xbb\xbf\r\n\r\n timestamp , scope,asn,hege\r\n1600000200000,1,2, 0.5 \r\n\r\n2020-09-13T12:45:00Z,1,2,1e-1",
			[]string{"4 1600000200000 1,2 0.5", "6 1600001100000 1,2 0.1"}},
		{"CSV with quotes", hegemony, "timestamp,\"scope\",asn,hege\n1600000200,\"a,\"\"b\"\"\nc\",2,\"0.5\"\n1600000200,a\"b,\"\",0.5\n1600000200,\"a\"b,,0.5\n1600000200,x,,0.5\n",
			[]string{"2 1600000200000 a,\"b\"\nc,2 0.5", "4 1600000200000 a\"b, 0.5", "5 " + StrayQuote, "6 1600000200000 x, 0.5"}},
		{"CSV with keys as they stand", hegemony, "timestamp,scope,asn,hege\n1600000200, 01,1.50,0.5\n1600000200,-0,99999999999999999999,0.5\n",
			[]string{"2 1600000200000  01,1.50 0.5", "3 1600000200000 -0,99999999999999999999 0.5"}},
		{"CSV with bad rows", hegemony, "timestamp,scope,asn,hege\nx,1,2,0.5\n1600000200,1,2\n1600000200,1,2,3,4\n1600000200,1,2,\n1600000200,1,2,x\n1600000200,1,2,NaN\n1600000200,1,2,1e999\n1600000200,1,\xff,1\n-5,1,2,1\n1600000200,1,2,0x10\n",
			[]string{"2 " + NoTime, "3 " + OtherWidth, "4 " + OtherWidth, "5 value_not_a_number", "6 value_not_a_number", "7 value_not_finite", "8 value_not_finite", "9 not_utf8", "10 negative_timestamp", "11 value_not_a_number"}},
		{"CSV without rows", hegemony, "timestamp,scope,asn,hege\n", nil},
		{"CSV without columns", hegemony, "time,scope,value\n1,2,3\n",
			[]string{`cannot open: rows:1: there is no column "hege": the columns are "time", "scope", "value"; --map FIELD=COLUMN says which one a field has there is no column "asn": the columns are "time", "scope", "value"; --map FIELD=COLUMN says which one a field has`}},
		{"CSV without a time", hegemony, "scope,asn,hege\n1,2,3\n",
			[]string{`cannot open: rows:1: there is no field for the time: want one of timestamp, timebin, ts, time, or another one named by --time; the fields are "scope", "asn", "hege"`}},
		{"CSV with semicolons", hegemony, "timestamp;scope;asn;hege\n1600000200;1;2;0.5\n",
			[]string{`cannot open: rows:1: the columns of a CSV are separated by commas, and its first row has none: "timestamp;scope;asn;hege"`}},
		{"CSV with tabs and quotes", hegemony, "\"timestamp\"\t\"scope\"\t\"asn\"\t\"hege\"\r\n",
			[]string{`cannot open: rows:1: the columns of a CSV are separated by commas, and its first row has none: "\"timestamp\"\t\"scope\"\t\"asn\"\t\"hege\""`}},
		{"CSV whose column is there twice", hegemony, "time,scope,asn,hege,asn\n1,2,3,4,5\n", []string{`cannot open: rows:1: there are two columns "asn"`}},
		{"CSV with an open quote", hegemony, "timestamp,scope,asn,hege\n1600000200,1,2,3\n1600000200,\"1,2,3\n1600000200,1,2,3\n",
			[]string{"2 1600000200000 1,2 3", "error rows:3: a quote begins in this row and is never closed"}},
		{"CSV of one entity", byFile, "timestamp,value\n2020-09-13 12:30:00,3\n", []string{"2 1600000200000 FILE 3"}},
		{"CSV with a time of another name", ofTime, "timestamp,when,scope,asn,hege\nx,1600000200.25,1,2,3\n", []string{"2 1600000200250 1,2 3"}},
		{"empty", hegemony, "", nil},
		{"empty lines", hegemony, "\n\n", nil},
		{"JSON", hegemony, `{"timestamp":1600000200,"scope":1,"asn":"2","hege":0.5}` + "\n\n" + ` { "hege" : 1 , "asn":1.5,"scope":"\u00e9", "timestamp":"2020-09-13T12:30:00Z","more":[1,{"x":null}]} `,
			[]string{"1 1600000200000 1,2 0.5", "3 1600000200000 é,1.5 1"}},
		{"JSON whose last field counts", hegemony, `{"timestamp":1600000200,"scope":1,"asn":"2","hege":0.5,"hege":7}`, []string{"1 1600000200000 1,2 7"}},
		{"JSON with bad rows", hegemony, `{"timestamp":1600000200,"scope":1,"asn":2}
{"timestamp":1600000200,"scope":1,"hege":2}
{"timestamp":1600000200,"scope":1,"asn":null,"hege":2}
{"timestamp":1600000200,"scope":true,"asn":1,"hege":2}
{"timestamp":1600000200,"scope":1,"asn":1,"hege":"2"}
{"timestamp":1600000200,"scope":1,"asn":1,"hege":NaN}
{"scope":1,"asn":1,"hege":1}
{"timestamp":1600000200,"scope":1
[1]
{"timestamp":1600000200,"scope":1,"asn":1,"hege":1,"x":"` + "\xff" + `"}
{"timestamp":123456789012345678,"scope":1,"asn":1,"hege":1}
{"timestamp":-1,"scope":1,"asn":1,"hege":1}`,
			[]string{"1 field_missing", "2 field_missing", "3 key_type", "4 key_type", "5 value_not_a_number", "6 value_not_finite", "7 " + NoTime,
				"8 " + NotJSON, "9 " + NotJSON, "10 not_utf8", "11 " + NoTime, "12 negative_timestamp"}},
		{"JSON without a time", hegemony, `{"scope":1}`, []string{`cannot open: rows:1: there is no field for the time: want one of timestamp, timebin, ts, time, or another one named by --time; the fields are "scope"`}},
		{"JSON array", hegemony, "[\n{}]", []string{"cannot open: rows:1: this looks like a JSON array: want one datapoint a line, such as jq -c '.[]' writes them"}},
		{"golden", hegemony, `{"partition": 4, "timestamp": 1600000200000, "key": "6939", "value": "hal0aW1lc3RhbXDOX14QyKVzY29wZaQ2OTM5o2FzbqQxOTIypGhlZ2XLP6I+aQywczKobmJfcGVlcnNP"}
{"partition": 4, "timestamp": 1600000200000, "key": null, "value": null}
{"partition": 4, "timestamp": -1, "key": null, "value": "gA=="}
{"partition": 4, "timestamp": 1, "key": null, "value": ""}
{"partition": 4, "timestamp": 1, "key": null, "value": "?"}
{"partition": 4, "timestamp": 1}
`, []string{"1 1600000200000 6939,1922 0.03563240318201223", "2 tombstone", "3 negative_timestamp", "4 truncated", "5 " + NotGolden, "6 " + NotGolden}},
		{"msgpack", hegemony, string(dump), []string{"1 1600000200000 1,2 0.5", "2 1600001100000 1,2 0.5"}},
		{"msgpack that ends early", hegemony, string(dump[:len(dump)-1]), []string{"1 1600000200000 1,2 0.5", "error rows:2: the last datapoint is not whole"}},
		{"msgpack with other bytes", hegemony, string(dump) + "\xc1", []string{"1 1600000200000 1,2 0.5", "2 1600001100000 1,2 0.5", "error rows:3: " + errNotMsgpack.Error()}},
		{"UTF-16", hegemony, "\xff\xfet\x00i\x00", []string{"cannot open: rows:1: this is neither JSON lines, CSV nor msgpack: want UTF-8 text, or msgpack maps"}},
		{"zip", hegemony, "PK\x03\x04abc", []string{"cannot open: rows: compressed with zip, which is not read: want .gz, .zst, .lz4, .bz2, or no compression"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, "rows", c.content)
			for i := range c.want {
				c.want[i] = strings.ReplaceAll(c.want[i], "FILE", path)
			}
			compare(t, readAll(t, c.options, path), c.want...)
		})
	}
}

// TestRowsAreTheDetectorsOwn reads the golden cases, and compares each row with what the detector reads in the record.
func TestRowsAreTheDetectorsOwn(t *testing.T) {
	for _, name := range golden.Names {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join("../../testdata/golden", name)
			c, err := golden.Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			o := Options{ValueField: c.Conf.IO.ValueField, KeyFields: c.Conf.IO.KeyFields}
			from := open(t, o, filepath.Join(dir, "input.jsonl.gz"))
			scanner, d, i := datapoint.NewScanner(o.ValueField, o.KeyFields), NewDecoder(o), 0
			for b := range blocks(t, from) {
				d.Decode(b, func(r *Row) {
					record := c.Records[i]
					point, bad := scanner.Scan(record.Timestamp.UnixMilli(), record.Value)
					if bad != nil || string(point.Key) != string(r.Key) || point.Value != r.Value || r.At != record.Timestamp.UnixMilli() || r.Line != i+1 {
						t.Fatalf("row %d is %+v, and the record %+v", i, r, record)
					}
					partition, key, known := Origin(b, r)
					if !known || partition != record.Partition || !bytes.Equal(key, record.Key) || (key == nil) != (record.Key == nil) {
						t.Fatalf("row %d comes from partition %d with key %q, %v", i, partition, key, known)
					}
					if got := d.Datapoint(nil, b, r); !bytes.Equal(got, record.Value) {
						t.Fatalf("row %d has the datapoint %q, and the record %q", i, got, record.Value)
					}
					if fields := d.Fields(b, r); len(fields) != len(o.KeyFields) || strings.Join(fields, ",") != string(r.Key) {
						t.Fatalf("row %d has the fields %q", i, fields)
					}
					i++
				}, func(f *Fault) { t.Fatalf("row %d is bad: %v", i, f) })
				from.Release(b)
			}
			if i != len(c.Records) {
				t.Errorf("read %d of %d rows", i, len(c.Records))
			}
		})
	}
}

func TestDatapointHasTheWholeRow(t *testing.T) {
	mapped := hegemony
	mapped.Map = map[string]string{"scope": "originasn"}
	byFile := Options{ValueField: "value", KeyFields: []string{"series"}, KeyFromFile: true}
	for _, c := range []struct {
		name    string
		options Options
		content string
		want    map[string]any
		fields  []string
	}{
		{"CSV", mapped, "timebin,originasn,asn,hege,scope,note,x,y\n1600000200,\"1,1\",01,3,lost,a\"b,,2.5\n",
			map[string]any{"timebin": int64(1600000200), "scope": "1,1", "asn": "01", "hege": int64(3), "note": `a"b`, "x": nil, "y": 2.5}, []string{"1,1", "01"}},
		{"JSON", mapped, `{"timestamp":1600000200,"originasn":1,"asn":"2","hege":0.5,"scope":"lost","l":[1,-2.5,null,true,{"a":"\u00e9"}]}`,
			map[string]any{"timestamp": int64(1600000200), "scope": int64(1), "asn": "2", "hege": 0.5, "l": []any{int64(1), -2.5, nil, true, map[string]any{"a": "é"}}}, []string{"1", "2"}},
		{"of one entity", byFile, "timestamp,value,series\n1600000200,1,x\n", map[string]any{"timestamp": int64(1600000200), "value": int64(1), "series": "FILE"}, []string{"FILE"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, "rows.csv", c.content)
			b, err := open(t, c.options, path).Next(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			d := NewDecoder(c.options)
			d.Decode(b, func(r *Row) {
				got, rest, err := msgp.ReadMapStrIntfBytes(d.Datapoint(nil, b, r), nil)
				if err != nil || len(rest) > 0 {
					t.Fatalf("not a map: %v", err)
				}
				name := strings.TrimSuffix(path, ".csv")
				for field, value := range c.want {
					if value == "FILE" {
						c.want[field] = name
					}
				}
				for i := range c.fields {
					c.fields[i] = strings.ReplaceAll(c.fields[i], "FILE", name)
				}
				if !reflect.DeepEqual(normal(got), normal(c.want)) {
					t.Errorf("the datapoint is %v, want %v", got, c.want)
				}
				if fields := d.Fields(b, r); !reflect.DeepEqual(fields, c.fields) {
					t.Errorf("the fields are %q, want %q", fields, c.fields)
				}
			}, func(f *Fault) { t.Fatal(reason(f)) })
		})
	}
}

// normal makes all ints int64.
func normal(value any) any {
	switch v := value.(type) {
	case uint64:
		return int64(v)
	case map[string]any:
		for name := range v {
			v[name] = normal(v[name])
		}
	case []any:
		for i := range v {
			v[i] = normal(v[i])
		}
	}
	return value
}
