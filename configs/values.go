package configs

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// reading takes the values from a document, one after another. It keeps the first error; values after it
// are meaningless.
type reading struct {
	file     string
	doc      *document
	env      func(string) string
	err      error
	warnings []Warning
	settings []Setting

	overridden []Override
}

func (r *reading) fail(section, key, problem, expected string) {
	if r.err == nil {
		r.err = &Error{File: r.sourceOf(section, key), Section: section, Key: key, Problem: problem, Expected: expected}
	}
}

// failVariable refuses an environment variable.
func (r *reading) failVariable(name, problem, expected string) {
	if r.err == nil {
		r.err = &Error{File: "environment", Key: name, Problem: problem, Expected: expected}
	}
}

// failEither refuses the environment variable if it is set, and the key otherwise.
func (r *reading) failEither(section, key, variable, problem, expected string) {
	if r.env(variable) != "" {
		r.failVariable(variable, problem, expected)
	} else {
		r.fail(section, key, problem, expected)
	}
}

// refuse refuses a value, shows it, and adds a likely reason.
func (r *reading) refuse(section, key, value, expected string) {
	problem := "the value is " + strconv.Quote(value)
	switch {
	case strings.Contains(value, "\n"):
		problem += ", since an indented line goes on with the value before it"
	case strings.ContainsAny(value, "#;"):
		problem += ", since a comment needs a line of its own"
	case quoted(value):
		problem += ", with the quotes"
	}
	r.fail(section, key, problem, expected)
}

func quoted(value string) bool {
	return len(value) > 1 && strings.ContainsAny(value[:1], `"'`) && value[0] == value[len(value)-1]
}

// show records a setting in force.
func (r *reading) show(section, key, value, origin string) {
	r.settings = append(r.settings, Setting{section, key, value, origin})
}

func (r *reading) warn(section, key, text string) {
	r.warnings = append(r.warnings, Warning{Section: section, Key: key, Text: text})
}

// interpolation is a reference that Python would replace by the value of another key.
var interpolation = regexp.MustCompile(`%\(\w+\)s`)

// get returns a value and records it as in force. The environment variable wins over the file. An empty
// value is an error unless the default is empty.
func (r *reading) get(section, key, fallback, variable string) string {
	value, there := r.doc.sections[section][key]
	origin := r.sourceOf(section, key)
	switch {
	case variable != "" && r.env(variable) != "":
		value, origin = r.env(variable), "environment "+variable
	case !there:
		value, origin = fallback, "default"
	case value == "" && fallback != "":
		r.fail(section, key, "the value is empty", "want a value, or no such line for the default "+fallback)
	case interpolation.MatchString(value):
		r.fail(section, key, "a reference such as %(name)s is not replaced here", "write the value out")
	}
	if value != "" {
		r.show(section, key, value, origin)
	}
	return value
}

// optional reads a value that may be missing.
func (r *reading) optional(section, key, fallback string) string {
	return r.get(section, key, fallback, "")
}

// word reads a value that must be there.
func (r *reading) word(section, key, expected string) string {
	value := r.get(section, key, "", "")
	if r.doc.sections[section] == nil {
		hint := "want [" + section + "] with " + join(keysOf(section))
		if like := Nearest(section, lower(r.doc.names)); like != "" {
			hint += "; section names are in lower case, and spelt like this"
		}
		r.fail(section, "", "the section is missing", hint)
	} else if _, there := r.doc.sections[section][key]; !there {
		r.fail(section, key, "the key is missing", "want "+expected)
	} else if value == "" {
		r.fail(section, key, "the value is empty", "want "+expected)
	}
	return value
}

// number parses a finite number that fits.
func (r *reading) number(section, key, text, expected string, fits func(float64) bool) float64 {
	if r.err != nil {
		return 0
	}
	number, ok := pythonFloat(text)
	if !ok || math.IsInf(number, 0) || math.IsNaN(number) || !fits(number) {
		r.refuse(section, key, text, "want "+expected)
	}
	return number
}

func lower(words []string) []string {
	var all []string
	for _, word := range words {
		all = append(all, strings.ToLower(word))
	}
	return all
}

// pythonFloat parses a number as Python's float() does: blanks may surround it, and single underscores
// may stand between digits.
func pythonFloat(text string) (float64, bool) {
	text = strings.TrimSpace(text)
	if strings.ContainsAny(text, "xXpP") { // Go reads hexadecimal, Python does not
		return 0, false
	}
	for i := range len(text) {
		if text[i] == '_' && (i == 0 || i == len(text)-1 || !digit(text[i-1]) || !digit(text[i+1])) {
			return 0, false
		}
	}
	number, err := strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64)
	return number, err == nil
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// span is the range of a time, and the words for it.
type span struct {
	least, most time.Duration
	expected    string
}

// commitIntervals keeps transactions well below the default transaction timeout.
var commitIntervals = span{time.Nanosecond, 10 * time.Second, "want a time of more than 0, at most 10s, such as 1s, 500ms, or a number of seconds"}

// shown replaces the recorded value of a setting by the way it was understood.
func (r *reading) shown(section, key, value string) {
	for i, setting := range r.settings {
		if setting.Section == section && setting.Key == key {
			r.settings[i].Value = value
		}
	}
}

// seconds parses a Go duration, or a number of seconds, within a span. It is shown as a duration.
func (r *reading) seconds(section, key, text string, span span) time.Duration {
	duration, err := time.ParseDuration(text)
	if err != nil {
		number, ok := pythonFloat(text)
		if !ok || math.IsNaN(number) || number > 1e6 {
			r.refuse(section, key, text, span.expected)
			return 0
		}
		duration = time.Duration(number * float64(time.Second))
	}
	if duration < span.least || duration > span.most {
		r.refuse(section, key, text, span.expected)
	}
	r.shown(section, key, duration.String())
	return duration
}
