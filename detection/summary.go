package detection

// Summary is what a window says about the next value, and what it decided of its last one: all of it
// exact, computed from the points. Zero where there are too few points.
type Summary struct {
	Points int
	// Needed is how many points a window must have to be scored, Full how many it has without gaps.
	Needed, Full int
	Scored       bool // a value that came now would be
	Median       float64
	// Unit is what deviations are counted in, in units of the value; values from Low to High are
	// normal. It is 0 if all values are equal and min_dev is 0.
	Unit, Low, High float64
	// LastScored: the last value was, against the points before it. Its Deviation is in Units of then.
	LastScored    bool
	LastDeviation float64
}

// Summarize describes a window by its values in arrival order, which it leaves as they are. It is for
// questions, not for the stream: it takes as long as an anomaly.
func (s *Scorer) Summarize(values []float64) Summary {
	n := len(values)
	sum := Summary{Points: n, Needed: s.rules.Needed(), Full: s.rules.Full()}
	if n > 0 && s.rules.enough(n-1) {
		sum.LastScored = true
		median, unit := s.spreadOf(values[:n-1])
		sum.LastDeviation = (values[n-1] - median) / unit
	}
	if sum.Scored = s.rules.enough(n); sum.Scored {
		sum.Median, sum.Unit = s.spreadOf(values)
		sum.Low, sum.High = s.rules.Band(sum.Median, sum.Unit)
	}
	return sum
}

// spreadOf is the median of some values, and the unit of deviations from it.
func (s *Scorer) spreadOf(values []float64) (median, unit float64) {
	s.values = append(s.values[:0], values...)
	s.room = append(s.room[:0], values...)
	median = medianOf(s.room)
	return median, s.rules.scale(s.exactDeviation(median))
}
