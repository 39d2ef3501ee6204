package bootstrap

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"anomalydetector/configs"
	"anomalydetector/messages"
	"anomalydetector/synthetic"
	"anomalydetector/web/answers"
)

// nasty sets a terminal's title, clears a line, fakes another one, writes backwards, and is not UTF-8. It
// also has the letters of an escape, which tint would turn into one.
const nasty = `\x1b[2K ` + "é\x1b]0;title\x01\x1b[2K\rfaked\n2026 ERR faked\tx\u202eback\u0085\u200b\x7f\xff\\"

func TestForeignTextIsEscaped(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "",
		"64500,1a é 日本 ✓":                  "64500,1a é 日本 ✓",
		`a "b" \x1b`:                       `a "b" \x1b`,
		"\x1b[31m":                         `\x1b[31m`,
		"a\r\nb\tc\x00":                    `a\r\nb\tc\x00`,
		"\x7f\u0085\u009b":                 `\x7f\u0085\u009b`,
		"a\u202eb\u2066\ufeff\u00a0\u2028": `a\u202eb\u2066\ufeff\u00a0\u2028`,
		"\xff\xc3(\ufffd":                  `\xff\xc3(` + "\ufffd",
		"\U000e0001":                       `\U000e0001`,
	} {
		if got := printable(text); got != want {
			t.Errorf("%q is shown as %s, want %s", text, got, want)
		}
	}
	if got := lines("first\nsecond\x1b\n"); got != "first\n  second\\x1b" {
		t.Errorf("two lines are shown as %q", got)
	}
}

// fill makes all strings in a value nasty, and all lists one item long.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(nasty)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		if v.Type().Elem() != reflect.TypeFor[time.Location]() {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem())
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i))
			}
		}
	}
}

func filled[T any]() (value T) {
	fill(reflect.ValueOf(&value).Elem())
	return value
}

// harmless fails for characters that a terminal would obey, and for a line that begins with faked.
func harmless(t *testing.T, what, output string) {
	t.Helper()
	if !isPrintable(output, "\n") {
		t.Errorf("%s: it prints %q", what, output)
	}
	for line := range strings.Lines(output) {
		if strings.HasPrefix(line, "2026 ERR faked") {
			t.Errorf("%s: a line is faked in %q", what, output)
		}
	}
	if !strings.Contains(output, `\x1b]0;title\x01`) {
		t.Errorf("%s: it does not show what is there: %q", what, output)
	}
}

// TestForeignTextIsEscapedOnATerminal in every field of an answer.
func TestForeignTextIsEscapedOnATerminal(t *testing.T) {
	status := filled[messages.ClusterStatus]()
	answering := status.Nodes[0]
	answering.Problem = "" // otherwise only the problem is printed
	status.Nodes = append(status.Nodes, answering)
	nothing := filled[messages.EntityAnswer]()
	nothing.Found = nil
	unusable := filled[stateDirectory]()
	for i := range unusable.Partitions {
		unusable.Partitions[i].Usable = false
	}
	for what, show := range map[string]func(io.Writer) error{
		"status": func(out io.Writer) error { return printStatus(out, status) },
		"entity": func(out io.Writer) error { return printEntity(out, filled[messages.EntityAnswer](), true) },
		"a verdict": func(out io.Writer) error {
			entity := filled[answers.Entity]()
			entity.Episodes[0].State = answers.Open
			return printVerdict(out, &entity, true, true)
		},
		"an unknown entity": func(out io.Writer) error { return printEntity(out, nothing, true) },
		"state":             func(out io.Writer) error { return printTables(out, []stateDirectory{filled[stateDirectory]()}) },
		"state of no use":   func(out io.Writer) error { return printTables(out, []stateDirectory{unusable}) },
		"the demo":          showDemo,
		"an error": func(out io.Writer) error {
			exitCode(errors.New(strings.ReplaceAll(nasty, "\n", "")), World{Stderr: out})
			return nil
		},
		"an error of usage": func(out io.Writer) error {
			exitCode(usageError(strings.ReplaceAll(nasty, "\n", "")), World{Stderr: out})
			return nil
		},
	} {
		var out bytes.Buffer
		if err := show(&out); err != nil {
			t.Fatal(err)
		}
		harmless(t, what, out.String())
	}
}

func showDemo(out io.Writer) error {
	page := &demoPage{out: out, events: []synthetic.Event{{Entity: nasty}}, found: make([]bool, 1)}
	page.committed([]messages.Finding{{Entity: nasty, At: time.Now()}})
	page.begin(synthetic.Options{}, new(configs.Config), nasty, 3)
	page.end(1<<62, 0)
	return nil
}

func TestJSONOfAnswersIsPlainAndTheSame(t *testing.T) {
	var out bytes.Buffer
	text := strings.ReplaceAll(nasty, "\xff", "") + "\U000e0001"
	if err := printJSON(&out, []string{text}); err != nil {
		t.Fatal(err)
	}
	var back []string
	if err := json.Unmarshal(out.Bytes(), &back); err != nil || back[0] != text || !isPrintable(out.String(), "\n") {
		t.Errorf("%q becomes %q, which is read as %q, %v", text, out.String(), back, err)
	}
}

// TestForeignTextIsEscapedInALog on a terminal, in a file and as JSON.
func TestForeignTextIsEscapedInALog(t *testing.T) {
	colour := regexp.MustCompile(`\x1b\[[0-9;]*m`)
	file := filepath.Join(t.TempDir(), "detector.log")
	for what, c := range map[string]struct {
		log      configs.Log
		terminal bool
	}{
		"terminal":  {configs.Log{}, true},
		"no colour": {configs.Log{}, false},
		"JSON":      {configs.Log{JSON: true}, false},
		"file":      {configs.Log{File: file, Format: configs.Format{Text: "%(asctime)s %(levelname)s %(message)s"}}, false},
	} {
		var out bytes.Buffer
		noEnvironment := func(string) string { return "" }
		stdout := io.Writer(&out)
		if c.log.File != "" {
			stdout = io.Discard // gets the line that says where the log is
		}
		logs := newLogs(&World{Terminal: c.terminal, Stdout: stdout, Stderr: io.Discard, Now: time.Now, Env: noEnvironment})
		log, err := logs.logger(&configs.Config{Log: c.log})
		if err != nil {
			t.Fatal(err)
		}
		log.With("with", nasty).WithGroup("group").Warn("message "+nasty, "text", nasty, "error", errors.New(nasty),
			"bytes", []byte(nasty), "url", &url.URL{Opaque: nasty}, "list", []string{nasty}, slog.Group("in", "text", nasty))
		if err := logs.close(); err != nil {
			t.Error(err)
		}
		if c.log.File != "" {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			out.Write(text)
		}
		line := out.String()
		if c.terminal {
			line = colour.ReplaceAllString(line, "")
		}
		if c.log.JSON {
			var read struct{ Group struct{ Text string } }
			if err := json.Unmarshal([]byte(line), &read); err != nil || read.Group.Text != strings.ToValidUTF8(nasty, "\ufffd") {
				t.Errorf("the JSON %s is read as %+v, %v", line, read, err)
			}
			line = strings.ReplaceAll(line, `\u001b`, `\x1b`) // JSON writes it like this
			line = strings.ReplaceAll(line, `\u0001`, `\x01`)
		}
		harmless(t, what, line)
		if strings.Count(line, "\n") != 1 {
			t.Errorf("%s: it is not one line: %q", what, line)
		}
	}
}

// TestStatusTellsTheStepUnderWay of each detector; a node of an earlier version does not say it.
func TestStatusTellsTheStepUnderWay(t *testing.T) {
	var out bytes.Buffer
	status := messages.ClusterStatus{Nodes: []messages.NodeStatus{{Address: "a:1", Version: "1", Detectors: []messages.DetectorStatus{
		{Detector: "one", State: messages.StateLive, Step: "polling"}, {Detector: "two", State: messages.StateLive},
	}}, {Address: "b:1", Problem: "no route"}}}
	if err := printStatus(&out, status); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	for i, want := range []string{"step", "polling", "-", "-"} {
		if at := strings.Index(lines[0], "step"); at < 0 || len(lines[i]) < at || strings.Fields(lines[i][at:])[0] != want {
			t.Errorf("line %d does not have %q in the column of steps of\n%s", i, want, out.String())
		}
	}
}

// TestStatusTellsStreamTime: the latest time for which each detector of a node has data.
func TestStatusTellsStreamTime(t *testing.T) {
	var out bytes.Buffer
	status := messages.ClusterStatus{Nodes: []messages.NodeStatus{{Address: "a:1", Detectors: []messages.DetectorStatus{
		{Detector: "one", State: messages.StateLive, Partitions: []messages.PartitionStatus{{StreamTime: 1767322800000}, {Partition: 1, StreamTime: 1767322700000}}},
		{Detector: "two", State: messages.StateOpening},
	}}}}
	if err := printStatus(&out, status); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	for i, end := range []string{"  data until", "  2026-01-02T03:00:00Z", "  -"} {
		if !strings.HasSuffix(lines[i], end) {
			t.Errorf("line %d does not end with %q in\n%s", i, end, out.String())
		}
	}
}
