package detection

import "math"

// score decides about a value against the sorted window.
//
// Everything between the window's deviation and the point's rounds monotonically: with a number not
// above the window's deviation in its place, |deviation| can only come out larger. If it is within the
// threshold even so, the point is normal, and no exact deviation is needed.
func (w *Window) score(r *Rules, value float64) Verdict {
	m := w.values.median()
	verdict := Verdict{Reason: Normal, Median: m, Points: len(w.values)}
	distance := value - m
	if distance == 0 || r.normal(distance, 0) {
		return verdict
	}
	var windowDeviation float64
	if r.metric == MedianDeviation {
		windowDeviation = w.values.medianDeviation(m)
	} else {
		if r.normal(distance, w.spread.meanAtLeast(len(w.values))) {
			return verdict
		}
		windowDeviation = exactMean(w.values, m)
		if w.spread.vague() {
			w.spread = newSpread(w.values)
		}
	}
	// A window's deviation of 0 (with a min_dev of 0) makes this ±Inf, and overflows may make it NaN,
	// which is normal, as every comparison with it is false.
	deviation := r.deviation(distance, windowDeviation)
	if math.Abs(deviation) > r.threshold {
		verdict.Reason = Anomalous
		verdict.Deviation = deviation
	}
	return verdict
}

// normal tells whether a point at a distance from the median is certainly normal, given a number not
// above the window's deviation.
func (r *Rules) normal(distance, atLeast float64) bool {
	scale := r.scale(atLeast)
	return scale > 0 && math.Abs(distance/scale) <= r.threshold
}
