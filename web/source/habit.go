package source

import (
	"math"
	"strconv"
	"time"

	"anomalydetector/detection"
	"anomalydetector/messages"
	"anomalydetector/tail"
	"anomalydetector/web/answers"
)

// What people are told of the method habit.

// needed is how many points an entity must have to be scored.
func (d *known) needed() int {
	if d.habit != nil {
		return d.habit.Needed()
	}
	return d.rules.Needed()
}

// full is how many points an entity without gaps has.
func (d *known) full() int {
	if d.habit != nil {
		return d.habit.Full()
	}
	return d.rules.Full()
}

// fillHabit takes over what a partition says of an entity of the method habit. The answer's window has the partition's points already, in their order.
func (d *known) fillHabit(answer *answers.Entity, from *messages.EntityStatus) {
	answer.Method = answers.Habit
	if from.Habit.Next > 0 {
		next := moment(from.Habit.Next)
		answer.NextAt = &next
	}
	for i, e := range from.Habit.Expected[:min(len(from.Habit.Expected), len(answer.Window))] {
		if point := &answer.Window[i]; e.Known {
			point.Expected, point.Low, point.High, point.Exact = &e.Expected, &e.Low, &e.High, e.Exact
		}
	}
}

// recallBands takes over what anomalies say was expected of their points: that is exact, however old they are.
func recallBands(answer *answers.Entity) {
	if answer.Method != answers.Habit {
		return
	}
	found := make(map[time.Time]*answers.Anomaly, len(answer.Anomalies))
	for i := range answer.Anomalies {
		found[answer.Anomalies[i].Time] = &answer.Anomalies[i]
	}
	for i := range answer.Window {
		point := &answer.Window[i]
		if a := found[point.Time]; a != nil && a.Method == answers.Habit && a.Value != nil && math.Abs(*a.Value-point.Value) <= 1e-9*math.Abs(point.Value) && a.Low != nil && a.High != nil {
			point.Expected, point.Low, point.High, point.Exact = a.Usual, a.Low, a.High, true
		}
	}
}

// byHabit is what the method habit says of an anomaly, and why it is one.
func (d *known) byHabit(h *tail.Habit, value, expected, scale float64) (by answers.ByHabit) {
	if !h.Found {
		return by
	}
	low, high := d.rules.Band(expected, scale)
	by.Method, by.Test = answers.Habit, answers.ValueTest
	j := detection.Judgement{Verdict: detection.Verdict{Reason: detection.Anomalous, Median: expected}, Low: low, High: high, Mean: h.Mean, Usual: h.UsualMean}
	if h.OfMean {
		by.Test, j.Test = answers.MeanTest, detection.MeanTest
	}
	by.Mean, by.UsualMean = answers.Finite(h.Mean), answers.Finite(h.UsualMean)
	by.Sentence = sentence(&j, value)
	return by
}

// sayHabit is what was decided about a last point that was scored. If it is normal, its value is told.
func sayHabit(last *answers.LastPoint, anomalous bool) string {
	of := func(x *float64) float64 {
		if x == nil {
			return math.NaN()
		}
		return *x
	}
	j := detection.Judgement{Verdict: detection.Verdict{Reason: detection.Normal, Median: of(last.Expected)}, Low: of(last.Low), High: of(last.High), Mean: of(last.Mean), Usual: of(last.UsualMean)}
	if anomalous && last.Test == answers.MeanTest {
		j.Test = detection.MeanTest
	}
	text := sentence(&j, last.Value)
	if text == "" {
		return "The value " + short(last.Value) + " of " + clock(last.Time) + " is out of any range that can be told."
	}
	return "At " + clock(last.Time) + ": " + text + "."
}

// sentence says why a point is judged as it is; empty if the numbers are not known.
func sentence(j *detection.Judgement, value float64) string {
	numbers, apart := []float64{j.Median, j.Low, j.High, value}, []float64{value, j.Low, j.High}
	size := (j.High - j.Low) / 2
	if j.Test == detection.MeanTest {
		numbers, apart = []float64{j.Mean, j.Usual}, []float64{math.Abs(j.Mean), j.Usual}
		size = j.Usual
	}
	for _, x := range numbers {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return ""
		}
	}
	return j.Sentence(value, asFine(size, apart))
}

// asFine writes numbers as finely as it takes to tell a size by two digits, and the first of some numbers from the others.
func asFine(size float64, apart []float64) func(float64) string {
	if !(size > 1e-12) || size > 1e7 {
		return short
	}
	decimals := max(0, 1-int(math.Floor(math.Log10(size))))
	number := func(x float64) string { return strconv.FormatFloat(x, 'f', decimals, 64) }
	for range 4 {
		for _, other := range apart[1:] {
			if apart[0] != other && number(apart[0]) == number(other) {
				decimals++
				break
			}
		}
	}
	return number
}
