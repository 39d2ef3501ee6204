package source

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"anomalydetector/web/answers"
)

// say is the verdict on an entity in one or two sentences. Its numbers are rounded; the answer's fields have
// the exact ones.
func (d *known) say(answer *answers.Entity, j *judgement) string {
	last := fmt.Sprintf("The value %s of %s", short(j.last.Value), clock(time.UnixMilli(j.last.At)))
	switch answer.Reason {
	case "silent":
		return fmt.Sprintf("No point came since %s, for %d bins. The last value was %s.", clock(time.UnixMilli(j.last.At)), j.silentAt, short(j.last.Value))
	case "too_few_points":
		if j.habit != nil && j.summary.Points >= j.summary.Needed {
			return last + " is not scored: the method habit needs two days before."
		}
		return fmt.Sprintf("%s is not scored: %d of %d points needed were known.", last, j.summary.Points, j.summary.Needed)
	}
	if j.habit != nil {
		return sayHabit(answer.Last, answer.Reason == "anomalous")
	}
	verdict := fmt.Sprintf("%s lies %s the usual level %s", last, d.distance(answer.Last.Deviation, j), short(j.summary.Median))
	band := fmt.Sprintf("up to %s are normal, which is %s to %s", short(d.Settings.Threshold), short(j.summary.Low), short(j.summary.High))
	return verdict + "; " + band + "."
}

// distance is how far the last value lies from the usual level.
func (d *known) distance(deviation *float64, j *judgement) string {
	side := "above"
	if j.last.Value < j.summary.Median {
		side = "below"
	}
	switch {
	case j.last.Value == j.summary.Median:
		return "exactly at"
	case deviation == nil:
		return "infinitely many deviations " + side
	}
	return fmt.Sprintf("%s deviations %s", strconv.FormatFloat(math.Abs(*deviation), 'f', 1, 64), side)
}

// sayNothingKnown is the sentence for an entity that has anomalies but no window.
func (d *known) sayNothingKnown(answer *answers.Entity) string {
	if answer.Partial {
		return "Its window is not known at the moment: not all partitions could be asked."
	}
	return fmt.Sprintf("It has no point within the last %s hours.", short(d.Settings.HistoryHours))
}

// short is a number with four significant digits.
func short(x float64) string {
	if rounded, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 4, 64), 64); err == nil {
		x = rounded
	}
	if size := math.Abs(x); size != 0 && (size >= 1e7 || size < 1e-4) {
		return strconv.FormatFloat(x, 'g', -1, 64)
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}

// clock prints a time for people.
func clock(at time.Time) string { return at.UTC().Format("2006-01-02 15:04 UTC") }
