package detection

import (
	"math"
	"slices"
)

// Scorer scores windows by one set of rules. It has room to sort values in, so it serves one goroutine
// at a time; it may serve any number of windows.
type Scorer struct {
	rules Rules

	values, room []float64 // both as long as the window
}

// NewScorer makes a scorer for the rules.
func NewScorer(rules Rules) *Scorer { return &Scorer{rules: rules} }

// Rules are what it scores by.
func (s *Scorer) Rules() *Rules { return &s.rules }

// score decides about a value against the window.
//
// Everything between the window's deviation and the point's rounds monotonically: with a number not
// below the distance from the median in its place, and one not above the window's deviation,
// |deviation| can only come out larger. If it is within the threshold even so, the point is normal, and
// nothing exact is needed. So the screen decides most points; of the others the exact median most; and
// where it takes the exact deviation to see that a point is normal, another screen is drawn.
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
	// A window's deviation of 0 (with a min_dev of 0) makes this ±Inf, and overflows may make it NaN,
	// which is normal, as every comparison with it is false.
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

// exactDeviation is that of the values.
func (s *Scorer) exactDeviation(median float64) float64 {
	if s.rules.metric == MeanDeviation {
		return exactMean(s.values, median)
	}
	setDistances(s.room, s.values, median)
	return medianOf(s.room)
}

// normal tells whether a point is certainly normal, given a number not below its distance from the
// median, and one not above the window's deviation.
func (r *Rules) normal(atMost, atLeast float64) bool {
	scale := r.scale(atLeast)
	return scale > 0 && atMost/scale <= r.threshold
}
