package source

import "bytes"

// flat reads a JSON object without lists, objects and escapes in it, as nearly all rows are, into tokens. It returns false for any
// other text, which fastjson reads then. It is several times as fast as fastjson, and reads no text otherwise: see FuzzFlat.
func (d *decoder) flat(line []byte) bool {
	d.tokens = d.tokens[:0]
	at := 0
	for i := 0; ; i++ {
		var t token
		var ok bool
		if known := d.layout.piece(i); known != nil && len(known.text) > 0 && bytes.HasPrefix(line[at:], known.text) {
			t.name = known.name
			at += len(known.text)
		} else {
			begin := at
			if at = space(line, at); at == len(line) {
				return false
			}
			switch {
			case i == 0 && line[at] == '{', i > 0 && line[at] == ',':
			case i > 0 && line[at] == '}':
				d.layout.end(i)
				return space(line, at+1) == len(line)
			default:
				return false
			}
			if t.name, at, ok = plainText(line, space(line, at+1)); !ok {
				return false
			}
			name := at - 1 - len(t.name)
			if at = space(line, at); at == len(line) || line[at] != ':' {
				return false
			}
			at = space(line, at+1)
			d.layout.learn(i, line[begin:at], name-begin, len(t.name))
		}
		if at == len(line) {
			return false
		}
		switch c := line[at]; {
		case c == '"':
			t.kind = textual
			t.text, at, ok = plainText(line, at)
		case c == '-' || c >= '0' && c <= '9':
			t.kind = number
			begin := at
			for at < len(line) && inNumber[line[at]] {
				at++
			}
			t.text = line[begin:at]
			ok = len(t.text) > 1 || c != '-'
		case c == 'n' && bytes.HasPrefix(line[at:], null):
			t.kind, t.text, ok = packed, packedNil, true
			at += len(null)
		default:
			return false
		}
		if !ok {
			return false
		}
		d.tokens = append(d.tokens, t)
	}
}

// layout is what the row before had around its values. Most rows have the same, and then their names need not be read.
type layout struct {
	pieces [mostPieces]piece
	ends   int    // how many values the row has
	of     *Input // of which places are known; nil: they are not known
	places []int  // of the fields that are wanted, and of the time, among the tokens; -1: missing
}

// piece is what stands before a value, with the value's name in it.
type piece struct{ text, name []byte }

// So a hostile row claims no more memory.
const mostPieces, longestPiece = 32, 256

// piece is the i-th one; nil if it is not remembered.
func (l *layout) piece(i int) *piece {
	if i >= mostPieces {
		return nil
	}
	return &l.pieces[i]
}

// learn remembers what stands before the i-th value.
func (l *layout) learn(i int, text []byte, name, size int) {
	l.of = nil
	p := l.piece(i)
	if p == nil {
		return
	}
	p.text = p.text[:0]
	if len(text) <= longestPiece {
		p.text = append(p.text, text...)
		p.name = p.text[name : name+size]
	}
}

// end notes how many values the row has.
func (l *layout) end(values int) {
	if l.ends != values {
		l.ends, l.of = values, nil
	}
}

// locate finds the places of the fields, unless they are those of the row before.
func (d *decoder) locate(input *Input) {
	if d.layout.of == input {
		return
	}
	if d.layout.places = d.layout.places[:0]; d.clean {
		d.layout.of = input // fastjson's tokens say nothing of the next row
	}
	for i := range d.wanted {
		d.layout.places = append(d.layout.places, d.place(d.wanted[i].column))
	}
	d.layout.places = append(d.layout.places, d.place(input.time))
}

var null = []byte("null")

// inNumber has the bytes that a JSON number may have.
var inNumber = [256]bool{'0': true, '1': true, '2': true, '3': true, '4': true, '5': true, '6': true, '7': true, '8': true, '9': true,
	'.': true, '-': true, '+': true, 'e': true, 'E': true}

// space is the offset of the first byte that is no space.
func space(line []byte, at int) int {
	for at < len(line) && (line[at] == ' ' || line[at] == '\t' || line[at] == '\r' || line[at] == '\n') {
		at++
	}
	return at
}

// plainText reads a JSON string that has no escapes.
func plainText(line []byte, at int) (text []byte, end int, ok bool) {
	if at == len(line) || line[at] != '"' {
		return nil, at, false
	}
	at++
	size := bytes.IndexByte(line[at:], '"')
	if size < 0 || bytes.IndexByte(line[at:at+size], '\\') >= 0 {
		return nil, at, false
	}
	return line[at : at+size], at + size + 1, true
}
