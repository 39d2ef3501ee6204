package tail

import (
	"math"
	"strings"
)

// matcher is a Filter, prepared for the entities that are held now.
type matcher struct {
	t         *Tail
	nothing   bool
	one       bool // the filter names one entity
	entity    uint32
	fields    []wanted
	text      string
	seen      []verdict // by entity: whether its key contains the text
	min       float64
	direction Direction

	anyDeviation bool // neither a least deviation nor a direction is asked for

	from, until int64
}

type wanted struct {
	field int
	value uint32
}

type verdict uint8

const (
	notLooked verdict = iota
	has
	hasNot
)

func (t *Tail) matcher(f Filter) *matcher {
	m := &matcher{t: t, min: f.MinDeviation, direction: f.Direction, from: math.MinInt64, until: math.MaxInt64}
	m.anyDeviation = m.min <= 0 && m.direction == Both
	if f.From != 0 {
		m.from = f.From
	}
	if f.Until != 0 {
		m.until = f.Until
	}
	if f.Entity != "" {
		id, known := t.index[f.Entity]
		m.one, m.entity, m.nothing = true, id, !known
	}
	for field, text := range f.Fields {
		if field < 0 || field >= t.config.KeyFields {
			m.nothing = true
			continue
		}
		value, known := t.values[field].index[text]
		m.nothing = m.nothing || !known
		m.fields = append(m.fields, wanted{field, value})
	}
	if f.Text != "" {
		m.text = strings.ToLower(f.Text)
		m.seen = make([]verdict, len(t.entities))
	}
	return m
}

// each calls take with all rows that match.
func (m *matcher) each(take func(i uint32, r *row)) {
	switch {
	case m.nothing:
	case m.one:
		for _, i := range m.t.entities[m.entity].rows {
			if r := m.t.rows.at(i); m.row(r) {
				take(i, r)
			}
		}
	default:
		// The latest rows are mostly at the end. A page that has them first need not change any more.
		for c := len(m.t.rows.chunks) - 1; c >= 0; c-- {
			chunk := m.t.rows.chunks[c]
			first := uint32(c * chunkRows)
			for i := int(min(m.t.rows.used-first, chunkRows)) - 1; i >= 0; i-- {
				if r := &chunk[i]; r.live && m.row(r) {
					take(first+uint32(i), r)
				}
			}
		}
	}
}

// row says whether an anomaly matches.
func (m *matcher) row(r *row) bool {
	return r.at >= m.from && r.at < m.until && m.deviation(r.deviation) && m.takes(r.entity)
}

func (m *matcher) deviation(d float64) bool {
	return math.Abs(d) >= m.min && (m.direction == Both || (d > 0) == (m.direction == Up))
}

// takes says whether an entity matches.
func (m *matcher) takes(id uint32) bool {
	if m.nothing || m.one && id != m.entity {
		return false
	}
	if len(m.fields) > 0 {
		values := m.t.fieldsOf(id)
		for _, w := range m.fields {
			if values[w.field] != w.value {
				return false
			}
		}
	}
	if m.seen == nil {
		return true
	}
	if m.seen[id] == notLooked {
		m.seen[id] = hasNot
		if contains(m.t.entities[id].key, m.text) {
			m.seen[id] = has
		}
	}
	return m.seen[id] == has
}

// contains says whether a key contains a text in lower case, whatever the key's case.
func contains(key, text string) bool {
	for i := range len(key) {
		if c := key[i]; c >= 0x80 || c >= 'A' && c <= 'Z' {
			return strings.Contains(strings.ToLower(key), text)
		}
	}
	return strings.Contains(key, text)
}
