package report

import (
	"fmt"
	"math"
	"strings"
	"time"

	"anomalydetector/backtest"
	"anomalydetector/web/answers"
	"anomalydetector/web/look"
)

// moment is a time in three forms: for programs, exact, and short.
type moment struct{ Machine, Exact, Short string }

func at(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// when is a time, with seconds only if it has some.
func when(ms int64) moment {
	t := at(ms)
	m := moment{t.Format(time.RFC3339), t.Format("Mon 2 Jan 2006 15:04:05 UTC"), t.Format("2 Jan 2006 15:04")}
	if t.Second() != 0 {
		m.Short = t.Format("2 Jan 2006 15:04:05")
	}
	return m
}

// between is a span of time.
func between(from, until int64) string {
	a, b := at(from), at(until)
	if a.Truncate(24 * time.Hour).Equal(b.Truncate(24 * time.Hour)) {
		return a.Format("2 Jan 2006 15:04") + " to " + b.Format("15:04")
	}
	return a.Format("2 Jan 2006 15:04") + " to " + b.Format("2 Jan 2006 15:04")
}

func number(v float64) string { return look.Number(answers.Finite(v)) }

// deviation is a deviation with its arrow.
func deviation(v float64) string {
	side := answers.SideOf(v)
	switch {
	case math.IsInf(v, 1):
		return look.Arrow(side) + " +∞"
	case math.IsInf(v, -1):
		return look.Arrow(side) + " −∞"
	}
	return look.Arrow(side) + " " + look.Signed(answers.Finite(v))
}

// meanText says what the mean of the last values is, and what it may be.
func meanText(mean, limit float64) string {
	return "mean " + number(mean) + ", limit " + number(limit)
}

// rate is a number of something a day.
func rate(v float64) string {
	if f := answers.Finite(v); f != nil {
		return look.Brief(f)
	}
	return look.Unknown
}

// name is an entity's name as people say it, and its key if that says more.
func name(keys, fields []string, entity string) (short, beside string) {
	named := answers.Fields(keys, fields)
	short = look.Short(named, entity)
	return short, look.KeyBeside(short, entity)
}

// place is a row of an input, as compilers write it.
func place(p backtest.Place) string {
	if p.Input == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", p.Input, p.Line)
}

func places(all []backtest.Place) string {
	var text []string
	for _, p := range all {
		text = append(text, place(p))
	}
	return strings.Join(text, ", ")
}

// took is how long something took on the clock.
func took(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	if d < 10*time.Minute {
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	return look.Span(d)
}
