package labels

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// Parse reads a label file. Its format follows from the extension of its name.
//
//   - .csv: a header with the columns entity, from, until and, if wanted, kind, in any order. Other columns are ignored.
//   - .json: a list of objects with the same names, or NAB's own form: {"folder/file.csv": [["from", "until"], ...]}.
//
// A time is a number of Unix seconds or milliseconds (from 100,000,000,000 on it is milliseconds), or a date and a time of
// day as in RFC 3339. The T may be a space. Without seconds it is the full minute, and without a zone it is UTC. A date alone
// is refused: it would be the day's first instant, and an until that means the whole day would be taken wrongly. An
// error names the file and the line.
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
	if l.From, err = instant(from); err != nil {
		return Label{}, fmt.Errorf("from: %w", err)
	}
	if l.Until, err = instant(until); err != nil {
		return Label{}, fmt.Errorf("until: %w", err)
	}
	if l.Until < l.From {
		return Label{}, fmt.Errorf("until (%s) is before from (%s)", until, from)
	}
	return l, nil
}

// Numbers below milliseconds are seconds: until the year 5138, or from March 1973 on.
const milliseconds = 1e11

// The years 1 to 9999. Sums of times within them do not overflow.
var earliest, latest = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli(), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).UnixMilli()

// instant is a time in Unix milliseconds.
func instant(text string) (int64, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return 0, errors.New("the time is empty")
	}
	if number, err := strconv.ParseFloat(text, 64); err == nil {
		if math.Abs(number) < milliseconds {
			number *= 1000
		}
		// Written so that NaN is refused.
		if !(number >= float64(earliest) && number <= float64(latest)) {
			return 0, fmt.Errorf("the time %s is not between the years 1 and 9999", text)
		}
		return int64(math.Round(number)), nil
	}
	// A fraction of a second is read after each of these that has seconds.
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04", "2006-01-02 15:04Z07:00"} {
		if strings.ContainsRune(text, 'T') {
			layout = strings.Replace(layout, " ", "T", 1)
		}
		at, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		if ms := at.UnixMilli(); ms >= earliest && ms <= latest {
			return ms, nil
		}
		return 0, fmt.Errorf("the time %s is not between the years 1 and 9999", text)
	}
	return 0, fmt.Errorf("%q is not a time: write Unix seconds or milliseconds, RFC 3339, or YYYY-MM-DD HH:MM:SS in UTC", text)
}
