package source

import (
	"bytes"
	"math"
	"strconv"
	"time"
)

// A number below the first limit is Unix seconds, up to the year 5138. One below the second is Unix milliseconds,
// which begin in March 1973 then. A larger one is no time.
const (
	secondsBelow      = 100_000_000_000
	millisecondsBelow = 100_000_000_000_000
)

// when reads a time as text: a number, or a date as RFC 3339 has it. The T may be a space, and what is missing from the
// end is zero and UTC.
func when(text []byte) (ms int64, ok bool) {
	text = bytes.TrimSpace(text)
	if whole, is := integer(text); is {
		return whenInt(whole)
	}
	if len(text) >= 10 && text[4] == '-' {
		return whenDate(text)
	}
	if is, _ := numeric(text); !is {
		return 0, false
	}
	number, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return 0, false
	}
	return whenFloat(number)
}

func whenInt(number int64) (ms int64, ok bool) {
	switch {
	case number > -secondsBelow && number < secondsBelow:
		return number * 1000, true
	case number > -millisecondsBelow && number < millisecondsBelow:
		return number, true
	}
	return 0, false
}

func whenFloat(number float64) (ms int64, ok bool) {
	switch size := math.Abs(number); {
	case size < secondsBelow:
		return int64(math.Round(number * 1000)), true
	case size < millisecondsBelow:
		return int64(math.Round(number)), true
	}
	return 0, false // and so is NaN
}

// whenDate reads YYYY-MM-DD[ HH:MM[:SS[.F]]][Z|+HH[[:]MM]].
func whenDate(text []byte) (ms int64, ok bool) {
	d := dateReader{rest: text, ok: true}
	year := d.digits(4)
	d.want('-')
	month := d.digits(2)
	d.want('-')
	day := d.digits(2)
	var hour, minute, second, fraction int
	if d.skip('T') || d.skip(' ') {
		hour = d.digits(2)
		d.want(':')
		minute = d.digits(2)
		if d.skip(':') {
			second = d.digits(2)
		}
		if d.skip('.') {
			fraction = d.fraction()
		}
	}
	zone := d.zone()
	at := time.Date(year, time.Month(month), day, hour, minute, second, fraction, time.UTC)
	valid := at.Day() == day && int(at.Month()) == month && hour < 24 && minute < 60 && second < 60
	return at.Add(-zone).UnixMilli(), d.ok && valid && len(d.rest) == 0
}

// dateReader takes a date apart. Ok turns false at the first surprise.
type dateReader struct {
	rest []byte
	ok   bool
}

func (d *dateReader) digits(count int) (number int) {
	if len(d.rest) < count {
		d.ok = false
		return 0
	}
	for _, c := range d.rest[:count] {
		d.ok = d.ok && c >= '0' && c <= '9'
		number = number*10 + int(c-'0')
	}
	d.rest = d.rest[count:]
	return number
}

func (d *dateReader) skip(c byte) bool {
	if len(d.rest) == 0 || d.rest[0] != c {
		return false
	}
	d.rest = d.rest[1:]
	return true
}

func (d *dateReader) want(c byte) { d.ok = d.skip(c) && d.ok }

// fraction reads the digits of a second's fraction and returns nanoseconds; digits beyond those are dropped.
func (d *dateReader) fraction() (nanoseconds int) {
	unit := int(time.Second)
	any := false
	for len(d.rest) > 0 && d.rest[0] >= '0' && d.rest[0] <= '9' {
		unit /= 10
		nanoseconds += int(d.rest[0]-'0') * unit
		d.rest = d.rest[1:]
		any = true
	}
	d.ok = d.ok && any
	return nanoseconds
}

func (d *dateReader) zone() time.Duration {
	if len(d.rest) == 0 || d.skip('Z') {
		return 0
	}
	sign := time.Duration(1)
	if d.skip('-') {
		sign = -1
	} else {
		d.want('+')
	}
	hours := d.digits(2)
	minutes := 0
	if d.skip(':') || len(d.rest) > 0 {
		minutes = d.digits(2)
	}
	d.ok = d.ok && hours < 24 && minutes < 60
	return sign * (time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute)
}
