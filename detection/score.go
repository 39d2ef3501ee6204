package detection

import "math"

// Scorer scores windows by one set of rules. It has room to sort values in, so it serves one goroutine
// at a time; it may serve any number of windows.
type Scorer struct {
	rules Rules
	room  []float64
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
// nothing exact is needed: the screen decides most points so. Another screen is drawn where it does not.
func (w *Window) score(s *Scorer, value float64) Verdict {
	r := &s.rules
	n := w.points.len()
	normal := Verdict{Reason: Normal, Points: n}
	if w.screen.drawn && r.normal(w.screen.farthest(value), w.screen.deviationAtLeast(r.metric, n)) {
		return normal
	}
	s.room = w.points.appendValues(s.room[:0])
	var median float64
	w.screen, median = newScreen(s.room, r.metric)
	distance := value - median
	if distance == 0 || r.normal(math.Abs(distance), w.screen.deviationAtLeast(r.metric, n)) {
		return normal
	}
	// A window's deviation of 0 (with a min_dev of 0) makes this ±Inf, and overflows may make it NaN,
	// which is normal, as every comparison with it is false.
	deviation := r.deviation(distance, exactDeviation(s.room, median, r.metric))
	if math.Abs(deviation) > r.threshold {
		return Verdict{Reason: Anomalous, Deviation: deviation, Median: median, Points: n}
	}
	return normal
}

// exactDeviation is what the metric makes of the values that newScreen left: for the median deviation
// they are the deviations.
func exactDeviation(left []float64, median float64, metric Metric) float64 {
	if metric == MedianDeviation {
		return medianOf(left)
	}
	return exactMean(left, median)
}

// normal tells whether a point is certainly normal, given a number not below its distance from the
// median, and one not above the window's deviation.
func (r *Rules) normal(atMost, atLeast float64) bool {
	scale := r.scale(atLeast)
	return scale > 0 && atMost/scale <= r.threshold
}
