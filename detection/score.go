package detection

import (
	"math"
	"slices"
)

// Scorer scores windows by one set of rules. It has scratch space to sort values in, so it serves one
// goroutine at a time. It may serve any number of windows.
type Scorer struct {
	rules Rules

	values, room []float64 // both as long as the window
	times        []int64   // for AppendOutline
	look         look
}

// look is what scoring a point had to find out of the window because its screen decided nothing. Other rules may use it for the same
// point.
type look struct {
	taken     bool // the scorer has the window's values, and their median
	redrawn   bool // the screen is of this window as it is now
	exact     bool // the deviation is known
	median    float64
	deviation float64
}

// NewScorer makes a scorer for the rules.
func NewScorer(rules Rules) *Scorer { return &Scorer{rules: rules} }

// Rules are the rules that it scores by.
func (s *Scorer) Rules() *Rules { return &s.rules }

// score decides about a value against the window.
//
// The screen decides most points. For the rest the exact median is computed, and it decides most of those. If
// the exact deviation is needed to see that a point is normal, a new screen is drawn.
//
// A bound may decide because every step from the window's deviation to the point's deviation rounds
// monotonically. Take a number that is at least the distance from the median in its place, and one that is at
// most the window's deviation. Then |deviation| can only come out larger. If it still is within the
// threshold, the point is normal.
func (w *Window) score(s *Scorer, r *Rules, value float64) Verdict {
	n := w.Len()
	normal := Verdict{Reason: Normal}
	if w.screen.drawn && r.normal(w.screen.farthest(value), w.screen.deviationAtLeast(r.metric, n)) {
		return normal
	}
	if w.rest != nil {
		return Verdict{Reason: Asleep}
	}
	l := &s.look
	if !l.taken {
		w.take(s)
	}
	distance := value - l.median
	if distance == 0 || r.normal(math.Abs(distance), w.screen.deviationAround(l.median, r.metric, n)) {
		return normal
	}
	if !l.exact {
		l.deviation, l.exact = s.exactDeviation(l.median), true
	}
	// This is ±Inf if the window's deviation and min_dev are 0. Overflows may make it NaN, which counts as
	// normal, because every comparison with NaN is false.
	scale := r.scale(l.deviation)
	deviation := distance / scale
	if math.Abs(deviation) > r.threshold {
		return Verdict{Reason: Anomalous, Deviation: deviation, Median: l.median, Scale: scale}
	}
	if !l.redrawn {
		w.screen, _ = newScreen(s.values, s.room, r.metric)
		l.redrawn = true
	}
	return normal
}

// take looks at the window's values.
func (w *Window) take(s *Scorer) {
	n := w.points.len()
	s.values = w.points.appendValues(s.values[:0])
	s.room = slices.Grow(s.room[:0], n)[:n]
	l := look{taken: true, redrawn: !w.screen.drawn}
	if l.redrawn {
		w.screen, l.median = newScreen(s.values, s.room, s.rules.metric)
	} else {
		l.median = w.screen.median(s.values, s.room)
	}
	s.look = l
}

// exactDeviation is the deviation of the scorer's values.
func (s *Scorer) exactDeviation(median float64) float64 {
	if s.rules.metric == MeanDeviation {
		return exactMean(s.values, median)
	}
	setDistances(s.room, s.values, median)
	return medianOf(s.room)
}

// normal says whether a point is certainly normal. atMost is not below its distance from the median, and
// atLeast is not above the window's deviation.
func (r *Rules) normal(atMost, atLeast float64) bool {
	scale := r.scale(atLeast)
	return scale > 0 && atMost/scale <= r.threshold
}
