package labels

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"anomalydetector/backtest/times"
)

// Parse reads a label file. Its format follows from the extension of its name.
//
//   - .csv: a header with the columns entity, from, until and, if wanted, kind, in any order. Other columns are ignored.
//   - .json: a list of objects with the same names, or NAB's own form: {"folder/file.csv": [["from", "until"], ...]}.
//
// Package times says how a time is written. A day as from is its first instant, and as until its last. An error names the
// file and the line.
func Parse(name string, r io.Reader) ([]Label, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	var all []Label
	switch lower := strings.ToLower(name); {
	case strings.HasSuffix(lower, ".csv"):
		all, err = parseCSV(data)
	case strings.HasSuffix(lower, ".json"):
		all, err = parseJSON(data)
	default:
		return nil, fmt.Errorf("%s: a label file is named .csv or .json", name)
	}
	var at *lineError
	if errors.As(err, &at) {
		return nil, fmt.Errorf("%s:%d: %w", name, at.line, at.err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return all, nil
}

// lineError is an error in a line of a label file.
type lineError struct {
	line int
	err  error
}

func (e *lineError) Error() string { return fmt.Sprintf("line %d: %v", e.line, e.err) }
func (e *lineError) Unwrap() error { return e.err }

// label checks the parts of a label.
func label(entity, from, until, kind string) (Label, error) {
	if entity == "" {
		return Label{}, errors.New(`entity is empty; "*" stands for each entity`)
	}
	l := Label{Entity: entity, Kind: kind}
	var err error
	if l.From, err = instant(from, times.Parse); err != nil {
		return Label{}, fmt.Errorf("from: %w", err)
	}
	if l.Until, err = instant(until, times.ParseLast); err != nil {
		return Label{}, fmt.Errorf("until: %w", err)
	}
	if l.Until < l.From {
		return Label{}, fmt.Errorf("until (%s) is before from (%s)", until, from)
	}
	return l, nil
}

// instant is a time in Unix milliseconds, as parse reads it.
func instant(text string, parse func([]byte) (int64, bool)) (int64, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return 0, errors.New("the time is empty")
	}
	ms, ok := parse([]byte(text))
	if !ok {
		return 0, fmt.Errorf("%q is not a time: %s", text, times.Wanted)
	}
	return ms, nil
}
