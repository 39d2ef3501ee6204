package configs

import (
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Format is a format of Python's logging.
type Format struct {
	Text string // such as "%(asctime)s %(levelname)s %(message)s"; "" is "%(message)s"
	Date string // strftime; "" is Python's default, with milliseconds
}

// directive is one %(name)s, with what may stand between: flags, width, precision.
var directive = regexp.MustCompile(`%\((\w+)\)([-0-9.]*)([sdf])|%%`)

// Append appends one line, without its end. Names it does not know stay as they
// are.
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
		value, known := f.value(parts[1], at, level, name, message)
		if !known {
			return found
		}
		return fmt.Sprintf("%"+parts[2]+"s", value)
	})...)
}

func (f Format) value(field string, at time.Time, level slog.Level, name, message string) (value string, known bool) {
	switch field {
	case "asctime":
		return f.asctime(at), true
	case "levelname":
		return levelName(level), true
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
	case "created":
		return strconv.FormatFloat(float64(at.UnixMicro())/1e6, 'f', 6, 64), true
	case "msecs":
		return strconv.Itoa(at.Nanosecond() / 1e6), true
	case "filename", "module", "funcName", "pathname":
		return "-", true
	case "lineno", "thread":
		return "0", true
	}
	return "", false
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
	}
	return "ERROR"
}

// layouts are Go's for the strftime directives.
var layouts = map[byte]string{
	'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM",
	'b': "Jan", 'B': "January", 'a': "Mon", 'A': "Monday", 'j': "002", 'z': "-0700", 'Z': "MST",
	'F': "2006-01-02", 'T': "15:04:05", 'c': "Mon Jan _2 15:04:05 2006", 'x': "01/02/06", 'X': "15:04:05",
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
