package actors

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"anomalydetector/messages"
)

// name is an entity's key, where its fields begin, and where the entity is.
type name struct {
	key    string
	cuts   cuts
	stored bool // it is only on disk
}

// cuts say where the fields of a key begin, from the second one on, if the key holds
// more commas than those between its fields. All 0: not needed, or not known. They fit
// into the padding of a child: keys with more fields, or longer ones, are not taken apart.
type cuts [3]uint16

func cutsOf(ends []int) (c cuts) {
	if len(ends) > len(c) || len(ends) > 0 && ends[len(ends)-1] >= math.MaxUint16 {
		return c
	}
	for i, end := range ends {
		c[i] = uint16(end + 1)
	}
	return c
}

// fields appends the fields of a key that has count of them; nothing if their places are
// not known.
func (n *name) fields(to []string, count int) []string {
	switch {
	case strings.Count(n.key, ",") == count-1:
		rest := n.key
		for range count - 1 {
			field, after, _ := strings.Cut(rest, ",")
			to, rest = append(to, field), after
		}
		return append(to, rest)
	case count == 1:
		return append(to, n.key)
	case n.cuts == cuts{} || count > len(n.cuts)+1:
		return to
	}
	begin := 0
	for _, cut := range n.cuts[:count-1] {
		to = append(to, n.key[begin:cut-1])
		begin = int(cut)
	}
	return append(to, n.key[begin:])
}

// names are the entities of a partition as of one moment, in the order of their keys.
// They are immutable.
//
// Beside the keys there is one text of all of them, folded to one case, each with a byte
// at its end that is in no text. So a search looks for a few bytes in one piece of memory.
type names struct {
	all  []name
	text []byte
	ends []int // of each key in the text, behind its last byte
}

// nameEnd is in no UTF-8 text.
const nameEnd = 0xff

// appendFolded appends a text in a form that is the same for upper and lower case.
func appendFolded(to []byte, text string) []byte {
	for _, r := range text {
		if r < utf8.RuneSelf {
			if 'A' <= r && r <= 'Z' {
				r += 'a' - 'A'
			}
			to = append(to, byte(r))
			continue
		}
		to = utf8.AppendRune(to, unicode.ToLower(unicode.ToUpper(r)))
	}
	return to
}

// find is the index that a key has, or would have, at or after another one: often it is near.
func (n *names) find(key string, from int) (at int, found bool) {
	step := 1
	for from+step <= len(n.all) && n.all[from+step-1].key < key {
		from, step = from+step, 2*step
	}
	part := n.all[from:min(from+step, len(n.all))]
	at, found = slices.BinarySearchFunc(part, key, func(one name, key string) int { return strings.Compare(one.key, key) })
	return from + at, found
}

// begin is where a key begins in the text.
func (n *names) begin(at int) int {
	if at == 0 {
		return 0
	}
	return n.ends[at-1]
}

// search visits the names that a query asks for until visit returns false; keys have count
// fields. It counts the keys that it leaves out though they may have the fields asked for:
// the places of theirs are not known.
func (n *names) search(q *messages.EntitiesQuery, count int, visit func(one *name, fields []string) bool) (untold int) {
	at := 0
	if q.After != "" {
		var same bool
		if at, same = n.find(q.After, 0); same {
			at++
		}
	}
	text := appendFolded(nil, q.Text)
	needle := text
	for i, value := range q.Fields {
		if wanted := neededText(i, count, value); len(wanted) > len(needle) {
			needle = wanted
		}
	}
	var scratch [8]string
	for at < len(n.all) {
		if len(needle) > 0 {
			begin := n.begin(at)
			found := bytes.Index(n.text[begin:], needle)
			if found < 0 {
				return untold
			}
			at = n.holds(at, begin+found)
		}
		one := &n.all[at]
		fields := one.fields(scratch[:0], count)
		key := n.text[n.begin(at):n.ends[at]]
		switch {
		case !bytes.Contains(key, text):
		case len(fields) == 0 && mayHaveFields(key, count, q.Fields):
			untold++
		case hasFields(fields, q.Fields) && !visit(one, fields):
			return untold
		}
		at++
	}
	return untold
}

// holds is the index of the name that holds a place of the text, at or after another one:
// mostly it is near.
func (n *names) holds(at, place int) int {
	step := 1
	for at+step < len(n.ends) && n.ends[at+step] <= place {
		at, step = at+step, 2*step
	}
	part := n.ends[at:min(at+step+1, len(n.ends))]
	more, same := slices.BinarySearch(part, place)
	if same {
		more++
	}
	return at + more
}

// neededText is what a key's text holds if a field has a value.
func neededText(field, count int, value string) []byte {
	var text []byte
	if field > 0 {
		text = append(text, ',')
	}
	text = appendFolded(text, value)
	if field < count-1 {
		text = append(text, ',')
	}
	return text
}

// mayHaveFields tells whether a key, as it is in the text, holds what it would with some
// fields.
func mayHaveFields(key []byte, count int, wanted map[int]string) bool {
	for i, value := range wanted {
		if i < 0 || i >= count || !bytes.Contains(key, neededText(i, count, value)) {
			return false
		}
	}
	return len(wanted) > 0
}

func hasFields(fields []string, wanted map[int]string) bool {
	for i, value := range wanted {
		if i < 0 || i >= len(fields) || fields[i] != value {
			return false
		}
	}
	return true
}
