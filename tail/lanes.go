package tail

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// tally sums up some anomalies.
type tally struct {
	count int32
	worst float64
}

func (s *tally) add(deviation float64) {
	s.count++
	if math.Abs(deviation) > math.Abs(s.worst) {
		s.worst = deviation
	} else if deviation == -s.worst {
		s.worst = math.Abs(deviation) // the same in whatever order they come
	}
}

// ranked is a row of lanes. Rows are sorted by |deviation|, the largest first, then by label.
type ranked struct {
	size  float64
	label string
	id    uint32
}

func beforeRanked(a, b ranked) bool {
	return cmp.Or(cmp.Compare(b.size, a.size), cmp.Compare(a.label, b.label)) < 0
}

// Lanes counts anomalies by time and by row. If there are more than MostBins bins, the latest count. An error
// wraps ErrCursor.
func (t *Tail) Lanes(q LanesQuery) (Lanes, error) {
	after, err := parseRanked(q.Cursor)
	if err != nil {
		return Lanes{}, err
	}
	if q.Limit <= 0 {
		q.Limit = DefaultLimit
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	lanes := t.span(q)
	m := t.matcher(q.Filter)
	m.from, m.until = max(m.from, lanes.From), min(m.until, lanes.Until)
	if q.By != ByEntity && (q.By < 0 || q.By >= t.config.KeyFields) {
		m.nothing = true
	}
	// First sum up all rows, to find those of the page.
	sums := make([]tally, t.labels(q.By))
	cells := make([]tally, lanes.Bins)
	m.each(func(_ uint32, r *row) {
		cells[(r.at-lanes.From)/lanes.Bin].add(r.deviation)
		if id := t.labelOf(q.By, r); id != none {
			sums[id].add(r.deviation)
		}
	})
	lanes.All = lane("", nil, cells)
	first := page[ranked]{most: q.Limit + 1, before: beforeRanked}
	for id := range sums {
		if sums[id].count == 0 {
			continue
		}
		one := ranked{math.Abs(sums[id].worst), t.label(q.By, uint32(id)), uint32(id)}
		if q.Cursor == "" || beforeRanked(after, one) {
			first.offer(one)
		}
	}
	page := first.inOrder()
	if len(page) > q.Limit {
		page = page[:q.Limit]
		lanes.Next = page[q.Limit-1].cursor()
	}
	// Then the cells of these rows.
	cells = make([]tally, len(page)*lanes.Bins)
	for i, one := range page {
		sums[one.id].count = int32(-1 - i)
	}
	m.each(func(_ uint32, r *row) {
		id := t.labelOf(q.By, r)
		if id == none || sums[id].count >= 0 {
			return
		}
		i := int(-1 - sums[id].count)
		cells[i*lanes.Bins+int((r.at-lanes.From)/lanes.Bin)].add(r.deviation)
	})
	for i, one := range page {
		var fields []string
		if q.By == ByEntity {
			fields = t.fieldTexts(one.id)
		}
		lanes.Rows = append(lanes.Rows, lane(one.label, fields, cells[i*lanes.Bins:(i+1)*lanes.Bins]))
	}
	return lanes, nil
}

// span is the time that lanes show, and their bins.
func (t *Tail) span(q LanesQuery) (lanes Lanes) {
	bin := t.config.Rules.Bin.Milliseconds()
	from, until := t.begin(), t.now()+1
	if q.From != 0 {
		from = max(from, q.From)
	}
	if q.Until != 0 {
		until = min(until, q.Until)
	}
	if t.now() == noTime || until <= from {
		from, until = 0, 0
	}
	lanes.Bin = q.Bin.Milliseconds()
	if lanes.Bin < 1 {
		lanes.Bin = max(bin, down((until-from)/MostBins, bin))
		for count(from, until, lanes.Bin) > MostBins {
			lanes.Bin += bin
		}
	}
	lanes.Until = -down(-until, lanes.Bin)
	lanes.Bins = int(min(count(from, until, lanes.Bin), MostBins))
	lanes.From = lanes.Until - int64(lanes.Bins)*lanes.Bin
	return lanes
}

// count is how many bins lie between two times.
func count(from, until, bin int64) int64 { return (-down(-until, bin) - down(from, bin)) / bin }

// labels is how many labels there may be.
func (t *Tail) labels(by int) int {
	switch {
	case by == ByEntity:
		return len(t.entities)
	case by >= 0 && by < t.config.KeyFields:
		return len(t.values[by].texts)
	}
	return 0
}

func (t *Tail) labelOf(by int, r *row) uint32 {
	if by == ByEntity {
		return r.entity
	}
	return t.fieldsOf(r.entity)[by]
}

func (t *Tail) label(by int, id uint32) string {
	if by == ByEntity {
		return t.entities[id].key
	}
	return t.values[by].texts[id]
}

func lane(label string, fields []string, cells []tally) Lane {
	l := Lane{Label: label, Fields: fields, Cells: []Cell{}}
	var all tally
	for bin, cell := range cells {
		if cell.count == 0 {
			continue
		}
		all.add(cell.worst)
		l.Count += int(cell.count)
		l.Cells = append(l.Cells, Cell{Bin: bin, Count: int(cell.count), Deviation: cell.worst})
	}
	l.Worst = all.worst
	return l
}

// cursor is the row's |deviation| to the bit, and its label.
func (r ranked) cursor() string {
	return strconv.FormatUint(math.Float64bits(r.size), 16) + "." + base64.RawURLEncoding.EncodeToString([]byte(r.label))
}

func parseRanked(text string) (r ranked, err error) {
	if text == "" {
		return r, nil
	}
	left, right, _ := strings.Cut(text, ".")
	bits, err := strconv.ParseUint(left, 16, 64)
	label, err2 := base64.RawURLEncoding.DecodeString(right)
	r = ranked{size: math.Float64frombits(bits), label: string(label)}
	if err != nil || err2 != nil || r.cursor() != text || math.IsNaN(r.size) {
		return r, fmt.Errorf("%w: %.60q", ErrCursor, text)
	}
	return r, nil
}
