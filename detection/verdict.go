package detection

// Reason says what became of a point, in the one word that logs, metrics and tests share.
type Reason uint8

const (
	// TooFewPoints means that the window had not more points than the minimum: not scored.
	TooFewPoints Reason = iota
	// Normal means that the deviation was not beyond the threshold.
	Normal
	// Anomalous means that it was.
	Anomalous
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
	}
	return "unknown"
}

// Verdict is what Add decided of one point. It has four fields, as the compiler keeps no larger struct
// in registers: a fifth one cost 20 ns a point.
type Verdict struct {
	Reason Reason

	// Deviation is exact to the last bit if the point is Anomalous, else 0: a normal point is
	// recognised as such without computing it. It is ±Inf if the window's deviation is 0, which
	// takes a min_dev of 0 (the original stops there with a division by zero).
	Deviation float64

	// Median of the window before the point was appended, if the point is Anomalous, else 0. A zero
	// has no sign.
	Median float64

	// Scale is what Deviation is counted in, in units of the value, if the point is Anomalous, else 0:
	// Deviation is (value - Median) / Scale, to the last bit.
	Scale float64
}
