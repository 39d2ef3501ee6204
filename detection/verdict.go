package detection

// Reason says what became of a point, in the one word that logs, metrics and tests share.
type Reason uint8

const (
	// TooFewPoints means that the window had too few points to score the value: not more than the minimum.
	TooFewPoints Reason = iota
	// Normal means that |deviation| was within the threshold.
	Normal
	// Anomalous means that |deviation| was beyond the threshold.
	Anomalous
	// Asleep means that the window rests, and has to be woken to decide.
	Asleep
)

// String is the reason as it appears in logs and metrics.
func (r Reason) String() string {
	switch r {
	case TooFewPoints:
		return "too_few_points"
	case Normal:
		return "normal"
	case Anomalous:
		return "anomalous"
	case Asleep:
		return "asleep"
	}
	return "unknown"
}

// Verdict is what Add decided about one point. It has four fields because the compiler keeps no larger struct
// in registers: a fifth one cost 20 ns a point.
type Verdict struct {
	Reason Reason

	// Deviation is exact to the last bit if the point is Anomalous, else 0: a normal point is recognised
	// without computing it. It is ±Inf if the window's deviation and min_dev are 0, for which the original
	// stops with a division by zero.
	Deviation float64

	// Median is that of the window before the point was appended if the point is Anomalous, else 0. A zero
	// has no sign.
	Median float64

	// Scale is the unit of Deviation, in units of the value, if the point is Anomalous, else 0: Deviation is
	// (value - Median) / Scale, to the last bit.
	Scale float64
}
