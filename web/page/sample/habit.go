package sample

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"anomalydetector/web/answers"
)

// How a detector of the method habit looks: entities that are busy in the evening, and a band that follows them.

// byHabit makes a detector one of the method habit.
func byHabit(d *answers.Detector) {
	d.Method, d.WindowHours, d.PointsFull, d.PointsNeeded = answers.Habit, 48, 192, 58
}

// habitual is an entity whose level follows the time of day.
type habitual struct {
	asn         string
	level, wave float64
	noise       float64
	fell        int     // for how many bins it has been at a third of what is expected
	slow        float64 // what it has been off since 30 bins, on average
	gap         int     // how many bins ago a gap of 20 bins began
	points      int     // how many it has; 0: all
}

var habituals = []habitual{
	{asn: "64524", level: 0.6, wave: 0.14, noise: 0.018, fell: 3},
	{asn: "64530", level: 0.45, wave: 0.1, noise: 0.012, slow: -0.033},
	{asn: "64540", level: 0.3, wave: 0.12, noise: 0.014, gap: 60},
	{asn: "64550", level: 0.52, wave: 0.2, noise: 0.02},
	{asn: "64560", level: 0.4, wave: 0.1, noise: 0.01, points: 20},
	{asn: "64570", level: 0.7, wave: 0.08, noise: 0.01, slow: 0.021},
}

const (
	slowBins  = 30
	knownBins = 97 // of these it is known what was expected
	exactBins = 24
)

func (h *habitual) reach() float64 { return 4.2 * h.noise }

// usualMean is the largest mean of the last values that is normal.
func (h *habitual) usualMean() float64 { return 1.4 * h.noise }

// expected is what the entity usually has at a time.
func (h *habitual) expected(at time.Time) float64 {
	hours := at.Sub(at.Truncate(24 * time.Hour)).Hours()
	return h.level + h.wave*math.Sin(2*math.Pi*(hours-13)/24) + h.wave/3*math.Sin(4*math.Pi*(hours-8)/24)
}

// habits makes the entities.
func (w *world) habits(r *random) {
	bin := time.Duration(w.d.BinSeconds) * time.Second
	for i := range habituals {
		h := &habituals[i]
		e := w.add(h.level, h.noise, []string{"-1", h.asn})
		e.habit, e.ref.Detector, e.ref.Key, e.ref.Partition = h, w.d.Name, key(e.ref.Fields), of(int32(i))
		sum := 0.0
		for ago := w.d.PointsFull; ago >= 0; ago-- {
			if h.points > 0 && ago >= h.points || h.gap > 0 && ago <= h.gap && ago > h.gap-20 || ago == 11 && i%2 == 0 {
				continue
			}
			at := w.d.DataUntil.UTC().Truncate(bin).Add(-time.Duration(ago) * bin)
			expected := h.expected(at)
			value := expected + h.noise*r.gauss()
			switch {
			case ago < h.fell:
				value = expected/3 + 0.3*h.noise*r.gauss()
			case ago < slowBins:
				value += h.slow
			}
			value = math.Round(value*1e6) / 1e6
			point := answers.Point{Time: at, Value: value}
			if ago < knownBins && h.points == 0 {
				point.Expected, point.Low, point.High, point.Exact = of(expected), of(expected-h.reach()), of(expected+h.reach()), ago < exactBins
			}
			e.points = append(e.points, point)
			sum = 0
			for _, p := range e.points[max(0, len(e.points)-24):] {
				sum += p.Value - h.expected(p.Time)
			}
			w.judgeHabit(e, h, at, value, expected, sum/24, i)
		}
		w.fold(e)
		for j := range e.episodes {
			x := &e.episodes[j]
			peak := slices.IndexFunc(e.found, func(a answers.Anomaly) bool { return a.ID == x.PeakID })
			x.ByHabit = e.found[peak].ByHabit
		}
	}
	slices.SortFunc(w.entities, func(a, b *entity) int { return cmp.Compare(a.ref.Key, b.ref.Key) })
}

// judgeHabit finds an anomaly, if the point is one.
func (w *world) judgeHabit(e *entity, h *habitual, at time.Time, value, expected, mean float64, index int) {
	by := answers.ByHabit{Method: answers.Habit, Test: answers.ValueTest, Mean: of(mean), UsualMean: of(h.usualMean())}
	deviation := w.d.Threshold * (value - expected) / h.reach()
	by.Sentence = fmt.Sprintf("%.2f expected at this time of day, %.2f to %.2f usual; it is %.2f", expected, expected-h.reach(), expected+h.reach(), value)
	if of := w.d.Threshold * mean / h.usualMean(); math.Abs(of) > math.Abs(deviation) {
		deviation, by.Test = of, answers.MeanTest
		side := "above"
		if mean < 0 {
			side = "below"
		}
		by.Sentence = fmt.Sprintf("the last 24 values lie %.3f %s expectation on average; up to %.3f is usual", math.Abs(mean), side, h.usualMean())
	}
	e.mean = mean
	if math.Abs(deviation) <= w.d.Threshold || h.points > 0 || w.d.DataUntil.Sub(at) > 24*time.Hour {
		return
	}
	w.find(e, at, value, h.reach()/w.d.Threshold, expected-h.reach(), expected+h.reach(), index)
	a := &e.found[len(e.found)-1]
	a.Usual, a.Deviation, a.Direction, a.ByHabit = of(expected), of(deviation), answers.SideOf(deviation), by
}

// tellHabit completes what is told of an entity.
func (w *world) tellHabit(x *answers.Entity, e *entity) {
	h, bin := e.habit, time.Duration(w.d.BinSeconds)*time.Second
	last := e.points[len(e.points)-1]
	next := last.Time.Add(bin)
	x.Method, x.NextAt = answers.Habit, &next
	x.Last = &answers.LastPoint{Time: last.Time, Value: last.Value}
	for i := 1; i < len(e.points); i++ {
		if a, b := e.points[i-1].Time, e.points[i].Time; b.Sub(a) > bin {
			x.Missing = append(x.Missing, answers.TimeSpan{From: a.Add(bin), Until: b})
		}
	}
	at := "At " + last.Time.Format("2006-01-02 15:04 UTC")
	if h.points > 0 {
		x.Reason, x.Verdict = "too_few_points", fmt.Sprintf("The value %.4f of %s is not scored: %d of %d points needed were known.", last.Value, at[3:], len(e.points)-1, w.d.PointsNeeded)
		return
	}
	expected := h.expected(next)
	x.Scored, x.Median, x.Scale, x.Low, x.High = true, of(expected), of(h.reach()/w.d.Threshold), of(expected-h.reach()), of(expected+h.reach())
	x.Last.Expected, x.Last.Low, x.Last.High, x.Last.Mean, x.Last.UsualMean = last.Expected, last.Low, last.High, of(e.mean), of(h.usualMean())
	x.Last.Deviation, x.Last.Test = of(w.d.Threshold*(last.Value-*last.Expected)/h.reach()), answers.ValueTest
	x.Verdict = fmt.Sprintf("%s: %.2f expected at this time of day, %.2f to %.2f usual; it is %.2f.", at, *last.Expected, *last.Low, *last.High, last.Value)
	if len(e.found) > 0 && e.found[0].Time.Equal(last.Time) {
		a := &e.found[0]
		x.Reason, x.Last.Deviation, x.Last.Test, x.Verdict = "anomalous", a.Deviation, a.Test, at+": "+a.Sentence+"."
	}
}
