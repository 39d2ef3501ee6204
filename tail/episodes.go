package tail

import (
	"fmt"
	"strings"

	"anomalydetector/episode"
)

// foundRun is a run in a list of episodes: open ones first, then by the position of the first anomaly.
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

// Episodes are the episodes that a filter chooses: open ones first, then those that opened latest first. The
// deviation of an episode is that of its peak. An episode is within a span of time if a part of it is. The
// cursor is the next of the page before; empty: the first page. A limit of 0 is DefaultLimit. An error wraps
// ErrCursor.
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
			return // it lies far from this page, so its rows need not be looked at
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
	return t.tell(all, t.concurrent(all)), next, nil
}

// EndedBetween returns the episodes that ended while stream time went from one time to another, at most limit
// of them in the order of the list, and how many more there are. A watcher calls it with the StreamTime of
// two States.
func (t *Tail) EndedBetween(f Filter, from, until int64, limit int) (episodes []Episode, more int) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	first := page[foundRun]{most: max(limit, 0), before: beforeRun}
	length := int64(t.config.Rules.ClearAfter) * t.config.Rules.Bin.Milliseconds()
	t.eachRun(t.matcher(f), func(id uint32, u *run) {
		if ends := u.lastAt + length; from <= ends && ends < until && !t.open(u) {
			more++
			first.offer(foundRun{t.rows.at(u.first).place(), false, id, *u})
		}
	})
	all := first.inOrder()
	return t.tell(all, t.concurrent(all)), more - len(all)
}

// EpisodeOf is the episode to which an anomaly of an entity belongs, given the anomaly's ID; if the ID is
// empty, it is the entity's latest episode. It costs little, so it leaves Concurrent at 0.
func (t *Tail) EpisodeOf(entity, id string) (e Episode, found bool) {
	want, ok := parseName(id)
	t.mu.RLock()
	defer t.mu.RUnlock()
	key, known := t.index[entity]
	if !known || !ok && id != "" {
		return e, false
	}
	one := &t.entities[key]
	at := len(one.rows) - 1
	if id != "" {
		for at >= 0 && !want.is(t.rows.at(one.rows[at])) {
			at--
		}
	}
	end := len(one.rows)
	for n := len(one.runs) - 1; n >= 0 && at >= 0; n-- {
		u := one.runs[n]
		if end -= int(u.points); at >= end {
			return t.tell([]foundRun{{t.rows.at(u.first).place(), t.open(&u), key, u}}, nil)[0], true
		}
	}
	return e, false
}

// Within is how many anomalies of an entity there are from a time up to and with another, and the time of the last of them.
func (t *Tail) Within(entity string, from, until int64) (count int, last int64) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	key, known := t.index[entity]
	if !known {
		return 0, 0
	}
	for _, i := range t.entities[key].rows {
		if at := t.rows.at(i).at; from <= at && at <= until {
			count++
			last = max(last, at)
		}
	}
	return count, last
}

// FieldsOf are the fields of an entity; nil if they are not known.
func (t *Tail) FieldsOf(entity string) []string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	id, known := t.index[entity]
	if !known {
		return nil
	}
	return t.fieldTexts(id)
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

// scope is what concurrent episodes have in common: the value of the first key field, and the bin in which
// they opened.
type scope struct {
	value uint32
	bin   int64
}

func (t *Tail) scopeOf(id uint32, u *run) scope {
	return scope{t.fieldsOf(id)[0], down(u.openedAt, t.config.Rules.Bin.Milliseconds())}
}

// concurrent counts, for the scopes of some episodes, all episodes in each scope.
func (t *Tail) concurrent(all []foundRun) map[scope]int {
	if t.config.KeyFields == 0 || len(all) == 0 {
		return nil
	}
	opened := make(map[scope]int)
	bins := make(map[int64]bool)
	for _, one := range all {
		s := t.scopeOf(one.entity, &one.run)
		opened[s] = 0
		bins[s.bin] = true
	}
	last := int64(noTime)
	var lastCounts bool
	t.eachRun(t.matcher(Filter{}), func(id uint32, u *run) {
		s := t.scopeOf(id, u)
		if s.bin != last {
			last, lastCounts = s.bin, bins[s.bin]
		}
		if !lastCounts {
			return
		}
		if n, wanted := opened[s]; wanted {
			opened[s] = n + 1
		}
	})
	return opened
}

// tell turns runs into episodes, with their texts.
func (t *Tail) tell(all []foundRun, opened map[scope]int) []Episode {
	episodes := make([]Episode, len(all))
	for i, one := range all {
		e := Episode{Episode: t.episodeNow(one.run), Entity: t.entities[one.entity].key, Fields: t.fieldTexts(one.entity), Habit: t.rows.habit(one.run.peak)}
		if e.Fields != nil && opened != nil {
			e.Concurrent = max(opened[t.scopeOf(one.entity, &one.run)]-1, 0)
		}
		episodes[i] = e
	}
	return episodes
}

// Rules are the rules by which episodes open and end.
func (t *Tail) Rules() episode.Rules { return t.config.Rules }

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
