package api

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"anomalydetector/configs"
	"anomalydetector/web/answers"
)

// About is what every question may have.
type About struct {
	Timeout string `query:"timeout" maxLength:"20" example:"500ms" doc:"How long to wait for an answer: up to 20s; 2s without it"`
	asked   url.Values
}

func (q *About) about() *About { return q }

// Resolve is called by huma once it has read the parameters. It finds the mistakes that huma ignores.
func (q *About) Resolve(ctx huma.Context) []error {
	u := ctx.URL()
	var err error
	if q.asked, err = url.ParseQuery(u.RawQuery); err != nil {
		return []error{wrong("", "", "the query cannot be read: %.200s", err)}
	}
	for name, values := range q.asked {
		if len(values) > 1 {
			return []error{wrong(name, values[1], "%.50q is given %d times, want it once", name, len(values))}
		}
	}
	return nil
}

// How long a question waits for its answer.
const (
	usualTimeout = 2 * time.Second
	mostTimeout  = 20 * time.Second
)

func (q *About) timeout() (time.Duration, error) {
	if q.Timeout == "" {
		return usualTimeout, nil
	}
	d, err := time.ParseDuration(q.Timeout)
	if err != nil || d <= 0 || d > mostTimeout {
		return 0, wrong("timeout", q.Timeout, "timeout is %.50q, want a duration of up to %s such as 500ms", q.Timeout, mostTimeout)
	}
	return d, nil
}

// Of names a detector.
type Of struct {
	Detector string `query:"detector" maxLength:"200" example:"hegemonydetector" doc:"Its name; without one the only detector, or the first"`
}

// Narrow is the filter of anomalies, episodes and lanes.
type Narrow struct {
	Of
	Entity       string  `query:"entity" maxLength:"4096" doc:"The whole key of an entity, as answers give it"`
	Text         string  `query:"q" maxLength:"200" doc:"A part of the key, in any case"`
	MinDeviation float64 `query:"min_deviation" minimum:"0" doc:"Only those with at least this deviation, to either side"`
	Direction    string  `query:"direction" enum:"up,down" doc:"Only those on this side of the usual level"`
	From         string  `query:"from" maxLength:"40" example:"-6h" doc:"Datapoints from this time on: RFC 3339, Unix seconds, or back from now as -90m, -6h, -3d. Now is the server's clock, or the detector's data_until if that is more than an hour from the clock"`
	To           string  `query:"to" maxLength:"40" doc:"Datapoints before this time, written like from"`
}

// now is the time from which relative times count back. If the detector does not exist, the Source says so
// later.
func (q *Narrow) now(ctx context.Context, source answers.Source, clock time.Time) (time.Time, error) {
	if !relative(q.From) && !relative(q.To) {
		return clock, nil
	}
	all, err := source.Detectors(ctx)
	if err != nil {
		return clock, err
	}
	for _, d := range all.Items {
		if q.Detector == "" || d.Name == q.Detector {
			return CountFrom(clock, d.DataUntil), nil
		}
	}
	return clock, nil
}

func (q *Narrow) filter(ctx context.Context, source answers.Source, fields map[string]string, clock time.Time) (f answers.Filter, err error) {
	now, err := q.now(ctx, source, clock)
	if err != nil {
		return f, err
	}
	f = answers.Filter{Detector: q.Detector, Entity: q.Entity, Fields: fields, Text: q.Text, MinDeviation: q.MinDeviation, Direction: answers.Direction(q.Direction)}
	if math.IsNaN(q.MinDeviation) || math.IsInf(q.MinDeviation, 0) {
		return f, wrong("min_deviation", fmt.Sprint(q.MinDeviation), "min_deviation is %v, want a number", q.MinDeviation)
	}
	for _, bound := range []struct {
		name, text string
		at         *time.Time
	}{{"from", q.From, &f.From}, {"to", q.To, &f.Until}} {
		if bound.text == "" {
			continue
		}
		var ok bool
		if *bound.at, ok = Moment(bound.text, now); !ok {
			return f, wrong(bound.name, bound.text, "%s is %.50q: %s", bound.name, bound.text, wantMoment)
		}
	}
	if !f.From.IsZero() && !f.Until.IsZero() && !f.From.Before(f.Until) {
		return f, wrong("to", q.To, "to is %s, want a time after from, which is %s", f.Until.Format(timeFormat), f.From.Format(timeFormat))
	}
	return f, nil
}

// Page is the part of a list that is wanted.
type Page struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many items a page has at most"`
	Cursor string `query:"cursor" maxLength:"12000" pattern:"^[!-~]*$" doc:"The next of the page before; the other parameters must be the same as there"`
}

// Table is how a list is written.
type Table struct {
	Format string `query:"format" enum:"json,csv,ndjson" doc:"Without it, Accept decides: application/json, text/csv or application/x-ndjson"`
}

func (t *Table) format() string { return t.Format }

// fieldPrefix marks a parameter as a key field, even if another parameter has the field's name.
const fieldPrefix = "field."

// mostField is the largest length of the value of a key field, in bytes.
const mostField = 4096

// fields are the key fields that a question names. It is an error if a parameter is neither known nor a key
// field of the detector.
func fields(ctx context.Context, source answers.Source, asked url.Values, known []string, fieldsToo bool) (map[string]string, error) {
	var others []string
	for name := range asked {
		if !slices.Contains(known, name) {
			others = append(others, name)
		}
	}
	if len(others) == 0 {
		return nil, nil
	}
	slices.Sort(others) // so that of several mistakes the same one is reported each time
	var keys []string
	if fieldsToo {
		var err error
		if keys, err = keyFields(ctx, source, asked.Get("detector")); err != nil {
			return nil, err
		}
	}
	found := make(map[string]string)
	for _, given := range others {
		value := asked.Get(given)
		name := strings.TrimPrefix(given, fieldPrefix)
		before, twice := found[name]
		switch {
		case !fieldsToo || !slices.Contains(keys, name):
			return nil, unknown(given, value, known, keys)
		case len(value) > mostField:
			return nil, wrong(given, value, "%s has %d bytes, want at most %d", given, len(value), mostField)
		case twice:
			return nil, wrong(given, value, "%s is given twice, as %.50q and %.50q", name, before, value)
		}
		found[name] = value
	}
	return found, nil
}

func unknown(given, value string, known, keys []string) *Problem {
	names := slices.Clone(known)
	for _, key := range keys {
		if !slices.Contains(known, key) {
			names = append(names, key)
		}
		names = append(names, fieldPrefix+key)
	}
	p := wrong(short(given), value, "there is no parameter %.50q", given)
	if like := configs.Nearest(given, names); like != "" {
		p.Detail += fmt.Sprintf("; did you mean %s?", like)
		p.Similar = []string{like}
	} else {
		p.Detail += ", want one of " + strings.Join(names, ", ")
	}
	return p
}

// keyFields are the key fields of a detector.
func keyFields(ctx context.Context, source answers.Source, detector string) (keys []string, err error) {
	all, err := source.Detectors(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, d := range all.Items {
		names = append(names, d.Name)
		if detector == "" || d.Name == detector {
			for _, key := range d.KeyFields {
				keys = append(keys, key.Name)
			}
			return keys, nil
		}
	}
	p := &Problem{Status: 404, Parameter: "detector", Value: short(detector), Detail: fmt.Sprintf("there is no detector %.100q", detector)}
	if like := configs.Nearest(detector, names); like != "" {
		p.Detail += fmt.Sprintf("; did you mean %s?", like)
		p.Similar = []string{like}
	}
	return nil, p
}
