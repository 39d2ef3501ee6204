package configs

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// recorded is the log record of testdata/logging/generate.py.
var recorded = time.Date(2026, 1, 2, 3, 4, 5, 67e6, time.UTC)

func TestLogLinesAreThoseOfPythonsFormatter(t *testing.T) {
	content, err := os.ReadFile(filepath.Join("testdata", "logging", "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct{ Text, Date, Level, Line string }
	if err := json.Unmarshal(content, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		format := Format{Text: c.Text, Date: c.Date}
		if got := string(format.Append(nil, recorded, levels[c.Level], "root", "téxt")); got != c.Line {
			t.Errorf("%+v gives %q, Python %q", format, got, c.Line)
		}
	}
}

func TestLogLinesAreAppended(t *testing.T) {
	format := Format{Text: "%(message)s"}
	if got := string(format.Append([]byte("before "), recorded, slog.LevelInfo, "root", "text")); got != "before text" {
		t.Errorf("got %q", got)
	}
}

func TestUnknownNamesInAFormatStayAsTheyAre(t *testing.T) {
	for text, want := range map[string]string{
		"%(colour)s %(message)s": "%(colour)s text",
		"%(message)":             "%(message)",
		"%(message)x %d %":       "%(message)x %d %",
		"%(process)d":            strconv.Itoa(os.Getpid()),
		"%(lineno)d":             "-",
	} {
		if got := string(Format{Text: text}.Append(nil, recorded, slog.LevelInfo, "root", "text")); got != want {
			t.Errorf("%q gives %q, want %q", text, got, want)
		}
	}
}

func TestLogLinesHaveTheTimeZoneOfTheirTime(t *testing.T) {
	at := recorded.In(time.FixedZone("CET", 3600))
	format := Format{Text: "%(asctime)s", Date: "%H:%M %z %Z"}
	if got := string(format.Append(nil, at, slog.LevelInfo, "", "")); got != "04:04 +0100 CET" {
		t.Errorf("got %q", got)
	}
}

// FuzzFormat: any format gives a line.
func FuzzFormat(f *testing.F) {
	f.Add("%(asctime)-30s %(levelname)8.3s %(msecs)03d %(created)f", "%Y %q %")
	f.Add("%(message)999999999999999999999s%(created).999999999f%(message).99999999999999999999s", "%%")
	f.Fuzz(func(t *testing.T, text, date string) {
		line := Format{Text: text, Date: date}.Append(nil, recorded, slog.LevelInfo, "root", "text")
		if limit := (len(text) + 1) * (len(date) + 2) * 300; len(line) > limit {
			t.Errorf("a line of %d bytes", len(line))
		}
		if !strings.Contains(text, "%") && text != "" && string(line) != text {
			t.Errorf("%q gives %q", text, line)
		}
	})
}
