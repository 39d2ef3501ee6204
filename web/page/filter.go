package page

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"anomalydetector/web/answers"
	"anomalydetector/web/look"
)

// chip is a filter in force, with a link that removes it.
type chip struct{ Label, Remove string }

// hours are the ranges that can be chosen; the last is the default.
var hours = []int{6, 24, 72}

// readFilter reads what the URL asks for. It reports what it does not understand, and leaves it out: an old
// link shows more than it meant, rather than nothing.
func (s *shell) readFilter() {
	s.Search = readSearch(s.Query.Get("q"), s.Detector.KeyFields)
	s.Told = append(s.Told, s.Search.Unknown...)
	if s.Search.Instead != nil {
		s.Search.Instead.Href = s.link("q", s.Search.Instead.Href)
	}
	s.readRange()
	f := answers.Filter{Detector: s.Detector.Name, Entity: s.Query.Get("entity"), Fields: s.Search.fields,
		Text: s.Search.text, MinDeviation: s.Search.least, Direction: s.Search.side}
	if f.Entity != "" {
		s.chip(f.Entity, "entity", "")
	}
	for name := range s.Query {
		field, is := strings.CutPrefix(name, "field.")
		if !is {
			continue
		}
		at := slices.IndexFunc(s.Detector.KeyFields, func(k answers.KeyField) bool { return k.Name == field })
		if at < 0 {
			s.Told = append(s.Told, name+": this detector has no such field")
			continue
		}
		key := s.Detector.KeyFields[at]
		f.Fields[field] = s.Query.Get(name)
		s.chip(look.Together(answers.Field{Name: field, Value: f.Fields[field], ASN: key.ASN}), name, "")
	}
	switch side := answers.Direction(s.Query.Get("direction")); side {
	case answers.Up, answers.Down:
		f.Direction = side
		s.chip(string(side)+" only", "direction", "")
	case "":
	default:
		s.Told = append(s.Told, fmt.Sprintf("direction=%s: it is up or down", side))
	}
	if text := s.Query.Get("min_deviation"); text != "" {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || v < 0 || math.IsNaN(v) || math.IsInf(v, 0) {
			s.Told = append(s.Told, "min_deviation="+text+": it is a number from 0 on")
		} else {
			f.MinDeviation = max(f.MinDeviation, v)
			s.chip("at least "+text+" deviations", "min_deviation", "")
		}
	}
	switch kind := answers.EpisodeKind(s.Query.Get("kind")); kind {
	case answers.Deviation, answers.Absence, answers.PartitionGap:
		s.kind = kind
		s.chip(string(kind)+"s only", "kind", "")
	case "":
	default:
		s.Told = append(s.Told, fmt.Sprintf("kind=%s: it is deviation, absence or gap", kind))
	}
	from, until := s.time("from"), s.time("to")
	if !from.IsZero() || !until.IsZero() {
		s.chip(window(from, until), "from", "to")
	}
	f.From, f.Until = from, until
	slices.SortFunc(s.Chips, func(a, b chip) int { return strings.Compare(a.Label, b.Label) })
	s.filter = f
}

func (s *shell) chip(label, parameter, another string) {
	s.Chips = append(s.Chips, chip{label, s.link(parameter, "", another, "")})
}

func (s *shell) time(parameter string) time.Time {
	text := s.Query.Get(parameter)
	if text == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		s.Told = append(s.Told, parameter+"="+text+": it is a time such as 2026-11-24T21:30:00Z")
	}
	return t.UTC()
}

func window(from, until time.Time) string {
	const day, clock = "Mon 2 Jan 15:04", "15:04"
	switch {
	case from.IsZero():
		return "before " + until.Format(day) + " UTC"
	case until.IsZero():
		return "since " + from.Format(day) + " UTC"
	case until.Sub(from) < 24*time.Hour:
		return from.Format(day) + " to " + until.Format(clock) + " UTC"
	}
	return from.Format(day) + " to " + until.Format(day) + " UTC"
}

func (s *shell) readRange() {
	asked := s.Query.Get("range")
	s.Hours = hours[len(hours)-1]
	for _, h := range hours {
		if asked == fmt.Sprintf("%dh", h) {
			s.Hours = h
		}
	}
	if asked != "" && asked != fmt.Sprintf("%dh", s.Hours) {
		s.Told = append(s.Told, "range="+asked+": it is 6h, 24h or 72h")
	}
	for _, h := range hours {
		name := fmt.Sprintf("%dh", h)
		if h == hours[len(hours)-1] {
			name = ""
		}
		s.Ranges = append(s.Ranges, choice{Label: fmt.Sprintf("%d h", h), Href: s.link("range", name), On: h == s.Hours})
	}
}

// shown is the range that is shown: whole bins up to the stream's time.
func (s *shell) shown() answers.TimeSpan {
	bin := binOf(s.Detector)
	until := s.Ref
	if s.Detector.DataUntil != nil {
		until = *s.Detector.DataUntil
	}
	until = until.UTC().Truncate(bin).Add(bin)
	return answers.TimeSpan{From: until.Add(-time.Duration(s.Hours) * time.Hour), Until: until}
}

// Filtered says whether anything besides the detector and the range was asked for.
func (s *shell) Filtered() bool { return len(s.Chips) > 0 || s.Search.Query != "" }

// Unfiltered is this view without filters.
func (s *shell) Unfiltered() string {
	q := url.Values{}
	for _, name := range []string{"detector", "range", "by"} {
		if v := s.Query.Get(name); v != "" {
			q.Set(name, v)
		}
	}
	if len(q) == 0 {
		return s.Path
	}
	return s.Path + "?" + q.Encode()
}

// Hidden are the parameters that a new search keeps.
func (s *shell) Hidden() []choice {
	var kept []choice
	for _, name := range []string{"detector", "range", "by", "state", "kind"} {
		if v := s.Query.Get(name); v != "" {
			kept = append(kept, choice{Label: name, Href: v})
		}
	}
	return kept
}

// data is the address at which the API gives the items of a list.
func (s *shell) data(list, format string, f answers.Filter, more ...string) string {
	q := url.Values{"detector": {f.Detector}}
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	set("entity", f.Entity)
	for name, value := range f.Fields {
		set("field."+name, value)
	}
	set("q", f.Text)
	set("direction", string(f.Direction))
	if f.MinDeviation > 0 {
		set("min_deviation", strconv.FormatFloat(f.MinDeviation, 'g', -1, 64))
	}
	if !f.From.IsZero() {
		set("from", f.From.Format(time.RFC3339))
	}
	if !f.Until.IsZero() {
		set("to", f.Until.Format(time.RFC3339))
	}
	for i := 0; i+1 < len(more); i += 2 {
		set(more[i], more[i+1])
	}
	set("format", format)
	return "/api/v1/" + list + "?" + q.Encode()
}
