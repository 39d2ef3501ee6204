package bootstrap

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"anomalydetector/configs"
	"anomalydetector/messages"
	"anomalydetector/web"
	"anomalydetector/web/answers"
	"anomalydetector/web/answers/madeup"
)

// shown starts a site that answers from a source, and returns it with its address.
func shown(t *testing.T, source answers.Source) (site *web.Site, address string) {
	t.Helper()
	now := func() time.Time { return madeup.At }
	site = web.New(web.Config{Version: "1.2.3", Names: []string{"hegemonydetector"}, Log: slog.New(slog.DiscardHandler), Now: now})
	if source != nil {
		site.Show(source)
	}
	server := httptest.NewServer(site.Handler(true))
	t.Cleanup(func() { site.CloseStreams(); server.Close() })
	return site, strings.TrimPrefix(server.URL, "http://")
}

// asked runs a command line in a world with the clock of the made-up source.
func asked(t *testing.T, change func(*World), arguments ...string) (code int, printed string) {
	t.Helper()
	o := newOutside(t, nil)
	o.Now = func() time.Time { return madeup.At }
	if change != nil {
		change(&o.World)
	}
	code = exits(t, o.run(arguments...), o)
	return code, o.output.String()
}

const conf = "hegemonydetector.conf"

const (
	anomaliesTable = `time                  deviation       value       usual  normal                   entity
2026-01-02T03:00:00Z          -           2           -  -                        =Paris, 1,64511
2026-01-02T03:15:00Z      -20.5         0.1         0.3  0.25 to 0.35             -1,64510
`
	anomaliesLines = `{"id":"aa00","detector":"hegemony","entity":"=Paris, 1,64511","fields":[{"name":"scope","value":"=Paris, 1","asn":false},{"name":"asn","value":"64511","asn":true}],"time":"2026-01-02T03:00:00.000Z","value":2,"usual":null,"scale":null,"deviation":null,"direction":"up","low":null,"high":null,"output":{"topic":"anomalies","partition":0,"offset":3},"input":null}
{"id":"aa01","detector":"hegemony","entity":"-1,64510","fields":[{"name":"scope","value":"-1","asn":false},{"name":"asn","value":"64510","asn":true}],"time":"2026-01-02T03:15:00.000Z","value":0.1,"usual":0.30000000000000004,"scale":1e-21,"deviation":-20.5,"direction":"down","low":0.25,"high":0.35,"output":{"topic":"anomalies","partition":1,"offset":7},"input":{"topic":"points","partition":2,"offset":99}}
`
	episodesTable = `kind       state      opened                last event            points  reopened  deviation       value       usual  entity
deviation  recovered  2026-01-02T03:00:00Z  2026-01-02T03:00:00Z       3         1          -           2           -  =Paris, 1,64511
deviation  open       2026-01-02T03:15:00Z  2026-01-02T03:15:00Z       1         0      -20.5         0.1         0.3  -1,64510
`
	publishedTable = `kind       state      opened                last event            points  reopened  deviation       value       usual  entity
gap        filled     2026-01-02T03:00:00Z  2026-01-02T03:30:00Z       2         0          -           3          40  partition 7
absence    open       2026-01-02T03:15:00Z  2026-01-02T03:15:00Z       4         0          -           -         0.3  -1,64510
`
)

// TestCommandsPrintWhatTheProcessKnows compares whole outputs.
func TestCommandsPrintWhatTheProcessKnows(t *testing.T) {
	terminal := func(w *World) { w.Terminal = true }
	plain := func(w *World) {
		w.Terminal = true
		env := w.Env
		w.Env = func(name string) string {
			if name == "NO_COLOR" {
				return "1"
			}
			return env(name)
		}
	}
	nothing := func(s *madeup.Source) { s.Anomalous.Items, s.Runs.Items = nil, nil }
	for name, c := range map[string]struct {
		arguments string
		source    func(*madeup.Source)
		world     func(*World)
		code      int
		want      string
	}{
		"anomalies":                {arguments: "anomalies", want: anomaliesTable},
		"anomalies as JSON":        {arguments: "anomalies --json", want: anomaliesLines},
		"no anomalies":             {arguments: "anomalies", source: nothing, want: "no anomalies\n"},
		"no anomalies since":       {arguments: "anomalies --since 1h", source: nothing, want: "no anomalies since 2026-01-02T02:00:00Z\n"},
		"no anomalies as JSON":     {arguments: "anomalies --json", source: nothing, want: ""},
		"anomalies in colour":      {arguments: "anomalies", world: terminal, want: strings.Replace(anomaliesTable, "    -20.5", "\x1b[36m    -20.5\x1b[0m", 1)},
		"anomalies without colour": {arguments: "anomalies", world: plain, want: anomaliesTable},
		"episodes":                 {arguments: "episodes", want: episodesTable},
		"episodes in colour":       {arguments: "episodes", world: terminal, want: strings.Replace(episodesTable, "    -20.5", "\x1b[36m    -20.5\x1b[0m", 1)},
		"published episodes":       {arguments: "episodes", source: publishes, want: publishedTable},
		"no episodes":              {arguments: "episodes --state open", source: nothing, want: "no episodes\n"},
		"a part": {arguments: "anomalies", source: func(s *madeup.Source) {
			s.Anomalous.Partial, s.Anomalous.Problems = true, []string{"node b\x1b does not answer"}
		},
			want: anomaliesTable + "This answer is not complete: a part of the cluster could not be asked.\n" + `node b\x1b does not answer` + "\n"},
		"a foreign key": {arguments: "anomalies", source: func(s *madeup.Source) {
			s.Anomalous.Items = s.Anomalous.Items[1:]
			s.Anomalous.Items[0].Entity = "a\x1b[31m\n\u202e"
		},
			want: strings.Join(strings.SplitAfter(anomaliesTable, "\n")[:2], "")[:len(strings.Join(strings.SplitAfter(anomaliesTable, "\n")[:2], ""))-len("=Paris, 1,64511\n")] + `a\x1b[31m\n\u202e` + "\n"},
		"a problem": {arguments: "episodes", source: func(s *madeup.Source) { s.Err = &answers.Problem{Status: 503, Detail: "the history is being loaded"} }, code: exitFailure,
			want: "anomalydetector: ask the detector at ADDRESS: the history is being loaded\n"},
		"a wrong time":                  {arguments: "anomalies --since x", code: exitUsage, want: "anomalydetector: --since is x, want a duration such as 90m, 6h or 3d, or a time such as 2026-01-02T03:00:00Z\n"},
		"a wrong limit":                 {arguments: "episodes --limit 0", code: exitUsage, want: "anomalydetector: --limit: want 1 to 100000\n"},
		"a wrong timeout":               {arguments: "episodes --timeout 1h", code: exitUsage, want: "anomalydetector: --timeout is 1h0m0s, want at most 20s\n"},
		"a wrong deviation":             {arguments: "anomalies --min-deviation=-1", code: exitUsage, want: "anomalydetector: --min-deviation: want a number from 0 on\n"},
		"a deviation that is no number": {arguments: "anomalies --min-deviation=NaN", code: exitUsage, want: "anomalydetector: --min-deviation: want a number from 0 on\n"},
	} {
		t.Run(name, func(t *testing.T) {
			source := madeup.New()
			if c.source != nil {
				c.source(source)
			}
			_, address := shown(t, source)
			words := strings.Fields(c.arguments)
			arguments := append([]string{words[0], conf, "--node", address}, words[1:]...)
			code, printed := asked(t, c.world, arguments...)
			if want := strings.ReplaceAll(c.want, "ADDRESS", address); code != c.code || printed != want {
				t.Errorf("exit code %d, want %d; it printed\n%q\nwant\n%q", code, c.code, printed, want)
			}
		})
	}
}

// TestSinceCountsBackFromOldData and says so on stderr, not in the output.
func TestSinceCountsBackFromOldData(t *testing.T) {
	for name, c := range map[string]struct {
		detector, since string
		until, from     time.Time
		code            int
		told            string
	}{
		"old data":         {"hegemonydetector", "6h", madeup.At.AddDate(-3, 0, 0), madeup.At.AddDate(-3, 0, 0).Add(-6 * time.Hour), exitClean, "since 2023-01-01T21:00:00Z: 6h before the latest data, which are not current\n"},
		"current data":     {"hegemonydetector", "6h", madeup.At.Add(-time.Minute), madeup.At.Add(-6 * time.Hour), exitClean, ""},
		"another detector": {"other", "6h", madeup.At.AddDate(-3, 0, 0), madeup.At.Add(-6 * time.Hour), exitClean, ""},
		"a time":           {"hegemonydetector", "2026-01-01", madeup.At.AddDate(-3, 0, 0), time.Time{}, exitUsage, "anomalydetector: --since is 2026-01-01, want"},
		"before 1970":      {"hegemonydetector", "3d", time.UnixMilli(5), time.Time{}, exitUsage, "anomalydetector: --since is 3d, which is before 1970: the latest data are of 1970-01-01T00:00:00Z\n"},
	} {
		for _, command := range []string{"anomalies", "episodes"} {
			source := madeup.New()
			source.All.Detectors[0].Name, source.All.Detectors[0].DataUntil = c.detector, &c.until
			_, address := shown(t, source)
			var told bytes.Buffer
			code, printed := asked(t, func(w *World) { w.Stderr = &told }, command, conf, "--node", address, "--since", c.since)
			if code != c.code || !strings.HasPrefix(told.String(), c.told) || c.told == "" && told.Len() > 0 || strings.Contains(printed, "since") {
				t.Errorf("%s, %s: exit code %d, want %d; stderr is %q, want %q, and printed %q", name, command, code, c.code, told.String(), c.told, printed)
			}
			if questions := source.Asked(); c.code == exitClean {
				filter := answers.Filter{Detector: "hegemonydetector", From: c.from}
				want := map[string]any{"anomalies": answers.AnomaliesQuery{Filter: filter, Limit: 100}, "episodes": answers.EpisodesQuery{Filter: filter, Limit: 100}}[command]
				if len(questions) != 1 || !reflect.DeepEqual(questions[0], want) {
					t.Errorf("%s, %s: the query is %+v, want %+v", name, command, questions, want)
				}
			}
		}
	}
}

// TestFlagsBecomeTheQuery, page by page.
func TestFlagsBecomeTheQuery(t *testing.T) {
	source := madeup.New()
	source.Anomalous.Items, source.Anomalous.Next = source.Anomalous.Items[:1], "more"
	_, address := shown(t, source)
	asked(t, nil, "anomalies", conf, "--node", address, "--since", "2026-01-02T01:30:00Z", "--min-deviation", "20.5", "--limit", "3")
	asked(t, nil, "episodes", conf, "--node", address, "--state", "ended", "--kind", "gap", "--limit", "2000")
	filter := answers.Filter{Detector: "hegemonydetector", MinDeviation: 20.5, From: madeup.At.Add(-90 * time.Minute)}
	want := []any{
		answers.AnomaliesQuery{Filter: filter, Limit: 3}, answers.AnomaliesQuery{Filter: filter, Limit: 2, Cursor: "more"},
		answers.AnomaliesQuery{Filter: filter, Limit: 1, Cursor: "more"},
		answers.EpisodesQuery{Filter: answers.Filter{Detector: "hegemonydetector"}, State: answers.Ended, Kind: answers.PartitionGap, Limit: 1000},
	}
	if got := source.Asked(); !reflect.DeepEqual(got, want) {
		t.Errorf("the queries are\n%+v, want\n%+v", got, want)
	}
}

// atSite gives a world an [http] listen address.
func atSite(address string) func(*World) {
	return func(w *World) {
		env := w.Env
		w.Env = func(variable string) string {
			if variable == "DETECTOR_HTTP" {
				return address
			}
			return env(variable)
		}
	}
}

const entityVerdict = `Anomalous. It is far below its usual level.

entity           -1,64510
partition        2, ready on node a:8080, as of offset 100
points           2 of 288 (coverage 1 %); 173 are needed
last point       0.1 at 2026-01-02T03:15:00Z
its deviation    -20.5
median           0.2
scale            0.5
normal from, to  -2.3, 2.7
open episode     since 2026-01-02T03:15:00Z; anomalies: 1; peak: deviation -20.5 at 2026-01-02T03:15:00Z

latest anomalies
`

const habitVerdict = `Anomalous. At noon: the last 24 values lie 0.05 below expectation on average; up to 0.03 is usual.

entity         -1,64510
partition      2, ready on node a:8080, as of offset 100
points         2 of 288 (coverage 1 %); 173 are needed
last point     0.1 at 2026-01-02T03:15:00Z
its deviation  -8.5
method         habit
was expected   0.12; 0.05 to 0.19 was usual
mean distance  -0.05, of the last 24 values from what was expected; up to 0.03 is usual
expected next  0.2 at 2026-01-02T03:30:00Z; -2.3 to 2.7 is usual
scale          0.5

window
2026-01-02T03:00:00.000Z  0.30000000000000004
2026-01-02T03:15:00.000Z  0.1  about 0.12 expected, 0.05 to 0.19 usual

latest anomalies
`

// TestEntityOfHabitTellsWhatWasExpected of its points and what comes next.
func TestEntityOfHabitTellsWhatWasExpected(t *testing.T) {
	source, partition, next := madeup.New(), int32(2), madeup.At.Add(30*time.Minute)
	e := &source.One
	e.Partition, e.Node, e.Method, e.NextAt, e.Episodes = &partition, "a:8080", answers.Habit, &next, nil
	e.Verdict = "At noon: the last 24 values lie 0.05 below expectation on average; up to 0.03 is usual."
	e.Last.Test, e.Last.Expected, e.Last.Low, e.Last.High = answers.MeanTest, madeup.Number(0.12), madeup.Number(0.05), madeup.Number(0.19)
	e.Last.Mean, e.Last.UsualMean, e.Last.Deviation = madeup.Number(-0.05), madeup.Number(0.03), madeup.Number(-8.5)
	e.Window[1].Expected, e.Window[1].Low, e.Window[1].High = e.Last.Expected, e.Last.Low, e.Last.High
	e.Anomalies[0].ByHabit = answers.ByHabit{Method: answers.Habit, Test: answers.MeanTest, Mean: e.Last.Mean, UsualMean: e.Last.UsualMean, Sentence: "the last 24 values lie 0.05 below"}
	_, address := shown(t, source)
	_, printed := asked(t, atSite(address), "entity", conf, "-1,64510", "--window")
	if !strings.HasPrefix(printed, habitVerdict) || !strings.HasSuffix(printed, "-1,64510  (the last 24 values lie 0.05 below)\n") {
		t.Errorf("it printed\n%s\nwant\n%s", printed, habitVerdict)
	}
}

// TestNodesTellAnEntityOfHabit as the API does.
func TestNodesTellAnEntityOfHabit(t *testing.T) {
	x := madeup.Number
	answer := messages.EntityAnswer{Entity: "-1,64510", Found: []messages.EntityStatus{{
		Median: x(0.2), Scale: x(0.5), Low: x(-2.3), High: x(2.7), LastDeviation: x(-8.5), Window: []messages.WindowPoint{{At: 0, Value: 0.3}, {At: 900_000, Value: 0.1}},
		Habit: &messages.HabitStatus{Next: 1_800_000, Last: &messages.Judgement{Expected: x(0.12), Low: x(0.05), High: x(0.19), Mean: x(-0.05), UsualMean: x(0.03)},
			Expected: []messages.Expectation{{}, {Known: true, Exact: true, Expected: 0.12, Low: 0.05, High: 0.19}}},
	}}}
	var out strings.Builder
	if err := printEntity(&out, answer, true); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\nmethod         habit\nwas expected   0.12; 0.05 to 0.19 was usual\n", "\nexpected next  0.2 at 1970-01-01T00:30:00Z; -2.3 to 2.7 is usual\nscale          0.5\n",
		"00:00:00.000Z  0.3\n1970-01-01T00:15:00.000Z  0.1  0.12 expected, 0.05 to 0.19 usual\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it printed\n%s\nwant\n%s", out.String(), want)
		}
	}
}

// publishes makes a source tell an absence and a gap.
func publishes(s *madeup.Source) {
	ended, filled, partition := madeup.At.Add(30*time.Minute), answers.Filled, int32(7)
	absence, gap := s.Runs.Items[0], s.Runs.Items[1]
	absence.Kind, absence.Points, absence.Direction, absence.Value, absence.Deviation, absence.PeakID = answers.Absence, 4, "", nil, nil, ""
	gap.Kind, gap.Partition, gap.Entity, gap.Fields, gap.Points, gap.Reopened, gap.Direction = answers.PartitionGap, &partition, "", nil, 2, 0, ""
	gap.LastAt, gap.EndedAt, gap.Outcome, gap.Value, gap.Usual = ended, &ended, &filled, madeup.Number(3), madeup.Number(40)
	s.Runs.Items = []answers.Episode{absence, gap}
	returned := absence
	returned.State, returned.EndedAt, returned.Outcome = answers.Ended, &ended, new(answers.Returned)
	s.One.Episodes = []answers.Episode{absence, returned}
}

func TestEntityTellsItsPublishedEpisodes(t *testing.T) {
	source := madeup.New()
	publishes(source)
	_, address := shown(t, source)
	_, printed := asked(t, atSite(address), "entity", conf, "-1,64510")
	for _, want := range []string{
		"\nabsent           since 2026-01-02T03:15:00Z\n",
		"\nlatest ended episodes\nabsence  returned  from 2026-01-02T03:15:00Z  to 2026-01-02T03:30:00Z  points: 4  reopened: 0\n",
	} {
		if !strings.Contains(printed, want) {
			t.Errorf("it printed\n%s\nwant\n%s", printed, want)
		}
	}
}

// TestEntityTellsTheVerdict, the latest anomalies and the open episode from the API. While the API
// cannot answer, it prints what nodes tell each other.
func TestEntityTellsTheVerdict(t *testing.T) {
	source, partition := madeup.New(), int32(2)
	source.One.Partition, source.One.Node = &partition, "a:8080"
	_, address := shown(t, source)
	anomaly := strings.SplitAfter(anomaliesTable, "\n")[0] + strings.SplitAfter(anomaliesTable, "\n")[2]
	code, printed := asked(t, atSite(address), "entity", conf, "-1,64510")
	if want := entityVerdict + anomaly; code != exitClean || printed != want {
		t.Errorf("exit code %d; it printed\n%s\nwant\n%s", code, printed, want)
	}
	_, printed = asked(t, atSite(address), "entity", conf, "-1,64510", "--window")
	if !strings.Contains(printed, "\nwindow\n2026-01-02T03:00:00.000Z  0.30000000000000004\n2026-01-02T03:15:00.000Z  0.1\n") {
		t.Errorf("with --window it printed\n%s", printed)
	}
	quiet := madeup.New()
	quiet.One.Anomalies, quiet.One.Episodes = nil, nil
	_, address = shown(t, quiet)
	if _, printed = asked(t, atSite(address), "entity", conf, "-1,64510"); !strings.HasSuffix(printed, "\nno anomalies\n") || strings.Contains(printed, "episode") {
		t.Errorf("without anomalies it printed\n%s", printed)
	}
}

// ignorant knows no entity.
type ignorant struct{ web.Answers }

func (ignorant) Entity(_ context.Context, detector, key string) (messages.EntityAnswer, bool) {
	return messages.EntityAnswer{Detector: detector, Entity: key, Found: []messages.EntityStatus{}}, true
}

// TestUnknownEntityExitsWith1 and names similar entities, if the process knows any.
func TestUnknownEntityExitsWith1(t *testing.T) {
	source := madeup.New()
	source.One.Key = "-1,645\x1b10"
	for name, c := range map[string]struct {
		source answers.Source
		want   string
	}{
		"similar": {source, "anomalydetector: nothing is known of entity -1,64501 of hegemonydetector; similar entities:\n  " + `-1,645\x1b10` + "\n"},
		"none":    {nil, "anomalydetector: nothing is known of entity -1,64501 of hegemonydetector\n"},
	} {
		t.Run(name, func(t *testing.T) {
			site, address := shown(t, c.source)
			site.Answer(ignorant{})
			at := atSite(address)
			if code, printed := asked(t, at, "entity", conf, "-1,64501"); code != exitFailure || printed != c.want {
				t.Errorf("exit code %d; it printed\n%s", code, printed)
			}
			code, printed := asked(t, at, "entity", conf, "-1,64501", "--json")
			if code != exitFailure || !strings.HasPrefix(printed, "{\n") || !strings.HasSuffix(printed, "}\n"+c.want) {
				t.Errorf("with --json the exit code is %d; it printed\n%s", code, printed)
			}
		})
	}
}

// TestReadingNeedsAnAddress: with [http] listen = off there is none.
func TestReadingNeedsAnAddress(t *testing.T) {
	for _, command := range []string{"anomalies", "episodes"} {
		want := "anomalydetector: built-in hegemonydetector.conf: [http] listen: it is off, so a running detector cannot be asked; want host:port in the configuration that it runs with, or --node host:port\n"
		if code, printed := asked(t, nil, command, conf); code != exitUsage || printed != want {
			t.Errorf("%s: exit code %d; it printed\n%s", command, code, printed)
		}
	}
}

// TestProcessWithAPasswordIsNotAsked: the commands have no password.
func TestProcessWithAPasswordIsNotAsked(t *testing.T) {
	text, err := os.ReadFile("../configs/" + conf)
	must(t, err)
	dir := t.TempDir()
	path, file := filepath.Join(dir, conf), filepath.Join(dir, "web.yml")
	must(t, os.WriteFile(file, nil, 0o600))
	with := strings.Replace(string(text), "[http]\n", "[http]\nlisten = 127.0.0.1:8080\nweb_config_file = "+file+"\n", 1)
	must(t, os.WriteFile(path, []byte(with), 0o600))
	code, printed := asked(t, func(w *World) { w.Env = func(string) string { return "" } }, "episodes", path)
	if code != exitUsage || !strings.Contains(printed, "a detector that asks for TLS or a password cannot be asked; want --node host:port of a node without it") {
		t.Errorf("exit code %d; it printed\n%s", code, printed)
	}
}

// TestFromKafkaReadsTheOutputTopic instead of asking a process.
func TestFromKafkaReadsTheOutputTopic(t *testing.T) {
	before := readTopic
	defer func() { readTopic = before }()
	source, closed := madeup.New(), false
	var since time.Time
	readTopic = func(_ context.Context, _ *World, config *configs.Config, from time.Time) (anomalyReader, func() error, error) {
		since = from
		return source, func() error { closed = true; return nil }, nil
	}
	code, printed := asked(t, nil, "anomalies", conf, "--from-kafka", "--since", "1h")
	if code != exitClean || printed != anomaliesTable || !closed || !since.Equal(madeup.At.Add(-time.Hour)) {
		t.Errorf("exit code %d, closed %t, since %s; it printed\n%s", code, closed, since, printed)
	}
}

// TestCheckAndHealthPrintJSON compares whole outputs; the exit codes are those without --json.
func TestCheckAndHealthPrintJSON(t *testing.T) {
	_, address := shown(t, nil)
	const health = `{
  "at": "2026-01-02T03:00:00Z",
  "detectors": [],
  "names": [
    "hegemonydetector"
  ],
  "ok": true,
  "reasons": [],
  "version": "1.2.3"
}
`
	at := func(w *World) {
		w.Env = func(name string) string { return map[string]string{"DETECTOR_HTTP": address}[name] }
	}
	var sorted map[string]any
	code, printed := asked(t, at, "health", conf, "--json")
	must(t, json.Unmarshal([]byte(printed), &sorted))
	again, err := json.MarshalIndent(sorted, "", "  ")
	must(t, err)
	if code != exitClean || string(again)+"\n" != health || strings.Count(printed, "\n") != strings.Count(health, "\n") {
		t.Errorf("health exits with %d and prints\n%s", code, printed)
	}
	code, printed = asked(t, at, "health", conf, "--json", "--ready")
	if code != exitFailure || !strings.HasPrefix(printed, "{\n") || !strings.HasSuffix(printed, "}\nanomalydetector: the detectors have not begun\n") {
		t.Errorf("health --ready exits with %d and prints\n%s", code, printed)
	}
	code, printed = asked(t, at, "check", conf, "--json")
	var all []checked
	must(t, json.Unmarshal([]byte(printed), &all))
	if code != exitClean || len(all) != 1 || all[0].Name != "hegemonydetector" || all[0].Log != "the log goes to ihr_hegemony_anomaly_detection_ipv4.log" || all[0].Broker != nil ||
		!slices.Contains(all[0].Settings, checkedSetting{"io", "value_field", "hege", "built-in hegemonydetector.conf"}) {
		t.Errorf("check exits with %d and prints\n%s", code, printed)
	}
}
