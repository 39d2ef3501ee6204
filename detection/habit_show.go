package detection

import (
	"math"
	"slices"
)

// This file tells people what a state of the method habit knows. Nothing in it decides.

// Recalled is a point that a state still has, and what was expected of it when it came.
type Recalled struct {
	At    int64 // Unix milliseconds
	Value float64
	// Known says that the state can still tell the rest.
	Known bool
	// Exact says that Expected, Low and High differ from those of the point's Judgement only by rounding, if it was scored. If not, they
	// come from what the state still has: most of the half hours and days that they came from, without those that newer ones have replaced.
	Exact               bool
	Expected, Low, High float64
}

// KeptHours is how long a state keeps points. It may keep some for longer, up to history_hours, if they are few.
func (r *HabitRules) KeptHours() float64 { return float64(max(r.span, r.kept)) / (60 * 60 * 1000) }

// Full is how many points a state without gaps keeps.
func (r *HabitRules) Full() int {
	return max(int(min(max(r.span, r.kept)/max(r.step, 1), 1<<40)), r.count)
}

// Len is the number of points that the state has.
func (h *Habit) Len() int { return h.points.len() }

// Span is the earliest and the latest time among the first n points of the state, in Unix milliseconds, as Window.Span is. n must be from 1 to Len.
func (h *Habit) Span(n int) (earliest, latest int64) { return h.points.span(n) }

// Recall tells the points that the state has, in the order of arrival, and what was expected of them. With 96 points a day and 72 hours of history,
// these are the points of the last 48 hours.
//
//   - Exact are the points whose residual the state has (the last 24 without a gap) and those of the last half hour, as far as they are of today.
//   - Known are also the other points of the last 24 hours; with h hours of history, of the last h - 48 hours, but of about two days at most. Of
//     the season's 15 half hours, the state has lost the two from five days before the point. If the point is not of today, one of the seven
//     days is lost, too. In the test's streams, the expected value is wrong by more than a tenth of the band's reach for one of 800 such points,
//     and the reach itself for one of 8.
//   - Not known are the rest, and the first point after a gap of a day: the state does not have the values that gave their level.
//
// A point that was not scored, for the window had too few points, may be known nevertheless.
func (h *Habit) Recall(r *HabitRules) []Recalled {
	n := h.points.len()
	all := make([]Recalled, n)
	levels := h.levels(r)
	residuals := h.residualsOf()
	seasons := newHindsight(h)
	today, newest := true, int64(math.MinInt64)
	usual := h.one
	for i := n - 1; i >= 0; i-- {
		p := h.recalled(i)
		one := &all[i]
		one.At, one.Value = p.at, p.value
		season, known, exact := seasons.before(p.at / halfHour)
		if date := p.at / day; today && date != h.now.day-1 {
			today = false
			usual = h.usualBefore(date)
		} else if !today && i+1 < n && date != h.points.at(i+1).at/day {
			usual = h.usualBefore(date)
		}
		// The values of the level are there if none can have been dropped since.
		if known = known && !math.IsNaN(levels[i]) && (i == n-1 || p.at-r.span >= newest-r.kept); known {
			one.Expected = levels[i] + season
		}
		if residual := residuals[i]; !math.IsNaN(residual) && !(known && exact) {
			one.Expected, known, exact = p.value-residual, true, true
		}
		reach := max(float64(r.factor*usual), r.floor)
		one.Low, one.High = one.Expected-reach, one.Expected+reach
		one.Known = known && !math.IsNaN(one.Low) && !math.IsNaN(one.High)
		one.Exact = one.Known && exact && today
		if !one.Known {
			*one = Recalled{At: p.at, Value: p.value}
		}
		newest = max(newest, p.at)
	}
	return all
}

// Latest is the judgement of the last point that arrived, to the last bit, unless it was the first after a gap of a day: then up to rounding. It is
// all zero if there was none.
func (h *Habit) Latest(r *HabitRules) Judgement {
	n := h.points.len()
	if n == 0 {
		return Judgement{}
	}
	last := h.points.at(n - 1)
	residual := h.residualsOf()[n-1]
	e := Evidence{one: h.one, many: h.many, residual: residual, expected: last.value - residual}
	e.scored = !math.IsNaN(h.one) && !math.IsNaN(residual) && (h.now.blocked || r.window.enough(n-1))
	level := h.points.appendValuesFrom(nil, h.fresh())
	if level = level[:len(level)-1]; len(level) > 0 { // the last point was compared with those before it
		slices.Sort(level)
		e.expected = middle(level) + h.season
		e.residual = last.value - e.expected
	}
	sum, _ := h.total()
	e.mean = sum / habitMean
	return r.Judge(&e)
}

// Next is the time of the next point (Unix milliseconds), as of a time now: a step after the last one or, if a whole step has passed since without a
// point, the latest of the steps up to now. It is false if there was no point.
func (h *Habit) Next(r *HabitRules, now int64) (at int64, ok bool) {
	last, ok := h.Last()
	if !ok || last > math.MaxInt64-r.step {
		return 0, false
	}
	at = last + r.step
	if r.step > 0 && now > at {
		at += (now - at) / r.step * r.step
	}
	return at, true
}

// Expect is the judgement of a point that comes next, at a time (Unix milliseconds), and has the value that is expected. Its Mean is 0. It takes as
// long as storing the state and reading it again.
func (h *Habit) Expect(r *HabitRules, at int64) Judgement {
	var next Habit
	if next.ParseState(r, h.AppendState(r, nil)) != nil || at < 0 {
		return Judgement{}
	}
	var e Evidence
	next.take(r, 1, at, 0, &e)
	e.residual, e.mean = 0, 0
	return r.Judge(&e)
}

// levels are the medians that the points were compared with; NaN for those that were compared with no median of a day. If points that were in a level
// have been dropped since, its median may be another one.
func (h *Habit) levels(r *HabitRules) []float64 {
	n := h.points.len()
	all := make([]float64, n)
	sorted, fresh := make([]float64, 0, n), 0
	for i := range n {
		p := h.points.at(i)
		limit := max(p.at-r.span, r.window.oldest(p.at))
		for ; fresh < i && h.points.at(fresh).at < limit; fresh++ {
			rank, _ := slices.BinarySearch(sorted, h.points.at(fresh).value)
			sorted = slices.Delete(sorted, rank, rank+1)
		}
		all[i] = math.NaN()
		if len(sorted) > 0 {
			all[i] = middle(sorted)
		}
		rank, _ := slices.BinarySearch(sorted, p.value)
		sorted = slices.Insert(sorted, rank, p.value)
	}
	if fresh != h.fresh() { // points that are dropped kept others in the level
		for i := range all {
			all[i] = math.NaN()
		}
	}
	return all
}

// residualsOf are the residuals of the points; NaN for those that the state has none of.
func (h *Habit) residualsOf() []float64 {
	all := make([]float64, h.points.len())
	k := int(h.now.residuals) - 1
	for i := len(all) - 1; i >= 0; i-- {
		all[i] = math.NaN()
		if k >= 0 && h.residualIsOf(k, h.points.at(i).at) {
			all[i] = h.residualOf(k)
			k--
		}
	}
	return all
}

// usualBefore is how far residuals got on a usual day, as known on a date that is not today any more.
func (h *Habit) usualBefore(date int64) float64 {
	var tops []float64
	for i := range int(h.now.tops) {
		if d := h.top(i); d.date < date && date-d.date <= usualDays {
			tops = append(tops, d.one)
		}
	}
	if len(tops) < 2 {
		return math.NaN()
	}
	return usualOf(tops)
}

// hindsight tells the season of half hours, from the last one back.
type hindsight struct {
	of       *Habit
	bin      int64       // the half hour of the point after
	replaced [cells]bool // cells that were stored since
	season   float64
	begun    bool
	known    bool
	exact    bool
}

func newHindsight(of *Habit) *hindsight { return &hindsight{of: of} }

// before goes back by one point, to one of a half hour.
func (s *hindsight) before(bin int64) (season float64, known, exact bool) {
	switch {
	case !s.begun:
		s.season, s.begun, s.known, s.exact = s.of.season, true, true, true
	case bin != s.bin:
		// When the half hour was over, its own cell was stored.
		s.replaced[cellOf(bin/dayBins, bin%dayBins)] = true
		s.season, s.known = s.find(bin)
		s.exact = false
	}
	s.bin = bin
	return s.season, s.known, s.exact
}

// cellOf is the cell of a half hour of a day; see profile.
func cellOf(date, half int64) int { return int(half*profileDays + date%profileDays) }

// find is the median of the half hours that the season of one came from, as far as they are still there. It is not known unless most of them are.
func (s *hindsight) find(bin int64) (season float64, known bool) {
	var near []float64
	lost := 0
	for b := bin - 1; b <= bin+1; b++ {
		date := (b+dayBins)/dayBins - 1 // b may be -1
		for slot := range int64(profileDays) {
			cell := cellOf(slot, (b+dayBins)%dayBins)
			if s.replaced[cell] {
				lost++
			} else if mean, counts := s.of.added(cell, date); counts {
				near = append(near, mean)
			}
		}
	}
	if len(near) <= lost {
		return 0, lost == 0
	}
	slices.Sort(near)
	return middle(near), true
}

// middle is the median of sorted numbers, of which there is one at least.
func middle(sorted []float64) float64 {
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2] + 0
	}
	return halfway(sorted[n/2-1], sorted[n/2])
}

// What is read of the rest of the state.

// recalled is the i-th of the points.
func (h *Habit) recalled(i int) point { return h.points.at(i) }

// fresh is how many of the points are not in the level.
func (h *Habit) fresh() int { return int(h.now.fresh) }

// residualOf is the i-th of the residuals that count for the mean, the oldest first.
func (h *Habit) residualOf(i int) float64 { return h.recent[h.placeOf(i)].value }

// residualIsOf says whether that is of a point with a time.
func (h *Habit) residualIsOf(i int, at int64) bool { return h.recent[h.placeOf(i)].at == at }

// top is the i-th of the earlier days.
func (h *Habit) top(i int) dayTop { return h.days[i] }

// added is the mean of a cell, and whether it counts for the season on a date.
func (h *Habit) added(cell int, date int64) (mean float64, counts bool) {
	if h.profile == nil {
		return 0, false
	}
	mean = h.profile.means[cell]
	code := h.profile.code(cell)
	if code == 0 {
		return mean, h.isLead(cell, date)
	}
	cycle := h.now.newest - cyclesBehind(h.now.newest%3, code)
	return mean, date-(cycle*profileDays+int64(cell%profileDays)) <= profileDays
}
