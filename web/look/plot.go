package look

import (
	"strconv"
	"time"
)

// Plot places times on a picture.
type Plot struct{ From, Until time.Time }

// Box is a part of a picture, in percent of its width.
type Box struct{ X, Width, Says string }

// Tick is a label of an axis.
type Tick struct {
	X, Label, Anchor string
	Class            string // wide: narrow screens have no room for its label
}

// At is the part of the plot that lies before a time.
func (p Plot) At(t time.Time) float64 {
	return seconds(p.From, t) / max(1e-9, seconds(p.From, p.Until))
}

// seconds is the time between two times, which may be longer than a Duration.
func seconds(from, until time.Time) float64 {
	return float64(until.Unix()-from.Unix()) + float64(until.Nanosecond()-from.Nanosecond())/1e9
}

// Box is the part of the plot between two times.
func (p Plot) Box(from, until time.Time, says string) Box {
	a, b := max(0, p.At(from)), min(1, p.At(until))
	return Box{Percent(a), Percent(max(0, b-a)), says}
}

const day = 24 * time.Hour

// Ticks are at times that people use: whole hours, midnights, firsts of months and years.
func (p Plot) Ticks() []Tick {
	every, format := day, "Mon 2"
	switch length := p.Until.Sub(p.From); {
	case length <= 8*time.Hour:
		every, format = time.Hour, "15:04"
	case length <= 30*time.Hour:
		every, format = 6*time.Hour, "15:04"
	case length > 9*day:
		return p.dates()
	}
	var all []Tick
	for t := p.From.UTC().Truncate(every); !t.After(p.Until); t = t.Add(every) {
		k := p.tick(t, format)
		if k == nil {
			continue
		}
		if every < day && t.Hour() == 0 {
			k.Label = t.Format("Mon 2")
		}
		all = append(all, *k)
	}
	return all
}

// tick is the tick of a time; nil if the plot does not hold it.
func (p Plot) tick(t time.Time, format string) *Tick {
	at := p.At(t)
	if at < 0 || at > 1 {
		return nil
	}
	k := &Tick{X: Percent(at), Label: t.Format(format), Anchor: "start"}
	if at > 0.93 {
		k.Anchor = "end"
	}
	return k
}

// most is how many dates an axis has at most.
const most = 9

// dates are the ticks of a plot of many days: whole days, or firsts of months, or of years.
func (p Plot) dates() []Tick {
	days := seconds(p.From, p.Until) / day.Seconds()
	next, format := func(t time.Time) time.Time { return t.AddDate(1, 0, 0) }, "2006"
	from := p.From.UTC()
	begin := time.Date(from.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	if years := int(days/365/most) + 1; years > 1 {
		next = func(t time.Time) time.Time { return t.AddDate(years, 0, 0) }
	}
	for _, months := range []int{6, 3, 2, 1} {
		if days/30/float64(months) <= most {
			next, format = func(t time.Time) time.Time { return t.AddDate(0, months, 0) }, "Jan 2006"
		}
	}
	for _, step := range []int{14, 7, 2, 1} {
		if days/float64(step) <= most {
			next, format = func(t time.Time) time.Time { return t.AddDate(0, 0, step) }, "2 Jan"
			begin = from.Truncate(day)
		}
	}
	var all []Tick
	for t := begin; !t.After(p.Until); t = next(t) {
		if k := p.tick(t, format); k != nil {
			all = append(all, *k)
		}
	}
	for i := range all {
		if i%2 == 1 && len(all) > most/2 {
			all[i].Class = "wide"
		}
	}
	return all
}

// Percent writes a part as SVG reads it.
func Percent(part float64) string { return strconv.FormatFloat(part*100, 'f', 3, 64) + "%" }
