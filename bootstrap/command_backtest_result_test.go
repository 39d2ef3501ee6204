package bootstrap

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/test/golden"
	"anomalydetector/test/transactions"
)

// backtested runs a backtest with an output and an error output of their own.
func backtested(t *testing.T, arguments ...string) (code int, stdout, stderr string) {
	t.Helper()
	errors := &output{}
	code, stdout = asked(t, func(w *World) { w.Stderr = errors }, append([]string{"backtest"}, arguments...)...)
	return code, stdout, errors.String()
}

// foundLine is a line of --anomalies.
type foundLine struct {
	Setting, Entity, Input, Direction string
	Fields                            map[string]string
	Timestamp                         int64
	Time                              time.Time
	Value, Usual, Scale               float64
	Deviation                         *float64
	Line                              int
	Datapoint                         map[string]any
	Test                              string // of the method habit
	Mean                              *float64
	MeanLimit                         *float64 `json:"mean_limit"`
}

// foundIn reads lines of --anomalies, and nothing else.
func foundIn(t *testing.T, content string) (all []foundLine) {
	t.Helper()
	for line := range strings.Lines(content) {
		var one foundLine
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&one); err != nil {
			t.Fatalf("%q is no anomaly: %v", line, err)
		}
		all = append(all, one)
	}
	return all
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	must(t, err)
	return string(content)
}

// sameAsGolden compares anomalies with those of a case. Record is the place of one in the case's input.
func sameAsGolden(t *testing.T, c *golden.Case, all []foundLine, record func(*foundLine) int) {
	t.Helper()
	if len(all) != len(c.Expected) {
		t.Errorf("%d anomalies, want %d", len(all), len(c.Expected))
	}
	for i := range all {
		a := &all[i]
		at := record(a)
		want, is := c.Expected[at]
		if !is || a.Deviation == nil || math.Float64bits(*a.Deviation) != math.Float64bits(want) || a.Timestamp != c.Records[at].Timestamp.UnixMilli() ||
			a.Time.UnixMilli() != a.Timestamp || math.Float64bits((a.Value-a.Usual)/a.Scale) != math.Float64bits(want) || (a.Direction == "up") != (want > 0) {
			t.Fatalf("record %d is reported as %+v, want the deviation %v", at, a, want)
		}
		var key []string
		for _, field := range c.Conf.IO.KeyFields {
			key = append(key, a.Fields[field])
		}
		if a.Entity != strings.Join(key, ",") || len(a.Datapoint) < 3 {
			t.Fatalf("record %d is of %s, its fields are %v, and its datapoint is %v", at, a.Entity, a.Fields, a.Datapoint)
		}
	}
}

func TestBacktestOfGoldenInputIsBitEqual(t *testing.T) {
	for _, name := range golden.Names {
		t.Run(name, func(t *testing.T) {
			folder, out := filepath.Join("..", "testdata", "golden", name), filepath.Join(t.TempDir(), "out.jsonl")
			c, err := golden.Load(folder)
			must(t, err)
			code, printed, told := backtested(t, filepath.Join(folder, "detector.conf"), filepath.Join(folder, "input.jsonl.gz"), "--anomalies", out)
			if code != exitClean || told != "" || !strings.Contains(printed, fmt.Sprintf("  %d ", len(c.Expected))) {
				t.Errorf("it exits with %d and prints\n%s%s", code, printed, told)
			}
			sameAsGolden(t, c, foundIn(t, read(t, out)), func(a *foundLine) int { return a.Line - 1 })
		})
	}
}

// backtested runs a backtest of a topic of the broker, and returns what is reported.
func (b *broker) backtested(t *testing.T, conf string, arguments ...string) []foundLine {
	t.Helper()
	errors := &output{}
	o := newOutside(t, map[string]string{"KAFKA_HOST": b.address()})
	o.Stderr = errors
	if code := exits(t, o.run(append([]string{"backtest", conf, "--anomalies", "-"}, arguments...)...), o); code != exitClean {
		t.Fatalf("it exits with %d and prints\n%s", code, errors)
	}
	return foundIn(t, o.output.String())
}

// TestBacktestOfATopicIsThatOfTheFile, whatever its bounds, and without records whose transaction was aborted.
func TestBacktestOfATopicIsThatOfTheFile(t *testing.T) {
	const name = "hegemony_median"
	b := newBroker(t, name)
	c, dir := b.cases[name], t.TempDir()
	conf := b.conf(t, dir, name, "")
	doubtful, err := kgo.NewClient(kgo.SeedBrokers(b.cluster.ListenAddrs()...), kgo.TransactionalID("aborted"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	must(t, err)
	defer doubtful.Close()
	must(t, doubtful.BeginTransaction())
	for _, r := range c.Records[len(c.Records)-500:] {
		again := *r
		must(t, doubtful.ProduceSync(t.Context(), &again).FirstErr())
	}
	must(t, transactions.End(t.Context(), doubtful, c.Records[0].Topic, kgo.TryAbort))
	records := make(map[string]int)
	next := make(map[int32]int)
	for i, r := range c.Records {
		records[fmt.Sprintf("%s.in partition %d:%d", name, r.Partition, next[r.Partition])] = i
		next[r.Partition]++
	}
	record := func(a *foundLine) int {
		at, is := records[fmt.Sprintf("%s:%d", a.Input, a.Line)]
		if !is {
			t.Fatalf("%s:%d is no record of the case", a.Input, a.Line)
		}
		return at
	}
	all := b.backtested(t, conf, "--topic")
	sameAsGolden(t, c, all, record)
	if named := b.backtested(t, conf, "--topic", name+".in", "--from", "2000-01-01"); !reflect.DeepEqual(named, all) {
		t.Error("the topic by its name has other anomalies")
	}
	middle := c.Records[len(c.Records)/2].Timestamp.UTC()
	var before []foundLine
	for _, a := range all {
		if a.Time.Before(middle) {
			before = append(before, a)
		}
	}
	if got := b.backtested(t, conf, "--topic", "--until", middle.Format(time.RFC3339)); len(before) == 0 || !reflect.DeepEqual(got, before) {
		t.Errorf("until %s there are %d anomalies, want %d", middle, len(got), len(before))
	}
	after := b.backtested(t, conf, "--topic", "--from", middle.Format(time.RFC3339))
	if len(after) == 0 || len(after) >= len(all)-len(before) {
		t.Errorf("from %s there are %d anomalies of %d, whose windows begin there", middle, len(after), len(all)-len(before))
	}
	for _, a := range after {
		if a.Time.Before(middle) {
			t.Fatalf("from %s on there is one of %s", middle, a.Time)
		}
	}
	code, printed := asked(t, func(w *World) { w.Env = newOutside(t, map[string]string{"KAFKA_HOST": b.address()}).Env }, "backtest", conf, "--topic", "none")
	if code != exitFailure || !strings.Contains(printed, "read topic none: ") || strings.Count(printed, "\n") != 1 {
		t.Errorf("of a topic that does not exist it exits with %d and prints\n%s", code, printed)
	}
}

// TestBacktestPrintsOnlyWhatIsAskedFor on standard output, also if there is much to say.
func TestBacktestPrintsOnlyWhatIsAskedFor(t *testing.T) {
	inFolder(t, map[string]string{"s.csv": binsOf(400) + "1600000200,-1,10,0\nyesterday,1,1,1\n1600000200,1,1,none\n",
		"l.csv": "entity,from,until,kind\nno such,2020-09-17 00:00:00,2020-09-18 00:00:00,outage\n*,2020-09-17 00:00:00,2020-09-18 00:00:00,spike\n"})
	arguments := []string{conf, "s.csv", "--labels", "l.csv", "--set", "detection.threshold=5, 8", "--set", "detection.dev_metric=mean,median"}
	code, printed, told := backtested(t, append(arguments, "--anomalies", "-")...)
	all := foundIn(t, printed)
	if code != exitClean || len(all) != 8 || all[0].Setting != "threshold=5 dev_metric=mean" || all[3].Setting != "threshold=8 dev_metric=median" || all[4].Entity != "-1,a b" ||
		all[0].Datapoint["hege"] != 9.0 || all[0].Line != 800 || !strings.Contains(told, "out of order: 1 ") || !strings.Contains(told, "bad rows: 1 value_not_a_number") {
		t.Errorf("--anomalies - exits with %d and prints\n%s%s", code, printed, told)
	}

	code, printed, told = backtested(t, append(arguments, "--json", "--anomalies", "a.jsonl", "--report", "r.html", "--entity", "-1,10", "--entity", "none")...)
	var view struct {
		Datapoints, Rows int
		BadRows          []faultView `json:"bad_rows"`
		Partial          bool
		Settings         []struct {
			Name      string
			Set       map[string]string
			Anomalies int
			Labels    struct{ Events int }
		}
	}
	decoder := json.NewDecoder(strings.NewReader(printed))
	if err := decoder.Decode(&view); err != nil || decoder.Decode(&view) != io.EOF || code != exitClean || told != "" {
		t.Fatalf("--json exits with %d (%v) and prints\n%s%s", code, err, printed, told)
	}
	var names []string
	for _, s := range view.Settings {
		names = append(names, s.Name)
		if s.Anomalies != 2 || s.Labels.Events != 1 || len(s.Set) != 2 {
			t.Errorf("%+v", s)
		}
	}
	if want := []string{"threshold=5 dev_metric=mean", "threshold=5 dev_metric=median", "threshold=8 dev_metric=mean", "threshold=8 dev_metric=median"}; !reflect.DeepEqual(names, want) {
		t.Errorf("the settings are %q, want %q", names, want)
	}
	if view.Rows != 803 || view.Datapoints != 801 || len(view.BadRows) != 2 || view.Partial {
		t.Errorf("--json has %+v", view)
	}
	if got := foundIn(t, read(t, "a.jsonl")); !reflect.DeepEqual(got, all) {
		t.Errorf("the file has other anomalies than standard output: %+v", got)
	}
	if page := read(t, "r.html"); !strings.Contains(page, "-1,10") || !strings.Contains(page, "spike") {
		t.Error("the page lacks an entity or a label")
	}

	code, printed, told = backtested(t, append(arguments, "--csv")...)
	rows, err := csv.NewReader(strings.NewReader(printed)).ReadAll()
	if err != nil || code != exitClean || len(rows) != 5 || rows[0][0] != "setting" || rows[4][0] != names[3] ||
		!strings.Contains(strings.Join(rows[0], " "), "f1 aftermath delay_p50_ms delay_p90_ms nab_standard nab_reward_low_fp_rate nab_reward_low_fn_rate") ||
		!strings.HasPrefix(told, "hegemonydetector: 801 datapoints") || !strings.Contains(told, "\nout of order: 1 ") || !strings.Contains(told, "\nbad rows: 1 value_not_a_number") {
		t.Errorf("--csv exits with %d (%v) and prints\n%s%s", code, err, printed, told)
	}
}

// TestInfiniteDeviationIsNull in a line of --anomalies, and its direction is there.
func TestInfiniteDeviationIsNull(t *testing.T) {
	rows := strings.NewReplacer(",0.01\n", ",0\n", ",0.02\n", ",0\n", ",0.03\n", ",0\n", ",0.04\n", ",0\n").Replace(binsOf(400))
	inFolder(t, map[string]string{"s.csv": rows, "down.csv": strings.ReplaceAll(rows, ",9\n", ",-9\n")})
	for file, direction := range map[string]string{"s.csv": "up", "down.csv": "down"} {
		code, printed, told := backtested(t, conf, file, "--set", "detection.min_dev=0", "--anomalies", "-")
		all := foundIn(t, printed)
		if code != exitClean || len(all) != 2 || all[0].Deviation != nil || all[0].Direction != direction || !strings.Contains(printed, `"scale":0,"deviation":null`) {
			t.Errorf("%s: it exits with %d and prints\n%s%s", file, code, printed, told)
		}
	}
}

// TestJSONOfABacktestIsSafeOnATerminal, whatever a file or an entity is called.
func TestJSONOfABacktestIsSafeOnATerminal(t *testing.T) {
	const hostile = "s\u009b2J.csv"
	inFolder(t, map[string]string{hostile: strings.ReplaceAll(binsOf(400), "a b", "a\u009b31mb")})
	for _, form := range [][]string{{"--json"}, {"--anomalies", "-"}} {
		code, printed, told := backtested(t, append([]string{conf, hostile}, form...)...)
		if !strings.Contains(printed, `s\u009b2J.csv`) || !isPrintable(printed, "\n") {
			t.Errorf("%v: it exits with %d and prints\n%q%s", form, code, printed, told)
		}
	}
}

// TestTableOfManySettingsHasTheScores, and defines what it shows and nothing else.
func TestTableOfManySettingsHasTheScores(t *testing.T) {
	inFolder(t, map[string]string{"s.csv": binsOf(400), "l.csv": "entity,from,until\nno such,1600000000,1600000001\n*,1600358000,1600361000\n"})
	few := []string{"Delay, 90 %: ", "NAB, few false: ", "beside the labels"}
	for settings, many := range map[string]bool{"3,4": false, "3,4,5,6": true} {
		code, printed, told := backtested(t, conf, "s.csv", "--labels", "l.csv", "--set", "detection.threshold="+settings)
		if code != exitClean || told != "" {
			t.Errorf("%s: it exits with %d and prints\n%s%s", settings, code, printed, told)
		}
		for _, says := range []string{"Delay, median: ", "NAB, standard: ", "False a day: ", "Labels without their entity: Labels that are not judged"} {
			if strings.Count(printed, "\n"+says) != 1 {
				t.Errorf("%s: it does not define %q once:\n%s", settings, says, printed)
			}
		}
		for _, says := range few {
			if strings.Contains(printed, "\n"+says) == many {
				t.Errorf("%s: %q is or is not there:\n%s", settings, says, printed)
			}
		}
		if shown := regexp.MustCompile(`(?m)F1 +median delay +NAB *$`).MatchString(printed); shown != many {
			t.Errorf("%s: the columns are there: %v\n%s", settings, shown, printed)
		}
		if listed := strings.Contains(printed, "\nLabels without their entity: 1, such as no such\n"); listed != many {
			t.Errorf("%s: a label that fits nothing is there: %v\n%s", settings, listed, printed)
		}
	}
}

// TestBacktestWithBadRowsGoesOn, and tells how many there are, and where.
func TestBacktestWithBadRowsGoesOn(t *testing.T) {
	var text strings.Builder
	for line := range strings.Lines(binsOf(400)) {
		text.WriteString(line)
		if !strings.HasPrefix(line, "timestamp") {
			text.WriteString("1600000200,-1,10,none\n")
		}
	}
	inFolder(t, map[string]string{"s.csv": text.String()})
	code, printed, told := backtested(t, conf, "s.csv")
	if code != exitClean || told != "" || !strings.Contains(printed, " 800 datapoints of 2 entities") || !strings.Contains(printed, "bad rows: 800 value_not_a_number (value field") ||
		!strings.Contains(printed, "such as s.csv:3, s.csv:5, s.csv:7\n") {
		t.Errorf("it exits with %d and prints\n%s%s", code, printed, told)
	}
}

// TestBacktestWithABrokenInputCountsTheOthers, and exits with 1.
func TestBacktestWithABrokenInputCountsTheOthers(t *testing.T) {
	inFolder(t, map[string]string{"s.csv": binsOf(400), "t.csv": binsOf(10) + "1600000200,\"never closed,1,1\n"})
	code, printed, told := backtested(t, conf, "s.csv", "t.csv", "--anomalies", "a.jsonl")
	if code != exitFailure || !strings.Contains(printed, " 820 datapoints of 2 entities") || told != "anomalydetector: not all could be read: t.csv:22: a quote begins in this row and is never closed\n" {
		t.Errorf("it exits with %d and prints\n%s%s", code, printed, told)
	}
	if found := foundIn(t, read(t, "a.jsonl")); len(found) < 2 {
		t.Errorf("the file has %d anomalies", len(found))
	}
}

// TestBacktestReadsStandardInput, twice for a report, and not at all if it is closed.
func TestBacktestReadsStandardInput(t *testing.T) {
	inFolder(t, map[string]string{"s.csv": binsOf(400)})
	former := os.Stdin
	t.Cleanup(func() { os.Stdin = former })
	file, err := os.Open("s.csv")
	must(t, err)
	os.Stdin = file
	code, printed, told := backtested(t, conf, "-", "--report", "r.html")
	if code != exitClean || told != "" || !strings.Contains(printed, " 800 datapoints") || !strings.Contains(read(t, "r.html"), "-1,a b") {
		t.Errorf("it exits with %d and prints\n%s%s", code, printed, told)
	}
	must(t, file.Close())
	code, printed, told = backtested(t, conf, "-")
	if code != exitUsage || printed != "" || !regexp.MustCompile("^anomalydetector: no datapoint could be read: standard input: .*closed\n$").MatchString(told) {
		t.Errorf("with a closed input it exits with %d and prints\n%s%s", code, printed, told)
	}
}

// TestInterruptedBacktestWritesWhatItKnows and exits as a shell would say.
func TestInterruptedBacktestWritesWhatItKnows(t *testing.T) {
	inFolder(t, nil)
	if code, printed := asked(t, nil, "synthesize", "--out", "s.csv", "--entities", "200", "--bins", "700"); code != exitClean {
		t.Fatal(printed)
	}
	if code, printed, told := backtested(t, conf, "s.csv", "--anomalies", "whole.jsonl"); code != exitClean {
		t.Fatal(printed, told)
	}
	must(t, syscall.Mkfifo("fifo", 0o600))
	errors, minutes := &output{}, atomic.Int64{}
	o := newOutside(t, nil)
	o.Stderr, o.Now = errors, func() time.Time { return time.Unix(60*minutes.Add(1), 0) }
	exit := o.run("backtest", conf, "fifo", "--json", "--anomalies", "part.jsonl", "--report", "r.html")
	fifo, err := os.OpenFile("fifo", os.O_WRONLY, 0)
	must(t, err)
	fed := make(chan error)
	go func() {
		_, err := io.WriteString(fifo, read(t, "s.csv"))
		fed <- err
	}()
	until(t, "a part is read", func() bool { return strings.Contains(errors.String(), "reading: ") })
	o.signals <- syscall.SIGINT
	if code := exits(t, exit, o); code != 130 || !strings.HasSuffix(errors.String(), "anomalydetector: interrupted before the end of the input\n") {
		t.Errorf("it exits with %d and prints\n%s%s", code, o.output, errors)
	}
	must(t, fifo.Close())
	<-fed // an error if all was not read
	var view backtestView
	must(t, json.Unmarshal([]byte(o.output.String()), &view))
	if !view.Partial || view.Points == 0 {
		t.Errorf("the result is %+v", view)
	}
	whole, part := read(t, "whole.jsonl"), strings.ReplaceAll(read(t, "part.jsonl"), `"input":"fifo"`, `"input":"s.csv"`)
	if len(part) == 0 || !strings.HasPrefix(whole, part) {
		t.Errorf("%d bytes of anomalies are no beginning of the %d", len(part), len(whole))
	}
	if page := read(t, "r.html"); !bytes.Contains([]byte(page), []byte("</html>")) {
		t.Error("the page is not whole")
	}
}
