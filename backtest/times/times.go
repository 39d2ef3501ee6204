// Package times reads a time in the one grammar that data, labels and flags share. It is pure.
//
// A time is one of
//
//   - a number of Unix seconds or milliseconds; from 100,000,000,000 on it is milliseconds
//   - YYYY-MM-DD HH:MM[:SS[.F]], with a blank or a T
//   - YYYY-MM-DD, a day
//
// A date may end with Z, +HH, +HHMM or +HH:MM. Without that, it is UTC.
package times

import (
	"bytes"
	"math"
	"strconv"
	"time"
)

// Wanted says how a time is written, for messages.
const Wanted = "want a time such as 2026-11-01 03:00:00 or 2026-11-01T03:00:00Z, a day such as 2026-11-01, or Unix seconds or milliseconds"

// A number below the first limit is Unix seconds, up to the year 5138. One below the second is Unix milliseconds,
// which begin in March 1973 then. A larger one is no time.
const (
	secondsBelow      = 100_000_000_000
	millisecondsBelow = 100_000_000_000_000
)

// Parse reads a time, in Unix milliseconds. A day is its first instant. Sums of a few times do not overflow.
func Parse(text []byte) (ms int64, ok bool) {
	ms, _, ok = parse(bytes.TrimSpace(text))
	return ms, ok
}

// ParseLast reads a time of which what it names is a part. A day is its last millisecond.
func ParseLast(text []byte) (ms int64, ok bool) {
	ms, day, ok := parse(bytes.TrimSpace(text))
	if day {
		ms += 24*time.Hour.Milliseconds() - 1
	}
	return ms, ok
}

func parse(text []byte) (ms int64, day, ok bool) {
	if whole, is := Integer(text); is {
		ms, ok = FromNumber(float64(whole))
		return ms, false, ok
	}
	if len(text) >= 10 && text[4] == '-' {
		return date(text)
	}
	if len(bytes.TrimLeft(text, "0123456789+-.eE")) > 0 {
		return 0, false, false // strconv knows other spellings
	}
	number, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return 0, false, false
	}
	ms, ok = FromNumber(number)
	return ms, false, ok
}

// Integer reads a whole number of at most 18 digits. Nearly every row has some, so it is faster than strconv, and a text that is
// no number costs no error.
func Integer(text []byte) (number int64, ok bool) {
	digits := bytes.TrimPrefix(text, []byte("-"))
	if len(digits) == 0 || len(digits) > 18 {
		return 0, false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		number = number*10 + int64(c-'0')
	}
	if len(digits) < len(text) {
		number = -number
	}
	return number, true
}

// FromNumber takes a number for Unix seconds or milliseconds, by its size.
func FromNumber(number float64) (ms int64, ok bool) {
	switch size := math.Abs(number); {
	case size < secondsBelow:
		return int64(math.Round(number * 1000)), true
	case size < millisecondsBelow:
		return int64(math.Round(number)), true
	}
	return 0, false // and so is NaN
}

// date reads YYYY-MM-DD[ HH:MM[:SS[.F]]][Z|+HH[[:]MM]]. Without a time of day it is a day.
func date(text []byte) (ms int64, day, ok bool) {
	d := dateReader{rest: text, ok: true}
	year := d.digits(4)
	d.want('-')
	month := d.digits(2)
	d.want('-')
	dayOfMonth := d.digits(2)
	var hour, minute, second, fraction int
	day = true
	if d.skip('T') || d.skip(' ') {
		day = false
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
	at := time.Date(year, time.Month(month), dayOfMonth, hour, minute, second, fraction, time.UTC)
	valid := at.Day() == dayOfMonth && int(at.Month()) == month && hour < 24 && minute < 60 && second < 60
	return at.Add(-zone).UnixMilli(), day, d.ok && valid && len(d.rest) == 0
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
