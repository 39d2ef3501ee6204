package page

import (
	"math"
	"time"

	"anomalydetector/web/answers"
	"anomalydetector/web/look"
)

// How the page shows the method habit: what is usual changes with the time of day, and an anomaly may be one because the last values are low or
// high on average.

// edges are what was expected of the points, and what is expected next.
func edges(e answers.Entity, points []answers.Point, p look.Plot, y look.Scale, bin time.Duration) (all []look.Edge) {
	var last time.Time
	add := func(at time.Time, expected, low, high *float64) {
		if expected == nil || low == nil || high == nil {
			return
		}
		all = append(all, look.Edge{X: p.At(at), High: y.At(*high), Usual: y.At(*expected), Low: y.At(*low), Apart: at.Sub(last) >= look.Skipped*bin})
		last = at
	}
	for _, point := range points {
		add(point.Time, point.Expected, point.Low, point.High)
	}
	if e.NextAt != nil && !last.IsZero() {
		add(*e.NextAt, e.Median, e.Low, e.High)
	}
	return all
}

// expected is what was expected of a point, for the read-out.
func expected(point answers.Point) string {
	if point.Expected == nil || point.Low == nil || point.High == nil {
		return ""
	}
	about := "about "
	if point.Exact {
		about = ""
	}
	return about + look.Number(point.Expected) + " expected, " + look.Number(point.Low) + " to " + look.Number(point.High) + " usual"
}

// far is how far an anomaly is from what is usual.
func far(a answers.Anomaly) string {
	if a.OfMean() {
		return look.Signed(a.Deviation) + " deviations: " + onAverage(a.ByHabit)
	}
	return look.Signed(a.Deviation) + " deviations from " + look.Number(a.Usual)
}

// onAverage is how far the last values are from expectation.
func onAverage(h answers.ByHabit) string {
	return look.Brief(size(h.Mean)) + " " + lower(h) + " than expected on average"
}

// lower is on which side of expectation the last values are.
func lower(h answers.ByHabit) string {
	if h.Mean != nil && *h.Mean < 0 {
		return "lower"
	}
	return "higher"
}

func size(x *float64) *float64 {
	if x == nil {
		return nil
	}
	return new(math.Abs(*x))
}

// turned is what happened in an episode: one word, and the rest. It is short enough for a table.
func turned(e answers.Episode) (word, rest string) {
	if e.OfMean() {
		return lower(e.ByHabit), "by up to " + look.Brief(size(e.Mean)) + " on average"
	}
	return look.Turned(e.Direction), "from " + look.Brief(e.Usual) + " to " + look.Brief(e.Value)
}

// hasTurned is what happened in an episode, for a sentence about its entity.
func hasTurned(e answers.Episode) (words, rest string) {
	words, rest = turned(e)
	if e.OfMean() {
		return "is " + words, "than expected, " + rest
	}
	return words, rest
}

// usually is the band of an episode in words; empty if it is not known.
func usually(e answers.Episode) string {
	switch {
	case e.OfMean():
		return "than expected; up to " + look.Brief(e.UsualMean) + " is usual"
	case e.Low == nil || e.High == nil:
		return ""
	case e.Method == answers.Habit:
		return look.Brief(e.Low) + " to " + look.Brief(e.High) + " was usual then"
	}
	return "usual is " + look.Brief(e.Low) + " to " + look.Brief(e.High)
}

// WindowHours is how many hours of values an entity has.
func (s *shell) WindowHours() float64 {
	if s.Detector.WindowHours > 0 {
		return s.Detector.WindowHours
	}
	return s.Detector.HistoryHours
}

// habitFacts are the numbers of the method habit, in place of the median and the band of the original.
func (s *shell) habitFacts(e answers.Entity) (lines []factLine) {
	if e.NextAt != nil && e.Median != nil {
		at := s.When(*e.NextAt)
		lines = append(lines, factLine{Name: "expected at " + e.NextAt.UTC().Format("15:04"), Value: look.Number(e.Median), Time: &at})
	}
	if e.Low != nil && e.High != nil {
		lines = append(lines, factLine{Name: "usual then", Value: look.Number(e.Low) + " to " + look.Number(e.High)})
	}
	if last := e.Last; last != nil && last.Mean != nil {
		lines = append(lines, factLine{Name: "last 24 values", Value: look.Number(size(last.Mean)) + " " + lower(answers.ByHabit{Mean: last.Mean}) + " on average"},
			factLine{Name: "usual on average", Value: "up to " + look.Number(last.UsualMean)})
	}
	return append(lines, factLine{Name: "compared with", Value: "this time of other days"})
}
