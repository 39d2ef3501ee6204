package configs

import (
	"log/slog"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Format is a line format of Python's logging.
type Format struct {
	Text string // such as "%(asctime)s %(levelname)s %(message)s"; "" is "%(message)s"
	Date string // strftime; "" is Python's default, with milliseconds
}

// directive is one %(name)s, with flags, width and precision.
var directive = regexp.MustCompile(`%\((\w+)\)([-+ #0]*)(\d*)(?:\.(\d+))?([sdif])|%%`)

// reference is a directive of any conversion that Python accepts.
var reference = regexp.MustCompile(`%\(\w*\)[-+ #0]*\d*(?:\.\d*)?[A-Za-z]?|%%`)

// Append appends one line to a slice, without a line end. The time is shown in its own zone. Unknown
// names stay as they are.
func (f Format) Append(line []byte, at time.Time, level slog.Level, name, message string) []byte {
	text := f.Text
	if text == "" {
		text = "%(message)s"
	}
	return append(line, directive.ReplaceAllStringFunc(text, func(found string) string {
		if found == "%%" {
			return "%"
		}
		parts := directive.FindStringSubmatch(found)
		field, flags, conversion := parts[1], parts[2], parts[5]
		if field == "created" || field == "msecs" {
			return pad(number(field, at, parts[4], conversion), flags, parts[3], true)
		}
		value, known := f.value(field, at, level, name, message)
		if !known {
			return found
		}
		if digits, err := strconv.Atoi(parts[4]); err == nil && conversion == "s" {
			value = string([]rune(value)[:min(digits, utf8.RuneCountInString(value))])
		}
		return pad(value, flags, parts[3], conversion != "s")
	})...)
}

// unknown returns the first name in the format that Append leaves as it is; "" if there is none.
func (f Format) unknown() string {
	for _, found := range reference.FindAllString(f.Text, -1) {
		parts := directive.FindStringSubmatch(found)
		if parts == nil {
			return found
		}
		_, known := f.value(parts[1], time.Time{}, 0, "", "")
		if found != "%%" && !known && parts[1] != "created" && parts[1] != "msecs" {
			return found
		}
	}
	return ""
}

// value is the value of a name. Names for the place in the source have the value "-".
func (f Format) value(field string, at time.Time, level slog.Level, name, message string) (value string, known bool) {
	switch field {
	case "asctime":
		return f.asctime(at), true
	case "levelname":
		return levelName(level), true
	case "levelno":
		return strconv.Itoa(levelNumber[levelName(level)]), true
	case "message":
		return message, true
	case "name":
		return name, true
	case "process":
		return strconv.Itoa(os.Getpid()), true
	case "processName":
		return "MainProcess", true
	case "threadName":
		return "MainThread", true
	case "filename", "module", "funcName", "pathname", "lineno", "thread":
		return "-", true
	}
	return "", false
}

// number formats created, in seconds, or msecs, within the second. Both are floats in Python.
func number(field string, at time.Time, precision, conversion string) string {
	value, whole := float64(at.UnixMicro())/1e6, at.Unix()
	if field == "msecs" {
		whole = int64(at.Nanosecond() / 1e6)
		value = float64(whole)
	}
	switch digits, err := strconv.Atoi(precision); {
	case conversion == "d" || conversion == "i":
		return strconv.FormatInt(whole, 10)
	case conversion == "f" && err == nil:
		return strconv.FormatFloat(value, 'f', min(digits, maxWidth), 64)
	case conversion == "f":
		return strconv.FormatFloat(value, 'f', 6, 64)
	}
	text := strconv.FormatFloat(value, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// maxWidth bounds a width; no column of a log is as wide.
const maxWidth = 200

// pad pads a value to its width: on the left, on the right with the flag "-", and with zeros for a number
// with the flag "0".
func pad(value, flags, width string, isNumber bool) string {
	wide, _ := strconv.Atoi(width)
	missing := min(wide, maxWidth) - utf8.RuneCountInString(value)
	switch {
	case missing <= 0:
		return value
	case strings.Contains(flags, "-"):
		return value + strings.Repeat(" ", missing)
	case isNumber && strings.Contains(flags, "0"):
		return strings.Repeat("0", missing) + value
	}
	return strings.Repeat(" ", missing) + value
}

// levelName is Python's word for a level.
func levelName(level slog.Level) string {
	switch {
	case level < slog.LevelInfo:
		return "DEBUG"
	case level < slog.LevelWarn:
		return "INFO"
	case level < slog.LevelError:
		return "WARNING"
	case level < levelCritical:
		return "ERROR"
	}
	return "CRITICAL"
}

// levelNumber are Python's numbers of the levels.
var levelNumber = map[string]int{"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}

// layouts are the Go layouts of strftime directives.
var layouts = map[byte]string{
	'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM",
	'b': "Jan", 'B': "January", 'a': "Mon", 'A': "Monday", 'j': "002", 'z': "-0700", 'Z': "MST",
	'F': "2006-01-02", 'T': "15:04:05", 'c': "Mon Jan _2 15:04:05 2006", 'x': "01/02/06", 'X': "15:04:05",
	'e': "_2", 'h': "Jan", 'D': "01/02/06", 'R': "15:04", 'r': "03:04:05 PM", 'P': "pm", 'n': "\n", 't': "\t",
}

func (f Format) asctime(at time.Time) string {
	if f.Date == "" {
		return at.Format("2006-01-02 15:04:05,000")
	}
	var text strings.Builder
	for i := 0; i < len(f.Date); i++ {
		if f.Date[i] != '%' || i+1 == len(f.Date) {
			text.WriteByte(f.Date[i])
			continue
		}
		i++
		switch layout, known := layouts[f.Date[i]]; {
		case known:
			text.WriteString(at.Format(layout))
		case f.Date[i] == '%':
			text.WriteByte('%')
		default:
			text.WriteString(f.Date[i-1 : i+1])
		}
	}
	return text.String()
}
