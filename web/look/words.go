package look

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"anomalydetector/web/answers"
)

const Unknown = "not known"

// Number is a value with about four significant digits.
func Number(v *float64) string {
	if v == nil {
		return Unknown
	}
	return Digits(*v, 4)
}

// Brief is a value with two decimals, for sentences.
func Brief(v *float64) string {
	if v == nil {
		return Unknown
	}
	switch a := math.Abs(*v); {
	case a >= 100:
		return Digits(*v, 0)
	case a >= 10:
		return Digits(*v, 1)
	}
	return Digits(*v, 2)
}

// Digits writes a number with that many decimals; fewer if it is large, more if it is tiny.
func Digits(v float64, decimals int) string {
	a := math.Abs(v)
	switch {
	case a == 0:
		return "0"
	case a >= 1e9 || a < 1e-6:
		return minus(strconv.FormatFloat(v, 'g', 3, 64))
	case a >= 1000:
		decimals = 0
	case decimals == 0:
	case a >= 10:
		decimals = min(decimals, 2)
	case a < 0.1:
		decimals = max(decimals, 1-int(math.Floor(math.Log10(a))))
	}
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if decimals == 0 {
		whole, _ := strconv.ParseInt(text, 10, 64)
		return Group(whole)
	}
	return minus(strings.TrimSuffix(strings.TrimRight(text, "0"), "."))
}

// minus uses the sign that is as wide as a plus.
func minus(text string) string { return strings.Replace(text, "-", "−", 1) }

// Signed is a deviation with its sign.
func Signed(v *float64) string {
	if v == nil {
		return "not finite"
	}
	text := Size(v)
	if *v < 0 {
		return "−" + text
	}
	return "+" + text
}

// Size is a deviation without its sign.
func Size(v *float64) string {
	if v == nil {
		return "not finite"
	}
	a := math.Abs(*v)
	if a >= 100 {
		return Digits(math.Round(a), 0)
	}
	return strconv.FormatFloat(a, 'f', 1, 64)
}

// Group writes a whole number with a comma between each three digits.
func Group[N int | int64 | int32 | uint64](n N) string {
	text, sign := strconv.FormatInt(int64(n), 10), ""
	if text[0] == '-' {
		text, sign = text[1:], "−"
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return sign + text
}

// Count is a number of things.
func Count[N int | int64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Group(n) + " " + many
}

// Span is how long something takes, in at most two units.
func Span(d time.Duration) string {
	d = max(d, 0)
	switch minutes := int(d.Minutes()); {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case minutes < 60:
		return fmt.Sprintf("%d min", minutes)
	case minutes < 48*60:
		if minutes%60 == 0 {
			return fmt.Sprintf("%d h", minutes/60)
		}
		return fmt.Sprintf("%d h %d min", minutes/60, minutes%60)
	case minutes < 730*24*60:
		return fmt.Sprintf("%d days", minutes/60/24)
	default:
		return fmt.Sprintf("%d years", minutes/60/24/365)
	}
}

// Within names the length of a bin in a sentence, as in "in the same quarter of an hour".
func Within(bin time.Duration) string {
	switch bin {
	case 15 * time.Minute:
		return "quarter of an hour"
	case 30 * time.Minute:
		return "half hour"
	case time.Hour:
		return "hour"
	}
	return Span(bin)
}

// Called is a field's value as people say it.
func Called(f answers.Field) string {
	if !f.ASN {
		return f.Value
	}
	if f.Value == "-1" {
		return "global"
	}
	if _, err := strconv.ParseUint(f.Value, 10, 32); err != nil {
		return f.Value
	}
	return "AS" + f.Value
}

// Short is an entity's name in a list.
func Short(fields []answers.Field, key string) string {
	if len(fields) == 0 {
		return key
	}
	parts := make([]string, len(fields))
	for i, f := range fields {
		parts[i] = Called(f)
	}
	return strings.Join(parts, " · ")
}

// KeyBeside is the key, if it says more than the name that it stands beside.
func KeyBeside(name, key string) string {
	if strings.ReplaceAll(name, " · ", ",") == key {
		return ""
	}
	return key
}

// Full is an entity's name in a sentence.
func Full(fields []answers.Field, key string) string {
	if len(fields) == 2 && fields[0].ASN && fields[1].ASN {
		return Called(fields[1]) + " in " + Together(fields[0])
	}
	return Short(fields, key)
}

// Together names what entities with the same value of a field have in common.
func Together(f answers.Field) string {
	if f.ASN && f.Value == "-1" {
		return "the global graph"
	}
	return f.Name + " " + Called(f)
}

// Turned is a direction in the past tense.
func Turned(d answers.Direction) string {
	if d == answers.Up {
		return "rose"
	}
	return "fell"
}

func Arrow(d answers.Direction) string {
	if d == answers.Up {
		return "▲"
	}
	return "▼"
}

// Steps are the deviations, in thresholds, at which the next darker colour begins.
var Steps = [2]float64{2, 4}

// Step is the colour of a deviation: u1 to u3, d1 to d3.
func Step(deviation *float64, threshold float64) string {
	if deviation == nil {
		return "u3"
	}
	side, a := "u", math.Abs(*deviation)
	if *deviation < 0 {
		side = "d"
	}
	switch {
	case a >= Steps[1]*threshold:
		return side + "3"
	case a >= Steps[0]*threshold:
		return side + "2"
	}
	return side + "1"
}
