package detection

import (
	"math"
	"math/bits"
	"slices"
)

// Habit is the state of one entity for the method habit: what values it usually has at each time of day, and how far it
// gets from them on a usual day. The zero value is an empty state, ready to use. It is not safe for concurrent use.
//
//	level    = the median of the last 24 hours; after a longer gap, of the last history_hours
//	season   = the median of what was added to the level in this and the two neighbouring half hours of the last 5 days
//	expected = level + season
//	residual = value - expected
//	mean     = sum of the last 24 residuals / 24, of the last day, and without a gap of 6 hours between them
//	usual(x) = the smaller of the 0.8-quantile and twice the 0.35-quantile of the largest |x| of each of the last 7 days, without today
//	band     = the larger of 1.65 * usual(residual) and 5 * 1.4826 * min_dev
//	slow     = the larger of 1.65 * usual(mean) and half of the second one
//
// A point is an anomaly if |residual| > band or |mean| > slow. 1.65 and 5 are for a threshold of 5, and in proportion to it.
// Deviation is threshold * |residual| / band, or threshold * |mean| / slow if that is larger, with the sign of what it is of.
// Days and half hours are those of UTC.
//
// Points count in the order of their arrival, as in a Window. A late record is compared with what is known when it arrives, in the
// half hour and the day of its own time. It drops nothing that its time is too early for, and it stays itself until points that came before it
// are dropped. It ends the half hour and the day before it, and so does the next point that is in time: a day may then
// be several of the days that usual looks at, 32 of them at most. Points of equal times count one by one. What was added to the level is known
// for up to ten days back; records more than five days late may find less of it.
//
// Points come in transactions, as in a Window; habit_undo.go says what a rollback costs.
//
// A state of the first half hour takes 0.7 kB, and later, with 96 points a day, 4.7 kB: 1.9 kB are the profile, 0.8 kB the values of the last 24 hours, and 0.8 kB those of the 24 hours
// before, which serve only the first point after a gap of one to two days.
type Habit struct {
	points ring  // those that are of use, and epochs
	order  order // the slots of the points of the level, by value
	now    moment
	was    moment // before the epoch
	undo   []change

	// What follows from the rest.
	season    float64 // of the half hour of the last point
	one, many float64 // usual residual and mean, on the day of the moment; NaN: not known

	recent  [habitMean]float64 // residuals, a ring
	days    []dayTop
	profile *profile // nil until the first half hour is over: many entities have few points
}

// moment is the small part of the state: an epoch keeps a copy of it.
type moment struct {
	sum       float64 // of what the points of this half hour added to the level
	one, many float64 // the largest residual and mean of today
	day       int64   // today plus 1; 0: there is none yet
	blocker   int64   // greatest time of the points of the window that are not kept; see blocked
	newest    int64   // cycle of the newest cell of the profile
	counted   uint64  // bit i: the point i arrivals ago has a residual in recent
	count     uint32  // points of this half hour
	fresh     uint32  // index of the first point of the level
	next      uint8   // place of the next residual
	tops      uint8   // how many of the days there are
	strays    uint8   // half hours in a row that were too old for the profile
	blocked   bool    // the window has more points than are kept: they came before, and blocker tells when they leave
	born      bool    // there was a point
}

// Add judges the value of time at (Unix milliseconds), and takes it in, anomalous or not. The value must be finite, and at must not be
// negative.
func (h *Habit) Add(r *HabitRules, epoch uint64, at int64, value float64) Judgement {
	e := h.take(r, epoch, at, value)
	return r.judge(&e)
}

// Observe takes a value in like Add, but does not judge it. It serves the replay of history.
func (h *Habit) Observe(r *HabitRules, epoch uint64, at int64, value float64) {
	h.take(r, epoch, at, value)
}

// Compare does what Add does, for each of some rules. All of them must share the state: Shares says whether they do. The judgements
// are in the order of the rules.
func (h *Habit) Compare(rules []HabitRules, epoch uint64, at int64, value float64, to []Judgement) {
	e := h.take(&rules[0], epoch, at, value)
	for i := range rules {
		to[i] = rules[i].judge(&e)
	}
}

// Newest is the time of the last point to arrive (Unix milliseconds), and false if there was none.
func (h *Habit) Newest() (at int64, ok bool) {
	if n := h.points.len(); n > 0 {
		return h.points.at(n - 1).at, true
	}
	return 0, false
}

// take is the way of one point.
func (h *Habit) take(r *HabitRules, epoch uint64, at int64, value float64) (e evidence) {
	h.begin(epoch)
	before, _ := h.Newest()
	h.evict(r, at)
	h.enter(at/halfHour, before/halfHour)
	level := h.level(value)
	h.now.add(value - level)
	e.expected = level + h.season
	counted := h.now.blocked || h.points.len() >= habitFew
	if counted {
		e.residual = value - e.expected
		h.enterDay(at / day)
		e.mean = h.mean(at, before, e.residual)
		e.one, e.many = h.one, h.many
		e.scored = !math.IsNaN(h.one) && (h.now.blocked || r.window.enough(h.points.len()))
		if x := math.Abs(e.residual); x > h.now.one {
			h.now.one = x
		}
		if x := math.Abs(e.mean); x > h.now.many {
			h.now.many = x
		}
	}
	h.now.counted = h.now.counted<<1 | uint64(number(counted))
	h.push(r, point{at, value})
	h.forget(r, at)
	return e
}

// evict drops the points from the head that are too old at a time: from the level, and from the window.
func (h *Habit) evict(r *HabitRules, at int64) {
	for n := uint32(h.points.len()); h.now.fresh < n; h.now.fresh++ {
		slot := h.points.slot(int(h.points.gone + h.now.fresh))
		if h.points.time(int(h.points.gone+h.now.fresh), slot) >= at-r.span {
			break
		}
		h.order.remove(h.points.words, slot)
	}
	oldest := r.window.oldest(at)
	if h.now.blocked = h.now.blocked && h.now.blocker >= oldest; h.now.blocked {
		return
	}
	for h.points.len() > 0 && h.points.head() < oldest {
		h.drop()
	}
}

// drop drops the head, which is not in the level any more.
func (h *Habit) drop() {
	h.points.drop()
	h.now.fresh--
}

// forget drops points of the window that nothing can depend on any more, but that the window has more than enough points.
//
// The median of the window is asked for only when the level is empty. This needs a point that is later than the last one by more than the
// span. The window then starts later than what is dropped here.
func (h *Habit) forget(r *HabitRules, at int64) {
	for h.now.fresh > 0 && h.points.len() > r.count {
		head := h.points.head()
		if head >= at-r.kept {
			return
		}
		if !h.now.blocked || head > h.now.blocker {
			h.now.blocker = head
		}
		h.now.blocked = true
		h.drop()
	}
}

// level is the median of the level or, if it is empty, of the window. Without any point it is the value itself.
func (h *Habit) level(value float64) float64 {
	if n := h.order.len(); n > 0 {
		i := (n - 1) / 2
		low := h.points.words[h.order.at(i)]
		if n%2 == 1 {
			return low
		}
		return halfway(low, h.points.words[h.order.at(i+1)])
	}
	n := h.points.len()
	if n == 0 {
		return value
	}
	var room [320]float64
	values := h.points.appendValues(room[:0])
	slices.Sort(values)
	if n%2 == 1 {
		return values[n/2]
	}
	return halfway(values[n/2-1], values[n/2])
}

// halfway is the middle between two numbers, with the reference's roundings.
func halfway(low, high float64) float64 { return low + float64(0.5*float64(high-low)) }

// mean takes a residual in, and returns the mean of the last ones. Fewer than 24 count as 24.
func (h *Habit) mean(at, before int64, residual float64) float64 {
	m := &h.now
	if at-before > pause {
		m.counted = 0
	}
	for m.counted != 0 {
		// The oldest one. If its point is not kept, it is much older than a day.
		ago := 63 - bits.LeadingZeros64(m.counted)
		if bits.OnesCount64(m.counted) < habitMean && ago < h.points.len() && at-h.points.at(h.points.len()-1-ago).at <= day {
			break
		}
		m.counted &^= 1 << ago
	}
	h.set(recentCell+int(m.next), residual)
	n := bits.OnesCount64(m.counted) + 1
	i := int(m.next) + 1 - n
	if i < 0 {
		i += habitMean
	}
	m.next = uint8((int(m.next) + 1) % habitMean)
	sum := 0.0
	for _, x := range h.recent[i:min(i+n, habitMean)] {
		sum += x
	}
	for _, x := range h.recent[:max(i+n-habitMean, 0)] {
		sum += x
	}
	return sum / habitMean
}

// push appends a point to the level.
func (h *Habit) push(r *HabitRules, p point) {
	words, held := &h.points.words, h.points.held
	first := firstOf(*words)
	h.points.push(p, r.full)
	if firstOf(*words) != first || h.points.held != held+1 {
		h.reorder() // the points have moved
		return
	}
	h.order.insert(*words, h.points.slot(int(held)))
}

func firstOf(words []float64) *float64 {
	if len(words) == 0 {
		return nil
	}
	return &words[0]
}

// reorder sorts the points of the level.
func (h *Habit) reorder() {
	slots := make([]int, 0, h.points.len())
	for i := int(h.now.fresh); i < h.points.len(); i++ {
		slots = append(slots, h.points.slot(int(h.points.gone)+i))
	}
	h.order.set(h.points.words, slots, int(h.points.count))
}
