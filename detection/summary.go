package detection

// Summary is what a window says about the next value, and what it decided about its last one. All of it is
// exact, computed from the points. Fields are zero if there are too few points.
type Summary struct {
	Points int
	// Needed is how many points a window must have to be scored, Full how many it has without gaps.
	Needed, Full int
	Scored       bool // a value that came now would be scored
	Median       float64
	// Scale is the deviations' unit, in units of the value. It is 0 if all values are equal and min_dev is 0.
	// Values from Low to High are normal.
	Scale, Low, High float64
	// LastScored says that the last value was scored against the points before it, with LastDeviation.
	LastScored    bool
	LastDeviation float64
}

// Summarize describes a window by its values in arrival order, which it does not change. It serves questions,
// not the stream: it takes as long as an anomaly.
func (s *Scorer) Summarize(values []float64) Summary {
	n := len(values)
	sum := Summary{Points: n, Needed: s.rules.Needed(), Full: s.rules.Full()}
	if n > 0 && s.rules.enough(n-1) {
		sum.LastScored = true
		median, scale := s.spreadOf(values[:n-1])
		sum.LastDeviation = (values[n-1] - median) / scale
	}
	if sum.Scored = s.rules.enough(n); sum.Scored {
		sum.Median, sum.Scale = s.spreadOf(values)
		sum.Low, sum.High = s.rules.Band(sum.Median, sum.Scale)
	}
	return sum
}

// spreadOf is the median of some values, and the scale of deviations from it.
func (s *Scorer) spreadOf(values []float64) (median, scale float64) {
	s.values = append(s.values[:0], values...)
	s.room = append(s.room[:0], values...)
	median = medianOf(s.room)
	return median, s.rules.scale(s.exactDeviation(median))
}
