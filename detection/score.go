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
func (w *Window) score(s *Scorer, value float64) Verdict {
	r := &s.rules
	n := w.points.len()
	normal := Verdict{Reason: Normal}
	if w.screen.drawn && r.normal(w.screen.farthest(value), w.screen.deviationAtLeast(r.metric, n)) {
		return normal
	}
	s.values = w.points.appendValues(s.values[:0])
	s.room = slices.Grow(s.room[:0], n)[:n]
	var median float64
	redrawn := !w.screen.drawn
	if redrawn {
		w.screen, median = newScreen(s.values, s.room, r.metric)
	} else {
		median = w.screen.median(s.values, s.room)
	}
	distance := value - median
	if distance == 0 || r.normal(math.Abs(distance), w.screen.deviationAround(median, r.metric, n)) {
		return normal
	}
	// This is ±Inf if the window's deviation and min_dev are 0. Overflows may make it NaN, which counts as
	// normal, because every comparison with NaN is false.
	scale := r.scale(s.exactDeviation(median))
	deviation := distance / scale
	if math.Abs(deviation) > r.threshold {
		return Verdict{Reason: Anomalous, Deviation: deviation, Median: median, Scale: scale}
	}
	if !redrawn {
		w.screen, _ = newScreen(s.values, s.room, r.metric)
	}
	return normal
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
