package actors

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
)

// change is what became of an entity.
type change struct {
	name
	gone   bool // for good
	listed bool // found on disk: it changes nothing that is known
}

// with are the names after some changes, of which the last of each key counts.
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

// take appends a part of other names.
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

// sortChanges returns the changes in the order of their keys, the last of each key. It
// compares the eight bytes behind what all keys begin with, and the keys themselves only if
// those are the same: the keys are all over the memory.
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
