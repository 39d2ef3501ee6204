package api

import (
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Encode writes a value in one line as encoding/json does, with three differences. Times are in UTC with
// milliseconds. A number that is infinite or not a number is null, so no answer can fail. A list without
// items is [], not null.
func Encode(value any) []byte { return append(appendJSON(nil, reflect.ValueOf(value)), '\n') }

// timeFormat is RFC 3339 with milliseconds. As text, times sort in their order.
const timeFormat = "2006-01-02T15:04:05.000Z07:00"

var timeType = reflect.TypeFor[time.Time]()

func appendJSON(b []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.Invalid:
		return append(b, "null"...)
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return append(b, "null"...)
		}
		return appendJSON(b, v.Elem())
	case reflect.Struct:
		if v.Type() == timeType {
			return append(v.Interface().(time.Time).UTC().AppendFormat(append(b, '"'), timeFormat), '"')
		}
		return appendObject(b, v)
	case reflect.Slice, reflect.Array:
		b = append(b, '[')
		for i := range v.Len() {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, v.Index(i))
		}
		return append(b, ']')
	case reflect.String:
		if text := v.String(); plain(text) {
			return append(append(append(b, '"'), text...), '"')
		}
	case reflect.Bool:
		return strconv.AppendBool(b, v.Bool())
	case reflect.Int, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(b, v.Int(), 10)
	case reflect.Float64:
		// Other numbers are written with an exponent, or not at all.
		if size := math.Abs(v.Float()); size >= 1e-6 && size < 1e21 {
			return strconv.AppendFloat(b, v.Float(), 'f', -1, 64)
		}
	}
	text, err := json.Marshal(v.Interface())
	if err != nil { // infinite, or not a number
		return append(b, "null"...)
	}
	return append(b, text...)
}

// plain says whether text needs no escapes.
func plain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}

func appendObject(b []byte, v reflect.Value) []byte {
	b = append(b, '{')
	first := true
	for _, p := range propertiesOf(v.Type()) {
		of := v.FieldByIndex(p.index)
		if p.optional && (of.IsZero() || of.Kind() == reflect.Slice && of.Len() == 0) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(append(b, '"'), p.name...)
		b = appendJSON(append(b, `":`...), of)
	}
	return append(b, '}')
}

// property is a field of a struct under its name in JSON.
type property struct {
	name     string
	index    []int
	optional bool
}

var properties sync.Map // reflect.Type to []property

// propertiesOf are the properties of a struct in the order of its declaration, with those of structs that it
// embeds.
func propertiesOf(t reflect.Type) []property {
	if known, ok := properties.Load(t); ok {
		return known.([]property)
	}
	var all []property
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || f.Anonymous || name == "-" || name == "" {
			continue
		}
		all = append(all, property{name, f.Index, options == "omitempty"})
	}
	properties.Store(t, all)
	return all
}
