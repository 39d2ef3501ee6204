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

// cuts are the positions at which the fields of a key begin, from the second field on. They are needed only if the fields
// themselves hold commas. All 0: not needed, or not known. They fit into the padding of a child, so keys of more than
// four fields, and keys longer than 65,535 bytes, have none.
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

// fields appends the count fields of a key. It appends nothing if it is not known where they begin.
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

// names are the entities of a partition at one moment, in the order of their keys. They are immutable.
//
// The text joins all keys, folded to one case, and ends each with nameEnd. So a search looks for a few bytes in one
// piece of memory.
type names struct {
	all  []name
	text []byte
	ends []int // where each key ends in the text, after its nameEnd
}

// nameEnd is a byte that no UTF-8 text has.
const nameEnd = 0xff

// appendFolded appends a text folded to one case.
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

// find returns the index of a key, or the index at which it would be inserted. The index is at or after from, and most
// often near it.
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

// search visits the names that a query asks for, until visit returns false. Keys have count fields. A key may have the
// fields that are asked for, while it is not known where its fields begin: search leaves it out, and counts it as untold.
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

// holds returns the index of the name that holds a place of the text. The index is at or after at, and most often near it.
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

// neededText is a part of the text that a key must have if a field has a value.
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

// mayHaveFields tells whether a folded key may have the wanted fields.
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
