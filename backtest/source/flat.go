package source

import "bytes"

// shape is how a row of flat JSON looks: the text before each value, with the opening quote of a string, and the text after the
// last one. Most rows of an input have the shape of the row before, so comparing these texts is enough to find the values.
type shape struct {
	parts []shapePart
	end   []byte
}

type shapePart struct {
	before []byte
	name   []byte // of the field; a part of before
	kind   tokenKind
}

// flat reads a JSON object without lists, objects, booleans and escapes in it, as nearly all rows are, into tokens. It returns
// false for any other text, which fastjson reads then. It reads no text otherwise than fastjson: see FuzzFlat.
func (d *decoder) flat(line []byte) bool {
	if d.alike(line) {
		return true
	}
	d.placesFor = ""
	if !d.learn(line) {
		d.shape.parts = d.shape.parts[:0]
		return false
	}
	return true
}

// alike reads a row of the last shape.
func (d *decoder) alike(line []byte) bool {
	parts := d.shape.parts
	if len(parts) == 0 {
		return false
	}
	tokens, at := d.tokens[:0], 0
	for i := range parts {
		part := &parts[i]
		begin := at + len(part.before)
		if begin > len(line) || string(line[at:begin]) != string(part.before) {
			return false
		}
		size := 0
		if part.kind == textual {
			size = textSize(line[begin:])
			at = begin + size + 1
		} else {
			size = numberSize(line[begin:])
			at = begin + size
		}
		if size < 0 {
			return false
		}
		tokens = append(tokens, token{part.name, part.kind, line[begin : begin+size]})
	}
	d.tokens = tokens
	return string(line[at:]) == string(d.shape.end)
}

// learn reads a row of any shape, and remembers the shape.
func (d *decoder) learn(line []byte) bool {
	d.tokens, d.shape.parts = d.tokens[:0], d.shape.parts[:0]
	at, last, likely := space(line, 0), 0, true
	if at == len(line) || line[at] != '{' {
		return false
	}
	for at = space(line, at+1); ; at = space(line, at+1) {
		if at == len(line) || line[at] != '"' {
			return false
		}
		nameAt := at + 1
		size := textSize(line[nameAt:])
		if size < 0 {
			return false
		}
		t := token{name: line[nameAt : nameAt+size]}
		if at = space(line, nameAt+size+1); at == len(line) || line[at] != ':' {
			return false
		}
		if at = space(line, at+1); at == len(line) {
			return false
		}
		begin := at
		switch c := line[at]; {
		case c == '"':
			begin++
			t.kind, size = textual, textSize(line[begin:])
			at = begin + size + 1
		case c == 'n' && bytes.HasPrefix(line[at:], null):
			t.kind, size, likely = packed, len(null), false // the next row may have a value
			at = begin + size
		default:
			t.kind, size = number, numberSize(line[begin:])
			at = begin + size
		}
		if size < 0 {
			return false
		}
		if t.text = line[begin : begin+size]; t.kind == packed {
			t.text = packedNil
		}
		d.tokens = append(d.tokens, t)
		d.shape.add(t, line[last:begin], nameAt-last)
		last = at
		if at = space(line, at); at == len(line) {
			return false
		}
		if line[at] == '}' {
			d.shape.end = append(d.shape.end[:0], line[last:]...)
			if !likely {
				d.shape.parts = d.shape.parts[:0]
			}
			return space(line, at+1) == len(line)
		}
		if line[at] != ',' {
			return false
		}
	}
}

// add adds a field with the text before its value, in which its name begins at an offset.
func (s *shape) add(t token, before []byte, name int) {
	if len(s.parts) < cap(s.parts) {
		s.parts = s.parts[:len(s.parts)+1]
	} else {
		s.parts = append(s.parts, shapePart{})
	}
	part := &s.parts[len(s.parts)-1]
	part.before = append(part.before[:0], before...)
	part.name, part.kind = part.before[name:name+len(t.name)], t.kind
}

var null = []byte("null")

// space is the offset of the first byte that is no space.
func space(line []byte, at int) int {
	for at < len(line) && (line[at] == ' ' || line[at] == '\t' || line[at] == '\r' || line[at] == '\n') {
		at++
	}
	return at
}

// textSize is the size of a string without escapes whose opening quote is before text; -1 if it is none.
func textSize(text []byte) int {
	size := bytes.IndexByte(text, '"')
	if size < 0 || bytes.IndexByte(text[:size], '\\') >= 0 {
		return -1
	}
	return size
}

// numberSize is the size of the number at the beginning of text; -1 if there is none. It may be no valid one: strconv tells.
func numberSize(text []byte) (size int) {
	if len(text) == 0 || text[0] != '-' && (text[0] < '0' || text[0] > '9') {
		return -1
	}
	for size < len(text) && inNumber[text[size]] {
		size++
	}
	if size == 1 && text[0] == '-' {
		return -1
	}
	return size
}

var inNumber = func() (in [256]bool) {
	for _, c := range []byte("0123456789+-.eE") {
		in[c] = true
	}
	return in
}()
