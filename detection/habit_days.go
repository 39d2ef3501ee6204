package detection

import (
	"math"
	"slices"
)

const (
	usualDays = 7
	// mostTops bounds the days of a state. In time, there are seven. A late record of another day adds two: the day that it cuts off, and its own. With
	// more than 120 such records in a week, the earliest days are missing here, and the reference may decide otherwise.
	mostTops = 250
)

// dayTop is how far a day got.
type dayTop struct {
	one, many float64 // the largest |residual| and |mean|
	date      int64   // days since 1970
}

// enterDay begins a day if the last residual was of another one.
func (h *Habit) enterDay(date int64) {
	m := &h.now
	if m.day == date+1 {
		return
	}
	gone := -1 // a day that the last one may take the place of
	for i := int(m.tops) - 1; i >= 0; i-- {
		if date-h.days[i].date <= usualDays {
			continue
		}
		if gone >= 0 { // only after a gap
			m.tops--
			h.setDay(gone, h.days[m.tops])
		}
		gone = i
	}
	last := dayTop{m.one, m.many, m.day - 1}
	switch {
	case m.day != 0 && date-last.date <= usualDays:
		h.keepDay(last, gone)
	case gone >= 0:
		m.tops--
		h.setDay(gone, h.days[m.tops])
	}
	m.day, m.one, m.many = date+1, 0, 0
	h.one, h.many = h.usual()
}

// keepDay takes a day in, in a place or, if that is negative, in one more. If late records have made too many days, the
// earliest one goes.
func (h *Habit) keepDay(d dayTop, place int) {
	switch tops := int(h.now.tops); {
	case place >= 0:
	case tops == mostTops:
		place = 0
		for i := range h.days {
			if h.days[i].date < h.days[place].date {
				place = i
			}
		}
	default:
		place = tops
		h.now.tops++
		if tops == len(h.days) {
			if h.days == nil {
				h.days = make([]dayTop, 0, usualDays)
			}
			h.days = append(h.days, dayTop{})
		}
	}
	h.setDay(place, d)
}

// usual is how far residuals and means get on a usual day; NaN if fewer than two days are known.
func (h *Habit) usual() (one, many float64) {
	if h.now.tops < 2 {
		return math.NaN(), math.NaN()
	}
	var room [mostTops]float64
	tops := room[:h.now.tops]
	for i := range tops {
		tops[i] = h.days[i].one
	}
	one = usualOf(tops)
	for i := range tops {
		tops[i] = h.days[i].many
	}
	return one, usualOf(tops)
}

func usualOf(tops []float64) float64 {
	slices.Sort(tops)
	return min(quantile(tops, 0.8), 2*quantile(tops, 0.35))
}

// quantile is one of sorted numbers, with linear interpolation, and with the reference's roundings.
func quantile(sorted []float64, p float64) float64 {
	x := float64(p * float64(len(sorted)-1))
	i := int(x)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	return sorted[i] + float64(float64(x-float64(i))*float64(sorted[i+1]-sorted[i]))
}
