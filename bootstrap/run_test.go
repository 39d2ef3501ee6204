package bootstrap

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/stream"
	"anomalydetector/test/golden"
)

// patience is how long a test waits for a condition before it fails.
const patience = 3 * time.Minute

// output collects what the program prints; a test may read it meanwhile.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(text)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// outside is the world of a test: a directory, an environment, signals to send.
type outside struct {
	World
	output  *output
	signals chan os.Signal
}

func newOutside(t *testing.T, env map[string]string) *outside {
	t.Helper()
	o := &outside{output: &output{}, signals: make(chan os.Signal, 3)}
	o.World = World{
		Env: func(name string) string {
			if value, set := env[name]; set || name != "DETECTOR_HTTP" {
				return value
			}
			return "off"
		}, Stdout: o.output, Stderr: o.output, Now: time.Now, Signals: o.signals, Release: func() {},
	}
	return o
}

// run starts the program and returns a channel that gets its exit code.
func (o *outside) run(arguments ...string) <-chan int {
	exit := make(chan int, 1)
	go func() { exit <- Main(arguments, o.World) }()
	return exit
}

func exits(t *testing.T, exit <-chan int, o *outside) int {
	t.Helper()
	select {
	case code := <-exit:
		return code
	case <-time.After(patience):
		t.Fatalf("the program did not end; it printed:\n%s", o.output)
		return -1
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// broker is an embedded broker with the input topics of some cases, all fed.
type broker struct {
	cluster *kfake.Cluster
	client  *kgo.Client
	cases   map[string]*golden.Case
}

func newBroker(t *testing.T, names ...string) *broker {
	t.Helper()
	cluster, err := stream.Embedded()
	must(t, err)
	t.Cleanup(cluster.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	must(t, err)
	t.Cleanup(client.Close)
	b := &broker{cluster, client, make(map[string]*golden.Case)}
	for _, name := range names {
		c, err := golden.Load(filepath.Join("..", "testdata", "golden", name))
		must(t, err)
		must(t, cluster.CreateTopic(name+".in", c.Partitions, nil))
		for _, r := range c.Records {
			r.Topic = name + ".in"
		}
		must(t, client.ProduceSync(context.Background(), c.Records...).FirstErr())
		b.cases[name] = c
	}
	return b
}

func (b *broker) address() string { return strings.Join(b.cluster.ListenAddrs(), ",") }

// conf writes a case's configuration with topics and group of its own.
func (b *broker) conf(t *testing.T, dir, name, more string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "testdata", "golden", name, "detector.conf"))
	must(t, err)
	text := string(content)
	for key, value := range map[string]string{"input_topic": name + ".in", "output_topic": name + ".out", "consumer_group": name} {
		text = regexp.MustCompile(`(?m)^`+key+`.*$`).ReplaceAllString(text, key+" = "+value)
	}
	path := filepath.Join(dir, name+".conf")
	must(t, os.WriteFile(path, []byte(text+more), 0o644))
	return path
}

// untilRead waits until the group of a case has committed all of it.
func (b *broker) untilRead(t *testing.T, name string) {
	t.Helper()
	admin := kadm.NewClient(b.client)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		lags, err := admin.Lag(context.Background(), name)
		if lag, ok := lags[name]; err == nil && ok && lag.Error() == nil && len(lag.Lag) > 0 && lag.Lag.Total() == 0 {
			return
		}
	}
	t.Fatalf("%s was not read to its end", name)
}

func (b *broker) verify(t *testing.T, name string) {
	t.Helper()
	anomalies, err := golden.Read(name+".out", kgo.SeedBrokers(b.cluster.ListenAddrs()...))
	must(t, err)
	for _, problem := range b.cases[name].Verify(anomalies, len(b.cases[name].Records)) {
		t.Errorf("%s: %s", name, problem)
	}
}

// TestGoldenCasesAreBitEqualThroughTheWholeProgram runs a detector for each case in one process, from
// the command line to the exit code.
func TestGoldenCasesAreBitEqualThroughTheWholeProgram(t *testing.T) {
	b := newBroker(t, golden.Names...)
	dir := t.TempDir()
	var confs []string
	for _, name := range golden.Names {
		confs = append(confs, b.conf(t, dir, name, ""))
	}
	o := newOutside(t, map[string]string{"KAFKA_HOST": b.address(), "DETECTOR_DATA_DIR": filepath.Join(dir, "data")})
	exit := o.run(confs...)
	for _, name := range golden.Names {
		b.untilRead(t, name)
	}
	o.signals <- syscall.SIGTERM
	if code := exits(t, exit, o); code != exitClean {
		t.Errorf("exit code %d after SIGTERM, want 0", code)
	}
	for _, name := range golden.Names {
		b.verify(t, name)
	}
	for _, want := range []string{"detector starts", "input_topic=hegemony_mean.in", "page=off", "summary", "points=4824"} {
		if !strings.Contains(o.output.String(), want) {
			t.Errorf("the log does not say %q", want)
		}
	}
}

func TestLogGoesToTheFileOfTheConfInItsFormat(t *testing.T) {
	const name = "short_window_median"
	b := newBroker(t, name)
	dir := t.TempDir()
	log := filepath.Join(dir, "the.log")
	conf := b.conf(t, dir, name, "\n[loggers]\nkeys=root\n[handlers]\nkeys=h\n[formatters]\nkeys=f\n[logger_root]\nlevel=INFO\nhandlers=h\n"+
		"[handler_h]\nclass=FileHandler\nformatter=f\nargs=('"+log+"',)\n[formatter_f]\nformat=%(asctime)s|%(levelname)s|%(message)s\ndatefmt=%Y-%m-%d\n")
	env := map[string]string{"KAFKA_HOST": b.address(), "DETECTOR_DATA_DIR": filepath.Join(dir, "data")}
	for _, container := range []bool{false, true} {
		must(t, os.WriteFile(log, nil, 0o644))
		o := newOutside(t, env)
		if container {
			o.Container = "/.dockerenv is there"
		}
		exit := o.run(conf)
		b.untilRead(t, name)
		if container { // everything was read before: no committed offset shows that it runs
			until(t, "it says on stdout that it runs", func() bool { return strings.Contains(o.output.String(), "partition ready") })
		}
		o.signals <- syscall.SIGINT
		if code := exits(t, exit, o); code != exitClean {
			t.Errorf("exit code %d", code)
		}
		written, err := os.ReadFile(log)
		must(t, err)
		if container {
			if len(written) > 0 || !strings.Contains(o.output.String(), "detector starts") {
				t.Error("in a container the log does not go to stdout alone")
			}
			continue
		}
		if line := regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\d\|INFO\|detector starts .*input_topic=`); !line.Match(written) {
			t.Errorf("the log file is\n%s", written)
		}
		if strings.Contains(o.output.String(), "detector starts") {
			t.Error("the log is on stdout, too, which is no terminal")
		}
	}
}

func TestDemoFindsAllItsEventsAndNothingElse(t *testing.T) {
	o := newOutside(t, nil)
	if code := exits(t, o.run("demo", "--duration", "1s", "--entities", "60", "--seed", "3"), o); code != exitClean {
		t.Fatalf("exit code %d; it printed:\n%s", code, o.output)
	}
	if !regexp.MustCompile(`\nFound (\d+) of \d+ injected events; \d+ anomalies in all, 0 of them outside any event.\n$`).MatchString(o.output.String()) {
		t.Errorf("the demo printed\n%s", o.output)
	}
	const begin = `The page is off: DETECTOR_HTTP=127.0.0.1:8080 turns it on.
A synthetic AS hegemony stream, a Kafka broker inside this process, and the real
detector on built-in hegemonydetector.conf. 60 networks: 3 days of history at once, then 2 days with
10 events (spikes, shifts, outages) hidden in them. Networks that vanish and holes of
the stream are on the page, as absences and gaps. Anomalies, as they are committed:

time (UTC)        entity (scope,asn)         hegemony   usual level  deviation
2026-01-0`
	if !strings.HasPrefix(o.output.String(), begin) {
		t.Errorf("it begins with\n%.600s\nwant\n%s", o.output, begin)
	}
	if strings.Contains(o.output.String(), "not found") {
		t.Errorf("the demo missed an event:\n%s", o.output)
	}
}

// TestCheckRefusesWhatAStartRefuses: in this case two [cluster] ports for one process.
func TestCheckRefusesWhatAStartRefuses(t *testing.T) {
	dir := t.TempDir()
	content, err := os.ReadFile(filepath.Join("..", "configs", "hegemonydetector.conf"))
	must(t, err)
	var confs []string
	for _, port := range []string{"7100", "7101"} {
		conf := filepath.Join(dir, port+".conf")
		must(t, os.WriteFile(conf, []byte(strings.Replace(string(content), "[cluster]\n", "[cluster]\nlisten = 127.0.0.1:"+port+"\n", 1)), 0o644))
		confs = append(confs, conf)
	}
	o := newOutside(t, nil)
	if code := exits(t, o.run(append([]string{"check"}, confs...)...), o); code != exitUsage || !strings.Contains(o.output.String(), "[cluster]: it differs") {
		t.Errorf("exit code %d, and it printed:\n%s", code, o.output)
	}
}

func TestExitCodesTellUsageFromFailure(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.conf")
	must(t, os.WriteFile(bad, []byte("[io]\ninput_topic=\n"), 0o644))
	for name, c := range map[string]struct {
		arguments []string
		code      int
		says      string
	}{
		"no such file":  {[]string{"nothere.conf"}, exitUsage, "no such file"},
		"bad conf":      {[]string{bad}, exitUsage, "[io] input_topic"},
		"unknown flag":  {[]string{"--colour"}, exitUsage, "unknown flag"},
		"twice":         {[]string{"hegemonydetector.conf", "hegemonydetector.conf"}, exitUsage, "named hegemonydetector"},
		"help":          {[]string{"--help"}, exitClean, "demo"},
		"no argument":   {nil, exitClean, "Usage"},
		"check":         {[]string{"check", "atlasdelaydetector.conf"}, exitClean, "ihr_raclette_diffrtt_anomalies"},
		"check twice":   {[]string{"check", "hegemonydetector.conf", "hegemonydetector.conf"}, exitUsage, "named hegemonydetector"},
		"check bad":     {[]string{"check", bad}, exitUsage, "[io] input_topic"},
		"version":       {[]string{"version"}, exitClean, "anomalydetector"},
		"demo duration": {[]string{"demo", "--duration", "0s"}, exitUsage, "--duration"},
		"demo nodes":    {[]string{"demo", "--nodes", "4"}, exitUsage, "--nodes: want 1 to 3"},
		"demo kill":     {[]string{"demo", "--kill"}, exitUsage, "--kill: want --nodes"},
		"demo entities": {[]string{"demo", "--entities", "0"}, exitUsage, "Entities"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOutside(t, nil)
			if code := exits(t, o.run(c.arguments...), o); code != c.code || !strings.Contains(o.output.String(), c.says) {
				t.Errorf("exit code %d, want %d, with %q in:\n%s", code, c.code, c.says, o.output)
			}
		})
	}
}

// TestLastSignalEndsAtOnce. If detectors may wait for successors, one signal more ends that first.
func TestLastSignalEndsAtOnce(t *testing.T) {
	const term, later = syscall.SIGTERM, 2 * time.Second
	for waiting, want := range map[bool][]bool{false: {false}, true: {false, true}} {
		w := newWaits(waiting)
		var err error
		for i := range len(want) + 1 {
			if err != nil {
				t.Errorf("waiting %t: ended with %v after %d signals", waiting, err, i)
			}
			w.now = w.now.Add(later)
			err = w.signal(term)
		}
		if err == nil || !slices.Equal(w.stops, want) {
			t.Errorf("waiting %t: ended with %v after stops (at once) %v, want an error after %v", waiting, err, w.stops, want)
		}
	}
}

// TestSignalsWithinASecondAreOne: timeout(1) sends SIGTERM to the process and to its group; a terminal and
// a script may both send SIGINT.
func TestSignalsWithinASecondAreOne(t *testing.T) {
	w := newWaits(true)
	for _, after := range []time.Duration{0, 0, 999 * time.Millisecond} {
		w.now = w.now.Add(after)
		if err := w.signal(syscall.SIGTERM); err != nil || !slices.Equal(w.stops, []bool{false}) {
			t.Fatalf("ended with %v, stops %v; want one gentle stop", err, w.stops)
		}
	}
	w.now = w.now.Add(time.Millisecond)
	if err := w.signal(syscall.SIGINT); err != nil || !slices.Equal(w.stops, []bool{false, true}) {
		t.Errorf("a second after the first: ended with %v, stops %v", err, w.stops)
	}
}

// TestFirstSignalAfterAFailureIsGentle: a failure has begun the stop of the other detectors, and the
// first request to stop does not mean to cut that short.
func TestFirstSignalAfterAFailureIsGentle(t *testing.T) {
	w := newWaits(true)
	w.enter(gentle, "another detector failed")
	if err := w.signal(syscall.SIGTERM); err != nil || !slices.Equal(w.stops, []bool{false}) {
		t.Fatalf("the first signal after a failure: ended with %v, stops %v; want the one gentle stop", err, w.stops)
	}
	w.now = w.now.Add(2 * time.Second)
	if err := w.signal(syscall.SIGTERM); err != nil || !slices.Equal(w.stops, []bool{false, true}) {
		t.Errorf("the second one: ended with %v, stops %v", err, w.stops)
	}
}

// waits is a waiting with a clock that the test sets.
type waits struct {
	waiting
	now   time.Time
	stops []bool // of each call of stopAll: at once
}

func newWaits(others bool) *waits {
	w := &waits{now: time.Now()}
	w.waiting = waiting{
		requests: &requests{now: func() time.Time { return w.now }}, others: others,
		stopAll: func(_ string, atOnce bool) { w.stops = append(w.stops, atOnce) },
	}
	return w
}

func TestFailedDetectorStopsTheOthers(t *testing.T) {
	results := make(chan error, 2)
	results <- os.ErrClosed
	w := &waiting{requests: &requests{now: time.Now}, results: results, running: 2, others: true, stopAll: func(string, bool) { results <- nil }}
	if err := w.await(); err == nil {
		t.Error("ended cleanly though one failed")
	}
}
