package detection

import (
	"fmt"
	"iter"
	"math"
	"time"
)

// Memory is how long a state depends on a point. Take the points of an entity in the order of arrival, and leave out some of the first ones. All
// of them are older than a time. The judgements of points that are at least this much later than that time stay what they were, to the last bit,
// in whatever order points come.
//
// The way of a value into a judgement, at its longest:
//
//	value ── level of another point      a day, or the history if that is longer: after a gap, the level is the median of the history
//	      ── half hour of the season     5 days, and one hour for the half hour itself and its neighbour
//	      ── residual in a mean          24 residuals at most 6 hours apart; without records far ahead of their time it is one day
//	      ── largest one of a usual day  7 days, and the rest of the last of them
//
// The exceptions are those in which a state decides otherwise than the reference; see Habit.
func (r *HabitRules) Memory() time.Duration {
	level := max(int64(math.Ceil(r.window.age)), day)
	season := int64(profileDays*day + 2*halfHour)
	mean := int64(habitMean * pause)
	usual := int64((usualDays + 1) * day)
	return time.Duration(level+season+mean+usual) * time.Millisecond
}

// Kind names what states the rules make. Rules of the same kind read each other's stored states.
func (r *HabitRules) Kind() string {
	return fmt.Sprintf("%s %d, history_hours %v, %d points", HabitMethod, stateVersion, r.window.historyHours, r.count)
}

// All yields times (Unix milliseconds) and values of the points that the state has, in the order of arrival. These are at least those of the level.
// The state must not change during that.
func (h *Habit) All() iter.Seq2[int64, float64] { return h.from(0) }

// Level yields the points of the level like All: those of the last 24 hours, or of the history if that is shorter.
func (h *Habit) Level() iter.Seq2[int64, float64] { return h.from(int(h.now.fresh)) }

func (h *Habit) from(first int) iter.Seq2[int64, float64] {
	return func(yield func(int64, float64) bool) {
		for i := first; i < h.points.len(); i++ {
			if p := h.points.at(i); !yield(p.at, p.value) {
				return
			}
		}
	}
}
