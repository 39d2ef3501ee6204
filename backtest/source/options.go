package source

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/tinylib/msgp/msgp"
)

// The formats of rows, for Options.Format.
const (
	Golden  = "golden"  // JSON lines: partition, timestamp in ms, key, and the datapoint's msgpack as base64
	JSON    = "jsonl"   // JSON lines: each is a datapoint
	CSV     = "csv"     // a header, then a datapoint a row
	Msgpack = "msgpack" // datapoints one after the other, as maps
	topic   = "topic"   // records of Kafka; only OpenTopic makes them
)

// Formats are those that can be asked for.
var Formats = []string{Golden, JSON, CSV, Msgpack}

// Options say which fields of a row matter.
type Options struct {
	ValueField string
	KeyFields  []string
	// Map has the name that a field of the configuration has in the rows, if it is another one.
	Map map[string]string
	// Time names the field with the time; empty: the first of timestamp, timebin, ts and time that is there.
	Time        string
	Format      string    // of all inputs; empty: found by their content
	KeyFromFile bool      // each input is one entity, named by the file's path without its extensions
	Spool       bool      // keep what standard input gives in a temporary file, so that Rewind works
	Stdin       io.Reader // what "-" means; nil: the process's standard input
}

// ParseMap reads arguments such as scope=originasn, which says that the field scope is in the column originasn.
func ParseMap(arguments []string) (map[string]string, error) {
	names := make(map[string]string)
	for _, argument := range arguments {
		field, column, is := strings.Cut(argument, "=")
		if !is || field == "" || column == "" {
			return nil, fmt.Errorf("cannot read %q: want FIELD=COLUMN, such as scope=originasn", argument)
		}
		if names[field] != "" {
			return nil, fmt.Errorf("the field %q is mapped twice: to the columns %q and %q", field, names[field], column)
		}
		names[field] = column
	}
	return names, nil
}

// check refuses options that cannot be meant.
func (o Options) check() error {
	if o.Format != "" && !slices.Contains(Formats, o.Format) {
		return fmt.Errorf("unknown format %q: want one of %s", o.Format, strings.Join(Formats, ", "))
	}
	wanted := append([]string{o.ValueField}, o.KeyFields...)
	for _, field := range slices.Sorted(maps.Keys(o.Map)) {
		if !slices.Contains(wanted, field) {
			return fmt.Errorf("cannot map the field %q to a column: the configuration's fields are %s", field, strings.Join(wanted, ", "))
		}
	}
	for i, field := range wanted {
		for _, other := range wanted[:i] {
			if field != other && o.column(field) == o.column(other) {
				return fmt.Errorf("the fields %q and %q cannot both be in the column %q", other, field, o.column(field))
			}
		}
	}
	return nil
}

// column is what the rows call a field of the configuration.
func (o Options) column(field string) string { return cmp.Or(o.Map[field], field) }

// datapointName is what the datapoint calls a column. Keep is false if the datapoint leaves the column out, because another one, or
// the file's name, takes its place.
func (o Options) datapointName(column string) (field string, keep bool) {
	field, keep = column, o.Map[column] == ""
	for name, from := range o.Map {
		if from == column {
			field, keep = name, true
		}
	}
	if o.KeyFromFile && len(o.KeyFields) > 0 && field == o.KeyFields[0] {
		return "", false
	}
	return field, keep
}

// timeNames are where the time is looked for.
var timeNames = []string{"timestamp", "timebin", "ts", "time"}

// timeColumn finds the time among the names of columns.
func (o Options) timeColumn(names []string) (string, error) {
	if o.Time != "" {
		if slices.Contains(names, o.Time) {
			return o.Time, nil
		}
		return "", fmt.Errorf("there is no field %q for the time: the fields are %s", o.Time, listed(names))
	}
	for _, name := range timeNames {
		if slices.Contains(names, name) {
			return name, nil
		}
	}
	return "", fmt.Errorf("there is no field for the time: want one of %s, or another one named by --time; the fields are %s",
		strings.Join(timeNames, ", "), listed(names))
}

// listed writes names for people.
func listed(names []string) string {
	const most = 40
	var text strings.Builder
	for i, name := range names[:min(len(names), most)] {
		if i > 0 {
			text.WriteString(", ")
		}
		fmt.Fprintf(&text, "%.60q", name)
	}
	if len(names) > most {
		fmt.Fprintf(&text, " and %d more", len(names)-most)
	}
	return cmp.Or(text.String(), "none")
}

// wanted is a field that the detector looks at.
type wanted struct {
	column string
	name   []byte // the field's name as msgpack
}

// wanted are the value field and then the key fields, none twice.
func (o Options) wanted() (all []wanted) {
	fields := []string{o.ValueField}
	if !o.KeyFromFile {
		fields = append(fields, o.KeyFields...)
	}
	var seen []string
	for _, field := range fields {
		if !slices.Contains(seen, field) {
			seen = append(seen, field)
			all = append(all, wanted{o.column(field), msgp.AppendString(nil, field)})
		}
	}
	return all
}
