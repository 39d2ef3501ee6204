package tail

import (
	"fmt"
	"strconv"
	"strings"
)

// DefaultLimit is the limit of a query that gives none.
const DefaultLimit = 100

// Anomalies are the anomalies that a filter chooses, the latest first; those of the same time are sorted by
// output partition and offset. The cursor is the next of the page before; empty: the first page. A limit of 0
// is DefaultLimit. An error wraps ErrCursor.
func (t *Tail) Anomalies(f Filter, cursor string, limit int) (entries []Entry, next string, err error) {
	after, err := parsePosition(cursor)
	if err != nil {
		return nil, "", err
	}
	if limit <= 0 {
		limit = DefaultLimit
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	type found struct {
		position
		row uint32
	}
	first := page[found]{most: limit + 1, before: func(a, b found) bool { return a.before(b.position) }}
	m := t.matcher(f)
	m.each(func(i uint32, r *row) {
		if p := r.place(); cursor == "" || after.before(p) {
			first.offer(found{p, i})
		}
	})
	all := first.inOrder()
	if len(all) > limit {
		all = all[:limit]
		next = all[limit-1].String()
	}
	entries = make([]Entry, len(all))
	for i, one := range all {
		entries[i] = t.entry(one.row)
	}
	return entries, next, nil
}

// Anomaly is the anomaly with an ID.
func (t *Tail) Anomaly(id string) (e Entry, found bool) {
	want, ok := parseName(id)
	if !ok {
		return Entry{}, false
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	t.matcher(Filter{}).each(func(i uint32, r *row) {
		if !found && want.is(r) {
			e, found = t.entry(i), true
		}
	})
	return e, found
}

// ByHabit is the anomaly of an entity with an ID, if the method habit has found it. It looks at the entity's anomalies only.
func (t *Tail) ByHabit(entity, id string) (e Entry, found bool) {
	want, ok := parseName(id)
	t.mu.RLock()
	defer t.mu.RUnlock()
	of, known := t.index[entity]
	if !ok || !known || len(t.rows.habits) == 0 {
		return e, false
	}
	for _, i := range t.entities[of].rows {
		if r := t.rows.at(i); r.habit && want.is(r) {
			return t.entry(i), true
		}
	}
	return e, false
}

// name is an ID: the one in the record, or else its place.
type name struct {
	id    [16]byte
	named bool
	place position
}

func parseName(text string) (n name, ok bool) {
	if n.id, n.named = parseID(text); n.named {
		return n, true
	}
	place, err := parsePosition("0." + strings.Replace(text, "-", ".", 1))
	n.place = place
	return n, err == nil
}

func (n *name) is(r *row) bool {
	if n.named {
		return r.named && r.id == n.id
	}
	return !r.named && r.outputPartition == n.place.partition && r.outputOffset == n.place.offset
}

// String is the cursor of a position: time.partition.offset.
func (p position) String() string {
	return strconv.FormatInt(p.at, 10) + "." + strconv.Itoa(int(p.partition)) + "." + strconv.FormatInt(p.offset, 10)
}

// parsePosition is the inverse of String. An empty text is the zero position.
func parsePosition(text string) (p position, err error) {
	if text == "" {
		return p, nil
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return p, fmt.Errorf("%w: %.60q", ErrCursor, text)
	}
	at, err := strconv.ParseInt(parts[0], 10, 64)
	partition, err2 := plain(parts[1], mostPartitions)
	offset, err3 := plain(parts[2], 1<<62)
	p = position{at, int32(partition), offset}
	if err != nil || err2 != nil || err3 != nil || p.String() != text {
		return p, fmt.Errorf("%w: %.60q", ErrCursor, text)
	}
	return p, nil
}
