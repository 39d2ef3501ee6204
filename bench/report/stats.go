// Package report turns measurements into numbers, a table, JSON and a chart.
//
// It is pure: no I/O, no clock. It imports nothing of ours.
package report

import (
	"math"
	"slices"
	"time"
)

// Spread is the median and the range of several runs.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// SpreadOf is zero without values. The median of an even number is the mean of
// the two in the middle.
func SpreadOf(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return Spread{Median: (sorted[(n-1)/2] + sorted[n/2]) / 2, Min: sorted[0], Max: sorted[n-1]}
}

// Percentile is the smallest value that at least p percent (0 to 100) of the values do not
// exceed (the nearest rank). It is 0 without values.
func Percentile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// Ratio is a/b. It is 0, for unknown, if b is 0.
func Ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// Sample is the progress of a run at some time.
type Sample struct {
	At     time.Duration // since the process started
	Points int64
	CPU    time.Duration // user and system, since the process started
}

// Pace is the speed of a run.
type Pace struct {
	Steady        float64 // points/s of the steady part: see PaceOf
	Total         float64 // points/s from the start of the process
	First         time.Duration
	Whole         time.Duration
	SteadyCPU     float64 // CPU seconds a million points, in the steady part
	TotalCPU      float64 // the same of the whole run
	Unsteady      bool    // all points came in one sample: Steady is Total
	PointsInRange int64   // of the steady part
}

// PaceOf works on samples in order of time. The last one has all points. The steady part
// begins when a tenth of the points is done, and at least first of them.
func PaceOf(samples []Sample, first int64) Pace {
	if len(samples) == 0 {
		return Pace{}
	}
	last := samples[len(samples)-1]
	pace := Pace{Whole: last.At, Total: rate(last.Points, last.At), TotalCPU: perMillion(last.CPU, last.Points)}
	if i := slices.IndexFunc(samples, func(s Sample) bool { return s.Points > 0 }); i >= 0 {
		pace.First = samples[i].At
	}
	from := samples[slices.IndexFunc(samples, func(s Sample) bool {
		return 10*s.Points >= last.Points && s.Points >= min(first, last.Points)
	})]
	pace.PointsInRange = last.Points - from.Points
	if pace.PointsInRange == 0 || last.At <= from.At {
		pace.Steady, pace.SteadyCPU, pace.Unsteady = pace.Total, pace.TotalCPU, true
		return pace
	}
	pace.Steady = rate(pace.PointsInRange, last.At-from.At)
	pace.SteadyCPU = perMillion(last.CPU-from.CPU, pace.PointsInRange)
	return pace
}

func rate(points int64, during time.Duration) float64 {
	return Ratio(float64(points), during.Seconds())
}

func perMillion(cpu time.Duration, points int64) float64 {
	return 1e6 * Ratio(cpu.Seconds(), float64(points))
}
