package api

import (
	"encoding/csv"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"anomalydetector/web/answers"
)

// Formats of an answer, and their types.
const (
	jsonFormat   = "json"
	csvFormat    = "csv"
	ndjsonFormat = "ndjson"

	jsonType   = "application/json"
	csvType    = "text/csv"
	ndjsonType = "application/x-ndjson"
)

// accepted is the first format that a client accepts. Weights are ignored.
func accepted(accept string) string {
	for part := range strings.SplitSeq(accept, ",") {
		kind, _, _ := strings.Cut(part, ";")
		switch strings.ToLower(strings.TrimSpace(kind)) {
		case csvType:
			return csvFormat
		case ndjsonType, "application/ndjson", "application/jsonl":
			return ndjsonFormat
		case jsonType:
			return jsonFormat
		}
	}
	return jsonFormat
}

// respond writes an answer. What a table has no place for is in the headers: Link has the next page,
// Answer-Partial and Answer-Problem say what is missing.
func respond(w http.ResponseWriter, r *http.Request, answer any, format string, keys []string) {
	v := reflect.ValueOf(answer)
	header := w.Header()
	header.Add("Vary", "Accept")
	if next := v.FieldByName("Next"); next.IsValid() && next.String() != "" {
		query := r.URL.Query()
		query.Set("cursor", next.String())
		where := url.URL{Path: r.URL.Path, RawQuery: query.Encode()}
		header.Set("Link", "<"+where.String()+`>; rel="next"`)
	}
	items := v.FieldByName("Items")
	switch answer := answer.(type) {
	case answers.Entity:
		items = reflect.ValueOf(answer.Window)
	case answers.Lanes:
		items = reflect.ValueOf(cellsOf(&answer))
	}
	if format == jsonFormat || !items.IsValid() {
		header.Set("Content-Type", jsonType)
		_, _ = w.Write(Encode(answer)) // the client may have gone
		return
	}
	if v.FieldByName("Partial").Bool() {
		header.Set("Answer-Partial", "true")
	}
	for _, problem := range v.FieldByName("Problems").Interface().([]string) {
		header.Add("Answer-Problem", strconv.QuoteToASCII(short(problem)))
	}
	if format == ndjsonFormat {
		header.Set("Content-Type", ndjsonType)
		var lines []byte
		for i := range items.Len() {
			lines = append(appendJSON(lines, items.Index(i)), '\n')
		}
		_, _ = w.Write(lines)
		return
	}
	header.Set("Content-Type", csvType+"; charset=utf-8; header=present")
	_ = writeCSV(w, items, keys)
}

// laneCell is a cell of a lane as a row of a table.
type laneCell struct {
	Label     string          `json:"label"`
	Fields    []answers.Field `json:"fields"`
	Time      time.Time       `json:"time"` // the beginning of the bin
	Count     int             `json:"count"`
	Deviation *float64        `json:"deviation"`
}

// cellsOf are the cells of all lanes, lane by lane.
func cellsOf(lanes *answers.Lanes) (cells []laneCell) {
	for _, lane := range lanes.Items {
		for _, cell := range lane.Cells {
			begin := lanes.From.Add(time.Duration(cell.Bin*lanes.BinSeconds) * time.Second)
			cells = append(cells, laneCell{lane.Label, lane.Fields, begin, cell.Count, cell.Deviation})
		}
	}
	return cells
}

// writeCSV writes items as RFC 4180, with a column for each property. A property b of a property a is called
// a.b. The fields of a key are called key.NAME. Lists are JSON.
func writeCSV(w io.Writer, items reflect.Value, keys []string) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	columns, withKeys := columnsOf(items.Type().Elem())
	if !withKeys {
		keys = nil
	}
	for i := range items.Len() {
		if !withKeys {
			break
		}
		for _, f := range fieldsOf(items.Index(i)) {
			if !slices.Contains(keys, f.Name) {
				keys = append(slices.Clip(keys), f.Name)
			}
		}
	}
	var row []string
	for _, c := range columns {
		row = append(row, c.name)
	}
	for _, key := range keys {
		row = append(row, protected("key."+key))
	}
	if err := out.Write(row); err != nil {
		return err
	}
	for i := range items.Len() {
		item := items.Index(i)
		row = row[:0]
		for _, c := range columns {
			row = append(row, c.cell(item))
		}
		for _, key := range keys {
			value := ""
			for _, f := range fieldsOf(item) {
				if f.Name == key {
					value = f.Value
				}
			}
			row = append(row, protected(value))
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func fieldsOf(item reflect.Value) []answers.Field {
	return item.FieldByName("Fields").Interface().([]answers.Field)
}

// column is the way from an item to one of its cells.
type column struct {
	name string
	path [][]int // the index of each property on the way
}

// columnsOf are the columns of a struct. withKeys says whether it has the fields of a key.
func columnsOf(t reflect.Type) (columns []column, withKeys bool) {
	for _, p := range propertiesOf(t) {
		of := t.FieldByIndex(p.index).Type
		if of == reflect.TypeFor[[]answers.Field]() {
			withKeys = true
			continue
		}
		if of.Kind() == reflect.Pointer {
			of = of.Elem()
		}
		if of.Kind() != reflect.Struct || of == timeType {
			columns = append(columns, column{p.name, [][]int{p.index}})
			continue
		}
		inner, _ := columnsOf(of)
		for _, c := range inner {
			columns = append(columns, column{p.name + "." + c.name, append([][]int{p.index}, c.path...)})
		}
	}
	return columns, withKeys
}

// cell is the text of a cell; empty for null.
func (c column) cell(v reflect.Value) string {
	for _, index := range c.path {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return ""
			}
			v = v.Elem()
		}
		v = v.FieldByIndex(index)
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return ""
		}
		v = v.Elem()
	}
	if v.Kind() == reflect.String {
		return protected(v.String())
	}
	text := string(appendJSON(nil, v))
	if text == "null" {
		return ""
	}
	return strings.Trim(text, `"`) // the quotes of a time
}

// protected is text that no spreadsheet takes for a formula: an apostrophe precedes text that begins like
// one. Numbers, and keys of numbers such as -1,64510, stay as they are.
func protected(text string) string {
	if text == "" || !strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return text
	}
	if (text[0] == '-' || text[0] == '+') && strings.Trim(text[1:], "0123456789.,-") == "" {
		return text
	}
	return "'" + text
}
