package published

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"anomalydetector/tail"
)

// position is the place of an episode in a list: open ones first, then those that opened latest, then by ID.
type position struct {
	open bool
	at   int64
	id   string
}

func (e *Episode) position() position { return position{e.Open, e.OpenedAt, e.ID} }

func (p position) compare(other position) int {
	if p.open != other.open {
		if p.open {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(other.at, p.at), strings.Compare(p.id, other.id))
}

// String is the cursor of a position.
func (p position) String() string {
	state := "ended."
	if p.open {
		state = "open."
	}
	return state + strconv.FormatInt(p.at, 10) + "." + p.id
}

// parsePosition is the inverse of String.
func parsePosition(text string) (p position, err error) {
	parts := strings.SplitN(text, ".", 3)
	if len(parts) == 3 {
		p.open, p.id = parts[0] == "open", parts[2]
		p.at, err = strconv.ParseInt(parts[1], 10, 64)
	}
	if err != nil || p.String() != text {
		return p, fmt.Errorf("%w: %.60q", tail.ErrCursor, text)
	}
	return p, nil
}

// List is the episodes that a query chooses: open ones first, then those that opened latest first. An episode is within a span
// of time if a part of it is. The cursor is the next of the page before; empty: the first page. A limit of 0 is
// tail.DefaultLimit. An error wraps tail.ErrCursor.
func (e *Episodes) List(q Query, cursor string, limit int) (list []Episode, next string, err error) {
	var after position
	if cursor != "" {
		if after, err = parsePosition(cursor); err != nil {
			return nil, "", err
		}
	}
	if limit <= 0 {
		limit = tail.DefaultLimit
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	var all []*held
	e.each(&q, func(one *held) {
		if cursor == "" || after.compare(one.position()) < 0 {
			all = append(all, one)
		}
	})
	slices.SortFunc(all, func(a, b *held) int { return a.position().compare(b.position()) })
	if len(all) > limit {
		all = all[:limit]
		next = all[limit-1].position().String()
	}
	list = make([]Episode, len(all))
	for i, one := range all {
		list[i] = e.told(one)
	}
	e.countConcurrent(list)
	return list, next, nil
}

// fieldsOf are the fields of an episode's entity; nil: not known.
func (e *Episodes) fieldsOf(one *Episode) []string {
	if one.Fields != nil || one.Entity == "" || e.config.FieldsOf == nil {
		return one.Fields
	}
	return e.config.FieldsOf(one.Entity)
}

// told is an episode as answers have it.
func (e *Episodes) told(one *held) Episode {
	episode := one.Episode
	episode.Fields = e.fieldsOf(&episode)
	return episode
}

// each calls take with the episodes that a query chooses.
func (e *Episodes) each(q *Query, take func(*held)) {
	m := e.matcher(q)
	if q.Entity != "" {
		for _, one := range e.byEntity[q.Entity] {
			if m.takes(one) {
				take(one)
			}
		}
		return
	}
	for one := e.last; one != nil; one = one.prev {
		if m.takes(one) {
			take(one)
		}
	}
}

// matcher says which episodes a query chooses.
type matcher struct {
	e    *Episodes
	q    *Query
	text string // in lower case
}

func (e *Episodes) matcher(q *Query) matcher {
	return matcher{e: e, q: q, text: strings.ToLower(q.Text)}
}

func (m *matcher) takes(one *held) bool {
	q := m.q
	switch {
	case q.Kind != "" && q.Kind != one.Kind,
		q.State == Open && !one.Open, q.State == Ended && one.Open, q.State == Silent && m.e.silent(one.Entity) != one,
		!one.within(q.From, q.Until),
		q.Entity != "" && q.Entity != one.Entity,
		m.text != "" && !strings.Contains(strings.ToLower(one.Entity), m.text):
		return false
	}
	if len(q.Fields) > 0 {
		fields := m.e.fieldsOf(&one.Episode)
		for field, value := range q.Fields {
			if field < 0 || field >= len(fields) || fields[field] != value {
				return false
			}
		}
	}
	if q.MinDeviation <= 0 && q.Direction == tail.Both {
		return true
	}
	deviation := one.Peak.Deviation
	return one.Kind == Deviation && math.Abs(deviation) >= q.MinDeviation && (q.Direction == tail.Both || (deviation > 0) == (q.Direction == tail.Up))
}

// silent is the episode that says that an entity is silent; nil if it is not.
func (e *Episodes) silent(entity string) *held {
	var latest *held
	for _, one := range e.byEntity[entity] {
		if one.Kind == Absence && one.Open {
			return one
		}
		if latest == nil || one.change > latest.change {
			latest = one
		}
	}
	if latest != nil && latest.Outcome == silent {
		return latest
	}
	return nil
}

// together is what concurrent episodes have in common.
type together struct {
	kind, value string
	bin         int64
}

func (e *Episodes) together(one *Episode) (t together, is bool) {
	fields := e.fieldsOf(one)
	if len(fields) == 0 {
		return t, false
	}
	bin := e.config.Bin.Milliseconds()
	return together{one.Kind, fields[0], (one.OpenedAt - (one.OpenedAt%bin+bin)%bin) / bin}, true
}

// countConcurrent fills in Concurrent.
func (e *Episodes) countConcurrent(list []Episode) {
	counts := make(map[together]int)
	for i := range list {
		if t, is := e.together(&list[i]); is {
			counts[t] = 0
		}
	}
	if len(counts) == 0 {
		return
	}
	for one := e.first; one != nil; one = one.next {
		t, is := e.together(&one.Episode)
		if n, wanted := counts[t]; is && wanted {
			counts[t] = n + 1
		}
	}
	for i := range list {
		if t, is := e.together(&list[i]); is {
			list[i].Concurrent = counts[t] - 1
		}
	}
}

// Gaps are the gaps of which a part is in a span, in the order of their beginnings: those of a partition, or of all if it is
// negative.
func (e *Episodes) Gaps(partition int32, from, until int64) (gaps []Episode) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	for _, one := range e.gaps {
		if one.within(from, until) && (partition < 0 || partition == one.Partition) {
			gaps = append(gaps, one.Episode)
		}
	}
	slices.SortFunc(gaps, func(a, b Episode) int {
		return cmp.Or(cmp.Compare(a.OpenedAt, b.OpenedAt), cmp.Compare(a.Partition, b.Partition))
	})
	return gaps
}

// At is the deviation of an entity that was open at a time.
func (e *Episodes) At(entity string, at int64) (found Episode, is bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	for _, one := range e.byEntity[entity] {
		if one.Kind == Deviation && one.OpenedAt <= at && (one.Open || at <= one.EndedAt) {
			found, is = e.told(one), true
		}
	}
	return found, is
}
