package api

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// wantMoment says how a point in time may be written.
const wantMoment = "want a time such as 2026-11-26T04:00:00Z, Unix seconds such as 1795665600, or time back such as -6h or -3d"

// Moment reads a point in time from 1970 to 9999: RFC 3339, Unix seconds, or a time
// before now, as CountFrom gives it.
func Moment(text string, now time.Time) (time.Time, bool) {
	t, ok := anyMoment(text, now)
	return t.UTC(), ok && t.Unix() >= 0 && t.Unix() <= mostSeconds
}

func anyMoment(text string, now time.Time) (time.Time, bool) {
	if rest, ok := strings.CutPrefix(text, "-"); ok {
		if back, ok := span(rest); ok {
			return now.Add(-back), true
		}
		return time.Time{}, false
	}
	// A plus that is not escaped is a blank in a query.
	if t, err := time.Parse(time.RFC3339Nano, strings.Replace(text, " ", "+", 1)); err == nil {
		return t, true
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || !(seconds >= 0 && seconds <= mostSeconds) {
		return time.Time{}, false
	}
	whole, part := math.Modf(seconds)
	return time.Unix(int64(whole), int64(math.Round(part*1e3))*1e6), true
}

// farFromClock is how far a stream's time is from the clock if its data are not current: in a replay of old
// data, or a demo.
const farFromClock = time.Hour

// CountFrom is the time from which times such as -6h count back. It is the clock, or the time up to which
// there are data (nil: not known) if that is more than an hour from the clock.
func CountFrom(clock time.Time, dataUntil *time.Time) time.Time {
	if dataUntil == nil || clock.Sub(*dataUntil).Abs() <= farFromClock {
		return clock
	}
	return *dataUntil
}

// relative says whether a time is written as one that counts back.
func relative(text string) bool { return strings.HasPrefix(text, "-") }

// mostSeconds is the end of the year 9999; RFC 3339 has no later times.
const mostSeconds = 253402300799

// mostSpan is 100 years.
const mostSpan = 100 * 366 * 24 * time.Hour

// span reads a positive duration: 90s, 15m, 6h, 3d, or seconds without a unit.
func span(text string) (time.Duration, bool) {
	number, unit := text, time.Second
	if days, ok := strings.CutSuffix(text, "d"); ok {
		number, unit = days, 24*time.Hour
	}
	if n, err := strconv.ParseUint(number, 10, 32); err == nil {
		if n == 0 || time.Duration(n) > mostSpan/unit {
			return 0, false
		}
		return time.Duration(n) * unit, true
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d > 0 && d <= mostSpan
}
