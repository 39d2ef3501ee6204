package detection

import "math"

// Metric says how the deviations of a window are combined into one number.
type Metric uint8

const (
	// MeanDeviation is the mean of |x - median|.
	MeanDeviation Metric = iota
	// MedianDeviation is the median of |x - median|.
	MedianDeviation
)

// String is the metric's name in a .conf file.
func (m Metric) String() string {
	switch m {
	case MeanDeviation:
		return "mean"
	case MedianDeviation:
		return "median"
	}
	return "unknown"
}

// Settings are the numbers of a .conf file that decide what an anomaly is. They are validated where
// they are read: all are finite, and the granularity, the history and the threshold are positive.
type Settings struct {
	Method             Method  // method: how a value is judged, and so what the other settings mean
	GranularityMinutes float64 // time_granularity_min: minutes between two points of an entity
	HistoryHours       float64 // history_hours: how long a point stays in the window
	MinRatio           float64 // history_min_ratio: the part of a full window needed to score
	Threshold          float64 // threshold: the largest |deviation| that is normal
	MinDeviation       float64 // min_dev: added to the window's deviation, in units of the value
	Metric             Metric  // dev_metric
}

// Rules are Settings turned into limits, computed once. They are immutable and may be shared.
type Rules struct {
	age          float64 // how long a point stays, in milliseconds
	minimum      float64 // a window with strictly more points is scored
	threshold    float64
	minDeviation float64
	metric       Metric
	full         int // points in a window without gaps, about
	historyHours float64
}

// NewRules computes the limits in the original's order of operations, because each of them rounds.
func NewRules(s Settings) Rules {
	return Rules{
		age:          float64(float64(float64(s.HistoryHours*60)*60) * 1000),
		minimum:      float64(float64(s.MinRatio*s.HistoryHours) * float64(60/s.GranularityMinutes)),
		threshold:    s.Threshold,
		minDeviation: s.MinDeviation,
		metric:       s.Metric,
		full:         int(min(s.HistoryHours*60/s.GranularityMinutes, 1<<20)) + 1,
		historyHours: s.HistoryHours,
	}
}

// oldest is the smallest time (Unix milliseconds) with which a point stays in the window when a point of time
// at arrives.
//
// Python subtracts in float64 and then compares the integer with the float exactly. Rounding the limit up to
// an integer gives the same answer for every int64.
func (r *Rules) oldest(at int64) int64 {
	limit := math.Ceil(float64(at) - r.age)
	switch {
	case limit >= 0x1p63:
		return math.MaxInt64
	case limit >= -0x1p63:
		return int64(limit)
	}
	return math.MinInt64
}

// enough says whether a window of n points may be scored.
func (r *Rules) enough(n int) bool {
	return n > 0 && float64(n) > r.minimum
}

// scale is the unit in which deviations from the median are counted, in units of the value. For a normal
// distribution, the factor makes a standard deviation of a median absolute deviation.
func (r *Rules) scale(windowDeviation float64) float64 {
	return 1.4826 * (r.minDeviation + windowDeviation)
}
