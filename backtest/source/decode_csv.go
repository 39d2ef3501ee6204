package source

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"

	"anomalydetector/backtest/times"
)

// csvPart is a column of a CSV.
type csvPart struct {
	name  []byte // in the datapoint, as msgpack; nil: the datapoint leaves it out
	cells []int  // which cells of the decoder it fills
	value bool   // it has the value, which is a number
	key   bool
}

// header reads the first row of a CSV.
func (o Options) header(row []byte) (columns []csvPart, timeName string, err error) {
	if bytes.IndexByte(row, ',') < 0 { // there are at least a time and a value
		return nil, "", fmt.Errorf("the columns of a CSV are separated by commas, and its first row has none: %.80q", withoutLineEnd(row))
	}
	if !utf8.Valid(row) { // names become fields of datapoints, which the detector refuses otherwise
		return nil, "", fmt.Errorf("the header is not UTF-8: %.80q", withoutLineEnd(row))
	}
	var names []string
	for rest := withoutLineEnd(row); ; {
		cell, after, more, why := nextCell(rest, nil)
		if why != "" {
			return nil, "", fmt.Errorf("cannot read the header: %s", why)
		}
		names = append(names, string(bytes.TrimSpace(cell)))
		if !more {
			break
		}
		rest = after
	}
	if timeName, err = o.timeColumn(names); err != nil {
		return nil, "", err
	}
	columns = make([]csvPart, len(names))
	for i, name := range names {
		if field, keep := o.datapointName(name); keep {
			columns[i].name = msgp.AppendString(nil, field)
		}
	}
	var problems []error
	fill := func(column string, cell int) *csvPart {
		at := slices.Index(names, column)
		switch {
		case at < 0:
			problems = append(problems, fmt.Errorf("there is no column %q: the columns are %s; --map FIELD=COLUMN says which one a field has", column, listed(names)))
			return &csvPart{}
		case slices.Contains(names[at+1:], column):
			problems = append(problems, fmt.Errorf("there are two columns %q", column))
		}
		columns[at].cells = append(columns[at].cells, cell)
		return &columns[at]
	}
	fields := o.wanted()
	for i, field := range fields {
		if part := fill(field.column, i); i == 0 {
			part.value = true
		} else {
			part.key = true
		}
	}
	fill(timeName, len(fields))
	return columns, timeName, errors.Join(problems...)
}

// nextCell reads the first field of a row. More is false if it is the last one. Scratch takes the text if it does not stand
// in the row as it is.
func nextCell(row []byte, scratch *[]byte) (cell, rest []byte, more bool, why string) {
	if len(row) == 0 || row[0] != '"' {
		cell, rest, more = bytes.Cut(row, comma)
		return cell, rest, more, ""
	}
	closing := quoteEnd(row, 1)
	if closing < 0 {
		return nil, nil, false, StrayQuote
	}
	cell, rest = row[1:closing], row[closing+1:]
	if len(rest) > 0 && rest[0] != ',' {
		return nil, nil, false, StrayQuote
	}
	if bytes.IndexByte(cell, '"') >= 0 {
		var own []byte
		if scratch == nil {
			scratch = &own
		}
		begin := len(*scratch)
		for len(cell) > 0 {
			part, after, doubled := bytes.Cut(cell, twoQuotes)
			*scratch = append(*scratch, part...)
			if doubled {
				*scratch = append(*scratch, '"')
			}
			cell = after
		}
		cell = (*scratch)[begin:]
	}
	if len(rest) == 0 {
		return cell, nil, false, ""
	}
	return cell, rest[1:], true, ""
}

var comma, twoQuotes = []byte{','}, []byte{'"', '"'}

// split reads the cells that are wanted of a CSV's row.
func (d *decoder) split(input *Input, raw []byte) (ms int64, why string) {
	d.scratch = d.scratch[:0]
	columns := input.columns
	rest, more := raw, true
	for i := range columns {
		if !more {
			return 0, OtherWidth
		}
		var cell []byte
		if len(rest) > 0 && rest[0] == '"' {
			if cell, rest, more, why = nextCell(rest, &d.scratch); why != "" {
				return 0, why
			}
		} else if end := bytes.IndexByte(rest, ','); end >= 0 { // as nextCell does: a call for each cell costs 7 % of a row's time
			cell, rest = rest[:end], rest[end+1:]
		} else {
			cell, rest, more = rest, nil, false
		}
		for _, c := range columns[i].cells {
			filled := &d.cells[c] // a whole token would be copied
			filled.kind, filled.text = columns[i].token(cell)
		}
	}
	if more {
		return 0, OtherWidth
	}
	return d.time()
}

// token says what a cell's text means. A key stays a str, because its text is the key.
func (c *csvPart) token(cell []byte) (kind tokenKind, text []byte) {
	if !c.value {
		return textual, cell
	}
	if cell = bytes.TrimSpace(cell); len(cell) == 0 {
		return packed, packedNil
	}
	return number, cell
}

var packedNil = msgp.AppendNil(nil)

// appendRow appends a CSV's row as a map of all its columns. A whole number becomes an int if its text is the only one that the
// number has, so that a key of ints reads as the text.
func (d *decoder) appendRow(to []byte, input *Input, raw []byte) []byte {
	kept := 0
	for i := range input.columns {
		if input.columns[i].name != nil {
			kept++
		}
	}
	to = d.appendMap(to, input, kept)
	rest := raw
	for i := range input.columns {
		cell, after, _, _ := nextCell(rest, nil)
		rest = after
		c := &input.columns[i]
		if c.name == nil {
			continue
		}
		to = append(to, c.name...)
		var t token
		t.kind, t.text = c.token(cell)
		whole, is := times.Integer(cell)
		isNumber, _ := numeric(cell)
		switch {
		case c.value:
			to = t.append(to)
		case is && canonical(cell):
			to = msgp.AppendInt64(to, whole)
		case c.key:
			to = msgp.AppendStringFromBytes(to, cell)
		case len(cell) == 0:
			to = msgp.AppendNil(to)
		case isNumber:
			t.kind = number
			to = t.append(to)
		default:
			to = msgp.AppendStringFromBytes(to, cell)
		}
	}
	return to
}

// appendMap appends the header of a map of fields. If the entity is the file's, it is the first field.
func (d *decoder) appendMap(to []byte, input *Input, fields int) []byte {
	if !d.options.KeyFromFile || len(d.options.KeyFields) == 0 {
		return msgp.AppendMapHeader(to, uint32(fields))
	}
	to = msgp.AppendMapHeader(to, uint32(fields)+1)
	to = msgp.AppendString(to, d.options.KeyFields[0])
	return msgp.AppendString(to, input.key)
}
