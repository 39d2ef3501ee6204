package detection

// This file tells people by what a verdict was decided. Nothing in it decides.

// Threshold is the largest |deviation| that is normal.
func (r *Rules) Threshold() float64 { return r.threshold }

// HistoryHours is how long a point stays in the window.
func (r *Rules) HistoryHours() float64 { return r.historyHours }

// Needed is the smallest number of points that is enough.
func (r *Rules) Needed() int { return max(1, int(min(r.minimum, 1<<40))+1) }

// Full is how many points a window without gaps has.
func (r *Rules) Full() int { return r.full - 1 }

// Band is the range in which values are normal, given a window's median and scale. Both ends are rounded: a
// value next to an end may lie on the other side of it than its deviation lies of the threshold. An infinite
// end means that no number lies beyond it.
func (r *Rules) Band(median, scale float64) (low, high float64) {
	reach := float64(r.threshold * scale) // rounded before it is added, on every machine
	return median - reach, median + reach
}

// Span is the earliest and the latest time among the first n points of the window, in Unix milliseconds. It
// looks at each of them, because late records are in no order of time. n must be from 1 to Len.
func (w *Window) Span(n int) (earliest, latest int64) {
	earliest = w.points.at(0).at
	latest = earliest
	for i := 1; i < n; i++ {
		at := w.points.at(i).at
		earliest, latest = min(earliest, at), max(latest, at)
	}
	return earliest, latest
}

// Expect is what a value at a time (Unix milliseconds) would be compared with: the window's median and scale. It returns false if there
// are too few points. It takes as long as an anomaly, and does not change the window.
func (w *Window) Expect(s *Scorer, at int64) (median, scale float64, ok bool) {
	first, oldest := 0, s.rules.oldest(at)
	for first < w.points.len() && w.points.at(first).at < oldest {
		first++
	}
	if !s.rules.enough(w.points.len() - first) {
		return 0, 0, false
	}
	median, scale = s.spreadOf(w.points.appendValues(nil)[first:])
	return median, scale, true
}
