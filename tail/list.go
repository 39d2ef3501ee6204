package tail

import (
	"fmt"
	"strconv"
	"strings"

	"anomalydetector/episode"
)

// DefaultLimit is that of a query without one.
const DefaultLimit = 100

// Anomalies are those that a filter chooses, the latest first, of one time by output partition and
// offset. The cursor is the next of the page before; empty: from the first. An error wraps ErrCursor.
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
		entries[i] = t.entry(t.rows.at(one.row))
	}
	return entries, next, nil
}

// Anomaly is the one with an ID.
func (t *Tail) Anomaly(id string) (e Entry, found bool) {
	name, named := parseID(id)
	var place Place
	if !named {
		p, err := parsePosition("0." + strings.Replace(id, "-", ".", 1))
		if err != nil {
			return Entry{}, false
		}
		place = Place{p.partition, p.offset}
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	t.matcher(Filter{}).each(func(_ uint32, r *row) {
		switch {
		case found || r.named != named:
		case named && r.id == name, !named && r.outputPartition == place.Partition && r.outputOffset == place.Offset:
			e, found = t.entry(r), true
		}
	})
	return e, found
}

// String is a cursor: time.partition.offset.
func (p position) String() string {
	return strconv.FormatInt(p.at, 10) + "." + strconv.Itoa(int(p.partition)) + "." + strconv.FormatInt(p.offset, 10)
}

// parsePosition reads what String wrote; empty: the zero position.
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

// found is a run in a list of episodes: open ones first, then by the position of the first anomaly.
type foundRun struct {
	position
	open   bool
	entity uint32
	run    run
}

func beforeRun(a, b foundRun) bool {
	if a.open != b.open {
		return a.open
	}
	return a.before(b.position)
}

// Episodes are those that a filter chooses, open ones first, then those that opened latest first. The
// deviation of an episode is that of its peak; it is within a span of time if a part of it is. An error
// wraps ErrCursor.
func (t *Tail) Episodes(f Filter, state EpisodeState, cursor string, limit int) (episodes []Episode, next string, err error) {
	after, err := parseRun(cursor)
	if err != nil {
		return nil, "", err
	}
	if limit <= 0 {
		limit = DefaultLimit
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	first := page[foundRun]{most: limit + 1, before: beforeRun}
	m := t.matcher(f)
	t.eachRun(m, func(id uint32, u *run) {
		open := t.open(u)
		if state == Open && !open || state == Ended && open {
			return
		}
		if last := first.last(); last != nil && open == last.open && u.openedAt < last.at {
			return // it is far from this page, so its row need not be looked at
		}
		one := foundRun{t.rows.at(u.first).place(), open, id, *u}
		if cursor == "" || beforeRun(after, one) {
			first.offer(one)
		}
	})
	all := first.inOrder()
	if len(all) > limit {
		all = all[:limit]
		next = all[limit-1].cursor()
	}
	return t.tell(all), next, nil
}

// EndedBetween are the episodes that ended as stream time went from one time to another, in the order of
// the list: a watcher calls it with the StreamTime of two States.
func (t *Tail) EndedBetween(f Filter, from, until int64) []Episode {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var all []foundRun
	length := int64(t.config.Rules.ClearAfter) * t.config.Rules.Bin.Milliseconds()
	t.eachRun(t.matcher(f), func(id uint32, u *run) {
		if ends := u.lastAt + length; from <= ends && ends < until && !t.open(u) {
			all = append(all, foundRun{t.rows.at(u.first).place(), false, id, *u})
		}
	})
	kept := page[foundRun]{before: beforeRun, items: all}
	return t.tell(kept.inOrder())
}

// EpisodeOf is the episode that an anomaly of an entity, by its ID, belongs to; it is the latest if the
// ID is empty.
func (t *Tail) EpisodeOf(entity, id string) (e Episode, found bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	key, known := t.index[entity]
	if !known {
		return e, false
	}
	one := &t.entities[key]
	at, n := len(one.runs)-1, len(one.rows)
	for ; id != "" && n > 0; n-- {
		if t.rows.at(one.rows[n-1]).idText() == id {
			break
		}
	}
	for count := len(one.rows); id != "" && at >= 0; at-- {
		if count -= int(one.runs[at].points); n > count {
			break
		}
	}
	if n == 0 || at < 0 {
		return e, false
	}
	u := one.runs[at]
	return t.tell([]foundRun{{t.rows.at(u.first).place(), t.open(&u), key, u}})[0], true
}

// eachRun calls take with all runs that match.
func (t *Tail) eachRun(m *matcher, take func(id uint32, u *run)) {
	if m.nothing {
		return
	}
	first, last := 0, len(t.entities)-1
	if m.one {
		first, last = int(m.entity), int(m.entity)
	}
	for id := first; id <= last; id++ {
		one := &t.entities[id]
		if len(one.runs) == 0 || !m.takes(uint32(id)) {
			continue
		}
		for i := range one.runs {
			u := &one.runs[i]
			if u.lastAt >= m.from && u.openedAt < m.until && (m.anyDeviation || m.deviation(t.rows.at(u.peak).deviation)) {
				take(uint32(id), u)
			}
		}
	}
}

// tell gives episodes their words, and counts those that opened at the same time.
func (t *Tail) tell(all []foundRun) []Episode {
	type scope struct {
		value uint32
		bin   int64
	}
	length := t.config.Rules.Bin.Milliseconds()
	scopeOf := func(id uint32, u *run) scope {
		return scope{t.fieldsOf(id)[0], down(u.openedAt, length)}
	}
	opened := make(map[scope]int)
	bins := make(map[int64]bool)
	if t.config.KeyFields > 0 {
		for _, one := range all {
			s := scopeOf(one.entity, &one.run)
			opened[s] = 0
			bins[s.bin] = true
		}
	}
	if len(opened) > 0 {
		var last int64
		var lastIs bool
		t.eachRun(t.matcher(Filter{}), func(id uint32, u *run) {
			if bin := down(u.openedAt, length); bin != last || !lastIs {
				if last, lastIs = bin, bins[bin]; !lastIs {
					return
				}
			}
			s := scopeOf(id, u)
			if n, wanted := opened[s]; wanted {
				opened[s] = n + 1
			}
		})
	}
	episodes := make([]Episode, len(all))
	for i, one := range all {
		e := Episode{Episode: t.episodeNow(one.run), Entity: t.entities[one.entity].key, Fields: t.fieldTexts(one.entity)}
		if e.Fields != nil && len(opened) > 0 {
			e.Concurrent = max(opened[scopeOf(one.entity, &one.run)]-1, 0)
		}
		episodes[i] = e
	}
	return episodes
}

// Judge is the outcome of an episode, from the points of its entity in the order of time.
func (t *Tail) Judge(e Episode, points []episode.Point) episode.Outcome {
	return t.config.Rules.Judge(e.Episode, points)
}

func (r foundRun) cursor() string {
	if r.open {
		return "open." + r.String()
	}
	return "ended." + r.String()
}

func parseRun(text string) (r foundRun, err error) {
	if text == "" {
		return r, nil
	}
	state, rest, _ := strings.Cut(text, ".")
	if rest == "" || state != "open" && state != "ended" {
		return r, fmt.Errorf("%w: %.60q", ErrCursor, text)
	}
	r.open = state == "open"
	r.position, err = parsePosition(rest)
	return r, err
}
