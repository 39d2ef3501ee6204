package source

import "unicode/utf8"

// plain is what the scanner would find in the msgpack of the row whose cells were read, if that can be said without the msgpack: the
// value is a plain number, and the key is made of texts and whole numbers. Nearly all rows are so.
func (d *decoder) plain(at int64, raw []byte) (value float64, ok bool) {
	if at < 0 || !d.clean || d.cells[0].kind != number || !utf8.Valid(raw) {
		return 0, false
	}
	if value, ok = decimal(d.cells[0].text); !ok {
		return 0, false
	}
	d.key = d.key[:0]
	for i, cell := range d.keys {
		if i > 0 {
			d.key = append(d.key, ',')
		}
		t := &d.cells[cell]
		switch t.kind {
		case textual:
		case number:
			if _, whole := integer(t.text); !whole || !canonical(t.text) {
				return 0, false
			}
		default:
			return 0, false
		}
		d.key = append(d.key, t.text...)
	}
	return value, true
}
