package source

import (
	"bytes"
	"errors"

	"github.com/tinylib/msgp/msgp"
)

// wholeLines is how many bytes at the beginning of data are whole lines.
func wholeLines(data []byte) int { return bytes.LastIndexByte(data, '\n') + 1 }

// wholeRows is how many bytes at the beginning of data are whole rows of a CSV. A line end in quotes ends no row.
func wholeRows(data []byte) (whole int) {
	if bytes.IndexByte(data, '"') < 0 {
		return wholeLines(data)
	}
	for {
		row := rowEnd(data[whole:])
		if row < 0 {
			return whole
		}
		whole += row
	}
}

// rowEnd is the offset after the first row of a CSV; -1 if the row is not whole. A quote opens only at the beginning of a field.
func rowEnd(data []byte) int {
	line := bytes.IndexByte(data, '\n')
	for at := 0; ; {
		if line >= 0 && line < at { // the line end was in quotes
			if line = bytes.IndexByte(data[at:], '\n'); line >= 0 {
				line += at
			}
		}
		until := line
		if line < 0 {
			until = len(data)
		}
		quote := bytes.IndexByte(data[at:until], '"')
		if quote < 0 {
			if line < 0 {
				return -1
			}
			return line + 1
		}
		if quote += at; quote > 0 && data[quote-1] != ',' {
			at = quote + 1 // within a field that does not begin with a quote
			continue
		}
		closing := quoteEnd(data, quote+1)
		if closing < 0 {
			return -1
		}
		at = closing + 1
	}
}

// quoteEnd is the offset of the quote that closes a field whose content begins at an offset; -1: there is none. Two quotes stand
// for one that is part of the content.
func quoteEnd(data []byte, at int) int {
	for {
		next := bytes.IndexByte(data[at:], '"')
		if next < 0 {
			return -1
		}
		at += next
		if at+1 == len(data) || data[at+1] != '"' {
			return at
		}
		at += 2
	}
}

var errNotMsgpack = errors.New("not msgpack from here on: want datapoints as maps, one after the other")

// wholeMaps appends where the whole datapoints at the beginning of data end, and returns how many bytes they are.
func wholeMaps(data []byte, ends []span) (whole int, all []span, err error) {
	for whole < len(data) {
		rest, err := msgp.Skip(data[whole:])
		if errors.Is(err, msgp.ErrShortBytes) {
			break
		}
		if err != nil {
			return whole, ends, errNotMsgpack
		}
		whole = len(data) - len(rest)
		ends = append(ends, span{end: whole})
	}
	return whole, ends, nil
}
