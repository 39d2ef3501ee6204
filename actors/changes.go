package actors

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
)

// change is how the name of an entity changed.
type change struct {
	name
	gone   bool // the entity was removed from memory and disk
	listed bool // the key was found on disk: it changes no name that is known already
}

// with returns the names after some changes. Of several changes of a key the last one counts.
func (n *names) with(changes []change) *names {
	changes = sortChanges(changes)
	type place struct {
		at    int
		known bool
	}
	places, count, size, from := make([]place, len(changes)), len(n.all), len(n.text), 0
	for i, c := range changes {
		at, known := n.find(c.key, from)
		places[i], from = place{at, known}, at
		switch {
		case known && c.gone:
			count, size = count-1, size-(n.ends[at]-n.begin(at))
		case !known && !c.gone:
			count, size = count+1, size+len(c.key)+1
		}
	}
	next := &names{all: make([]name, 0, count), ends: make([]int, 0, count), text: make([]byte, 0, size)}
	from = 0
	for i, c := range changes {
		next.take(n, from, places[i].at)
		from = places[i].at
		if places[i].known {
			if c.listed {
				continue
			}
			from++
		}
		if !c.gone {
			next.all = append(next.all, c.name)
			next.text = append(appendFolded(next.text, c.key), nameEnd)
			next.ends = append(next.ends, len(next.text))
		}
	}
	next.take(n, from, len(n.all))
	return next
}

// take appends the names from index from up to index to, exclusive, of other.
func (n *names) take(other *names, from, to int) {
	if from == to {
		return
	}
	begin := other.begin(from)
	shift := len(n.text) - begin
	n.all = append(n.all, other.all[from:to]...)
	n.text = append(n.text, other.text[begin:other.ends[to-1]]...)
	for _, end := range other.ends[from:to] {
		n.ends = append(n.ends, end+shift)
	}
}

// sortChanges returns the last change of each key, in the order of the keys. It first compares the eight bytes after
// the prefix that all keys share, and the keys themselves only if those bytes are equal. That is faster, because the
// keys are spread over the memory.
func sortChanges(changes []change) []change {
	if len(changes) == 0 {
		return nil
	}
	common := changes[0].key
	for _, c := range changes {
		for !strings.HasPrefix(c.key, common) {
			common = common[:len(common)-1]
		}
	}
	type item struct {
		head uint64
		at   int
	}
	items := make([]item, len(changes))
	for i, c := range changes {
		var head [8]byte
		copy(head[:], c.key[len(common):])
		items[i] = item{binary.BigEndian.Uint64(head[:]), i}
	}
	slices.SortFunc(items, func(a, b item) int {
		if a.head != b.head {
			return cmp.Compare(a.head, b.head)
		}
		return cmp.Or(strings.Compare(changes[a.at].key, changes[b.at].key), a.at-b.at)
	})
	sorted := make([]change, 0, len(items))
	for _, one := range items {
		c := changes[one.at]
		if last := len(sorted) - 1; last >= 0 && sorted[last].key == c.key {
			sorted[last] = c
			continue
		}
		sorted = append(sorted, c)
	}
	return sorted
}
