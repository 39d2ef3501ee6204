package detection

import (
	"math"
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
//	floor    = 5 * 1.4826 * min_dev
//	band     = the larger of 1.65 * usual(residual) and floor
//	slow     = the larger of 1.65 * usual(mean) and floor / 2
//
// A point is an anomaly if |residual| > band or |mean| > slow. The numbers 1.65 and 5 are for a threshold of 5. With another threshold, both
// change in proportion to it. Deviation is threshold * residual / band or, if it is farther from 0, threshold * mean / slow. Days and half
// hours are those of UTC.
//
// Points count in the order of their arrival, as in a Window. A late record is compared with what is known when it arrives, in the half hour and
// the day of its own time. It drops only points that are too old for its own time, and it stays until the points that arrived before it are
// dropped. It ends the half hour and the day of the point before it, and the next point in time ends the ones of the late record. So usual may
// look at several parts of one day, and at 250 parts at most. Points of equal times count one by one.
//
// A record far ahead of its time takes the place of one half hour of the season. It then counts until the same half hour comes again five days
// later.
//
// A state decides as the reference does, but for the sign of a zero and for these streams: more than 120 records a week are late and of another
// day than the point before; records are more than five days late; more than seven half hours in a row are far ahead, and then time goes back;
// more than seven half hours are far ahead before the same half hours come again.
//
// Points come in transactions, as in a Window; habit_undo.go says what a rollback costs.
//
// A state of the first half hour takes 0.9 kB, and later, with 96 points a day, 4.9 kB. Of these, 2.0 kB are the profile, 0.8 kB the values of the
// last 24 hours, and 0.8 kB those of the 24 hours before. The latter serve only the first point after a gap of one to two days.
type Habit struct {
	eachPoint
	was    moment              // before the epoch
	recent [habitMean]residual // a ring
	days   []dayTop
	leads  *leads // nil unless there is one, or was one in this epoch
}

// eachPoint is the part of a state that nearly each point reads all of. Prefetch prefetches it. What is only written, such as was, need not be there
// before.
type eachPoint struct {
	points ring // those that are of use, and epochs
	now    moment
	median runningMedian // of the level
	undo   []change

	// What follows from the rest.
	season    float64 // of the half hour of the last point
	one, many float64 // usual residual and mean, on the day of the moment; NaN: not known
	sum       runningSum

	profile *profile // nil until the first half hour is over: many entities have few points
}

// moment is the small part of the state: an epoch keeps a copy of it.
type moment struct {
	sum       float64 // of what the points of this half hour added to the level
	one, many float64 // the largest residual and mean of today
	day       int64   // today plus 1; 0: there is none yet
	blocker   int64   // greatest time of the points of the window that are not kept; see blocked
	newest    int64   // cycle of the newest cell of the profile, leads aside; 0: there is none yet, or only of the first days of 1970
	count     uint32  // points of this half hour
	fresh     uint32  // index of the first point of the level
	residuals uint8   // how many of them count for the mean
	next      uint8   // place of the next residual
	tops      uint8   // how many of the days there are
	strays    uint8   // half hours in a row that were too old for the profile
	leads     uint8   // cells of the profile that are of a later cycle than the newest
	row       uint8   // how many of the last half hours were such ones, in a row, too old ones aside; eight at most
	blocked   bool    // the window has more points than are kept: they came before, and blocker tells when they leave
	noted     uint8   // residuals that the epoch has changed, at most all: what they were is in undo
}

// Add judges the value of time at (Unix milliseconds), and takes it in, anomalous or not. The value must be finite, and at must not be
// negative.
func (h *Habit) Add(r *HabitRules, epoch uint64, at int64, value float64) Judgement {
	var e Evidence
	h.take(r, epoch, at, value, &e)
	h.addUp(&e)
	return r.Judge(&e)
}

// Decide takes a value in like Add, and returns only whether it is an anomaly. As with a Window, the verdict of a point that is none is all zero
// beside its reason. If the point is an anomaly, HabitRules.Judge makes the whole judgement of the evidence that Decide has written.
func (h *Habit) Decide(r *HabitRules, epoch uint64, at int64, value float64, e *Evidence) Verdict {
	h.take(r, epoch, at, value, e)
	switch {
	case !e.scored:
		return Verdict{Reason: TooFewPoints}
	case r.withinBands(e):
		return Verdict{Reason: Normal}
	}
	h.addUp(e)
	verdict, _ := r.decide(e)
	if verdict.Reason != Anomalous {
		return Verdict{Reason: verdict.Reason}
	}
	return verdict
}

// Observe takes a value in like Add, but does not judge it. It serves the replay of history.
func (h *Habit) Observe(r *HabitRules, epoch uint64, at int64, value float64) {
	var e Evidence
	h.take(r, epoch, at, value, &e)
}

// Compare does what Add does, for each of some rules. All of them must share the state: Shares says whether they do. The judgements
// are in the order of the rules.
func (h *Habit) Compare(rules []HabitRules, epoch uint64, at int64, value float64, to []Judgement) {
	var e Evidence
	h.take(&rules[0], epoch, at, value, &e)
	h.addUp(&e)
	for i := range rules {
		to[i] = rules[i].Judge(&e)
	}
}

// Last is the time of the last point to arrive (Unix milliseconds), and false if there was none. Unlike Window.Newest, it is not the greatest
// time if that point is late.
func (h *Habit) Last() (at int64, ok bool) {
	if h.points.len() == 0 {
		return 0, false
	}
	return h.points.heldTime(h.points.held - 1), true
}

// take is the way of one point. It may leave the mean to addUp.
func (h *Habit) take(r *HabitRules, epoch uint64, at int64, value float64, e *Evidence) {
	*e = Evidence{}
	h.begin(epoch)
	before, born := h.Last()
	h.evict(r, at)
	if bin := at / halfHour; !born || bin != before/halfHour {
		h.enter(bin, before/halfHour)
	}
	level := h.level(value)
	h.now.add(value - level)
	e.expected = level + h.season
	counted := h.now.blocked || h.points.len() >= habitFew
	if counted {
		e.residual = value - e.expected
		h.enterDay(at / day)
		e.one, e.many = h.one, h.many
		e.scored = !math.IsNaN(h.one) && (h.now.blocked || r.window.enough(h.points.len()))
		if x := math.Abs(e.residual); x > h.now.one {
			h.now.one = x
		}
		h.keepResidual(residual{at, e.residual}, before)
		if e.mostMean = h.sum.mostMean(); e.mostMean > h.now.many {
			h.addUp(e)
			if x := math.Abs(e.mean); x > h.now.many {
				h.now.many = x
			}
		}
	}
	h.push(r, point{at, value})
	h.forget(r, at)
}

// evict drops the points from the head that are too old at a time: from the level, and from the window. The level never has a point that the
// window has not, even if its length is the same and the limit of one is rounded.
func (h *Habit) evict(r *HabitRules, at int64) {
	oldest := r.window.oldest(at)
	limit := max(at-r.span, oldest)
	for n := uint32(h.points.len()); h.now.fresh < n; h.now.fresh++ {
		i := h.points.gone + h.now.fresh
		if h.points.heldTime(i) >= limit {
			break
		}
		h.median.remove(h.points.words[h.points.slot(int(i))])
	}
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

// forget drops points that are only counted, while the window has more than enough points without them. The state notes the greatest of their
// times, because the window has them until then.
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

// level is the median of the level or, if it is empty, of the window. Without any point it is the value itself. The zero of a
// median has no sign, because that would depend on how often the median was selected anew.
func (h *Habit) level(value float64) float64 {
	if h.points.len() == 0 {
		return value
	}
	n := h.levelLen()
	if n == 0 {
		return h.windowMedian()
	}
	low, high, known := h.median.of(n)
	if !known {
		h.fillMedian()
		low, high, _ = h.median.of(n)
	}
	if n%2 == 1 {
		return low + 0
	}
	return halfway(low, high)
}

// levelLen is how many points the level has.
func (h *Habit) levelLen() int { return h.points.len() - h.fresh() }

// levelRoom is how many values a level may have so that nothing is allocated. A window of 72 hours with 96 points a day has 288.
const levelRoom = 320

func (h *Habit) fillMedian() {
	var room [levelRoom]float64
	h.median.fill(h.points.appendValuesFrom(room[:0], h.fresh()))
}

// windowMedian is the median of the window, which has some points.
func (h *Habit) windowMedian() float64 {
	var room [levelRoom]float64
	values := h.points.appendValues(room[:0])
	slices.Sort(values)
	return middle(values)
}

// halfway is the middle between two numbers, with the reference's roundings.
func halfway(low, high float64) float64 { return low + float64(0.5*float64(high-low)) }

// push appends a point to the level.
func (h *Habit) push(r *HabitRules, p point) {
	h.median.insert(h.levelLen(), p.value)
	h.points.push(p, r.full)
}
