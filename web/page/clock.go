package page

import (
	"time"

	"anomalydetector/web/answers"
	"anomalydetector/web/look"
)

// clock writes times. Ages count back from Ref: the clock's time, or the stream's if that is far from the
// clock.
type clock struct {
	Now, Ref time.Time
	Old      bool
}

// follow makes Ref the stream's time if that is far from the clock.
func (c *clock) follow(d answers.Detector) {
	if d.DataUntil == nil {
		return
	}
	far := max(6*time.Hour, 8*binOf(d))
	if gap := c.Now.Sub(*d.DataUntil); gap > far || gap < -time.Hour {
		c.Old, c.Ref = true, d.DataUntil.UTC()
	}
}

func binOf(d answers.Detector) time.Duration {
	if d.BinSeconds <= 0 {
		return 15 * time.Minute
	}
	return time.Duration(d.BinSeconds * float64(time.Second))
}

// moment is a time in three forms, for programs, exact, and short, and its age.
type moment struct{ Machine, Exact, Short, Ago string }

const exact = "Mon 2 Jan 2006 15:04:05 UTC"

// When is a time. Its short form has no day if that is today.
func (c clock) When(t time.Time) moment {
	t = t.UTC()
	m := moment{Machine: t.Format(time.RFC3339), Exact: t.Format(exact), Short: t.Format("15:04")}
	ago := c.Ref.Sub(t)
	switch {
	case ago < -time.Minute:
		m.Ago = "in " + look.Span(-ago)
	case ago < 5*time.Second:
		m.Ago = "now"
	default:
		m.Ago = look.Span(ago) + " ago"
	}
	if t.YearDay() != c.Ref.YearDay() || t.Year() != c.Ref.Year() {
		m.Short = t.Format("Mon 2 Jan 15:04")
		if d := c.Ref.Sub(t); d > 300*24*time.Hour || d < -300*24*time.Hour {
			m.Short = t.Format("2 Jan 2006 15:04")
		}
	}
	return m
}

// byClock is a time whose age counts back from the clock, even if the data are old.
func (c clock) byClock(t time.Time) moment { return clock{Now: c.Now, Ref: c.Now}.When(t) }

// Day is the day of a time; empty if its Short holds the day already.
func (c clock) Day(t time.Time) string {
	switch t = t.UTC(); {
	case t.YearDay() == c.Ref.YearDay() && t.Year() == c.Ref.Year():
		return "today"
	case t.Add(24*time.Hour).YearDay() == c.Ref.YearDay():
		return "yesterday"
	default:
		return t.Format("Mon 2 Jan")
	}
}
