// Package naive is the algorithm of the original program, and the rules of episodes, in a few slow lines each. Tests
// compare the detector with it. Of this project it imports only the format of the records of episodes.
package naive

import (
	"math"
	"math/big"
	"slices"
)

// Rules are the settings that decide.
type Rules struct {
	GranularityMinutes, HistoryHours, MinRatio, Threshold, MinDeviation float64
	Median                                                              bool // the deviation is the median of the distances, not their mean
}

// Detector keeps the windows of all entities.
type Detector struct {
	rules   Rules
	windows map[string][]point
}

type point struct {
	at    int64 // Unix milliseconds
	value float64
}

// New makes a Detector that has seen nothing.
func New(rules Rules) *Detector { return &Detector{rules, make(map[string][]point)} }

// Verdict is what a Detector says of a point.
type Verdict struct {
	Scored, Anomalous       bool
	Usual, Scale, Deviation float64 // Deviation = (value - Usual) / Scale, if it is scored
}

// Decide takes an entity's next point. It returns whether the point is an anomaly, and its deviation.
func (d *Detector) Decide(key string, at int64, value float64) (deviation float64, anomalous bool) {
	v := d.Judge(key, at, value)
	return v.Deviation, v.Anomalous
}

// Add takes an entity's next point into its window, and returns the window that decides on it.
func (d *Detector) Add(key string, at int64, value float64) (before []point) {
	window := d.windows[key]
	for len(window) > 0 && float64(window[0].at) < float64(at)-d.rules.HistoryHours*60*60*1000 {
		window = window[1:]
	}
	d.windows[key] = append(window, point{at, value})
	return window
}

// Judge takes an entity's next point.
func (d *Detector) Judge(key string, at int64, value float64) (v Verdict) {
	r, window := d.rules, d.Add(key, at, value)
	if !r.enough(len(window)) {
		return v
	}
	var values, distances []float64
	for _, p := range window {
		values = append(values, p.value)
	}
	usual := median(values)
	sum := new(big.Rat)
	for _, v := range values {
		distance := math.Abs(v - usual)
		distances = append(distances, distance)
		sum.Add(sum, new(big.Rat).SetFloat64(distance))
	}
	spread, _ := sum.Quo(sum, big.NewRat(int64(len(window)), 1)).Float64()
	if r.Median {
		spread = median(distances)
	}
	scale := float64(1.4826 * float64(r.MinDeviation+spread))
	deviation := (value - usual) / scale
	return Verdict{true, math.Abs(deviation) > r.Threshold, usual, scale, deviation}
}

// enough tells whether a window of so many points can score another one.
func (r Rules) enough(points int) bool {
	return float64(points) > r.MinRatio*r.HistoryHours*(60/r.GranularityMinutes)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}
