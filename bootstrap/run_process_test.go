package bootstrap

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// asProgram is the environment variable that makes this test binary run as the program, for tests of
// signals and standard output.
const asProgram = "ANOMALYDETECTOR_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(Main(os.Args[1:], Process()))
	}
	os.Exit(m.Run())
}

// process is the program as a process of its own.
type process struct {
	command *exec.Cmd
	dir     string // working directory, and place of temporary files
	stdout  *os.File
	stderr  output
	ended   chan struct{}
}

// startProcess starts the program. The test reads p.stdout.
func startProcess(t *testing.T, dir string, env []string, arguments ...string) *process {
	t.Helper()
	p := &process{command: exec.Command(os.Args[0], arguments...), dir: dir, ended: make(chan struct{})}
	reader, writer, err := os.Pipe()
	must(t, err)
	p.stdout = reader
	p.command.Dir, p.command.Stdout, p.command.Stderr = dir, writer, &p.stderr
	p.command.Env = append(append(os.Environ(), "DETECTOR_HTTP=off"), append(env, asProgram+"=1", "TMPDIR="+dir)...)
	must(t, p.command.Start())
	must(t, writer.Close())
	go func() {
		_ = p.command.Wait() // exits checks the exit code
		close(p.ended)
	}()
	t.Cleanup(func() {
		_ = p.command.Process.Kill() // it may have ended
		<-p.ended
		_ = reader.Close() // a test may have closed it
		if t.Failed() {
			t.Logf("stderr of the process:\n%s", &p.stderr)
		}
	})
	return p
}

func (p *process) signal(t *testing.T, signals ...syscall.Signal) {
	t.Helper()
	for _, s := range signals {
		must(t, p.command.Process.Signal(s))
	}
}

// reads collects the standard output of the process.
func (p *process) reads(t *testing.T) *output {
	t.Helper()
	said, ended := &output{}, make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(said, p.stdout) // ends with the process
	}()
	t.Cleanup(func() {
		_ = p.stdout.Close()
		<-ended
		if t.Failed() {
			t.Logf("stdout of the process:\n%s", said)
		}
	})
	return said
}

// exits waits for the end of the process, and checks how it ended.
func (p *process) exits(t *testing.T, code int) {
	t.Helper()
	select {
	case <-p.ended:
		if got := p.command.ProcessState.ExitCode(); got != code {
			t.Errorf("the process ended with %v, want exit code %d", p.command.ProcessState, code)
		}
	case <-time.After(patience):
		t.Fatal("the process did not end")
	}
}

// watched is a process that runs a detector on a case; it logs to a file if class names a handler.
func watched(t *testing.T, b *broker, name, class string, env ...string) *process {
	t.Helper()
	dir := t.TempDir()
	more := ""
	if class != "" {
		more = "\n[logger_root]\nhandlers=h\n[handler_h]\nclass=" + class + "\nformatter=f\nargs=('the.log',)\n[formatter_f]\nformat=%(levelname)s %(message)s\n"
	}
	conf := b.conf(t, dir, name, more)
	env = append(env, "KAFKA_HOST="+b.address(), "DETECTOR_DATA_DIR="+filepath.Join(dir, "data"))
	return startProcess(t, dir, env, conf)
}

// bad feeds a record that each detector must warn of.
func (b *broker) bad(t *testing.T, name string) {
	t.Helper()
	record := &kgo.Record{Topic: name + ".in", Value: []byte{0xc1}, Timestamp: b.cases[name].Records[len(b.cases[name].Records)-1].Timestamp}
	must(t, b.client.ProduceSync(context.Background(), record).FirstErr())
}

// TestProcessGoesOnWithoutItsStdout: by default, SIGPIPE would end it at the next line.
func TestProcessGoesOnWithoutItsStdout(t *testing.T) {
	const name = "short_window_median"
	b := newBroker(t, name)
	p := watched(t, b, name, "")
	b.untilRead(t, name)
	must(t, p.stdout.Close())
	b.bad(t, name)
	until(t, "it is told on stderr", func() bool { return strings.Contains(p.stderr.String(), "cannot be written to standard output") })
	b.untilRead(t, name)
	p.signal(t, syscall.SIGTERM)
	p.exits(t, exitClean)
	if got := p.stderr.String(); strings.Count(got, "cannot be written") != 1 || !strings.Contains(got, "lines of the log to standard output were lost") {
		t.Errorf("stderr is not one failure and a count:\n%s", got)
	}
}

func fileHas(path, text string) bool {
	content, _ := os.ReadFile(path) // the file may not exist yet
	return strings.Contains(string(content), text)
}

// TestSIGHUPReopensTheLogAndEndsNothing, as logrotate expects.
func TestSIGHUPReopensTheLogAndEndsNothing(t *testing.T) {
	const name = "short_window_median"
	b := newBroker(t, name)
	for class, hangup := range map[string]bool{"FileHandler": true, "handlers.WatchedFileHandler": false, "handlers.RotatingFileHandler": true} {
		t.Run(class, func(t *testing.T) {
			p := watched(t, b, name, class, "DETECTOR_LOG=file")
			log := filepath.Join(p.dir, "the.log")
			until(t, "the log is there", func() bool { return fileHas(log, "partition ready") })
			must(t, os.Rename(log, log+".1"))
			if hangup {
				p.signal(t, syscall.SIGHUP)
				until(t, "the log is reopened", func() bool { return fileHas(log, "SIGHUP") })
			}
			b.bad(t, name)
			until(t, "the line is in the new file", func() bool { return fileHas(log, "WARNING bad record") })
			if first, _, _ := strings.Cut(readAll(t, log+".1"), "\n"); !strings.Contains(first, "the log goes to the configuration's file") ||
				!strings.Contains(first, "file=the.log") || !strings.Contains(first, "detector="+name) {
				t.Errorf("the first line is %q", first)
			}
			p.signal(t, syscall.SIGHUP, syscall.SIGTERM)
			p.exits(t, exitClean)
			if !fileHas(log, "detector stopped") && !fileHas(log, "stopping") {
				t.Errorf("the stop is not in the log:\n%s", readAll(t, log))
			}
		})
	}
}

func readAll(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	must(t, err)
	return string(content)
}

// TestTwoSignalsAtOnceAreOneGentleStop: timeout(1) sends two; a terminal sends one to the demo and one
// to its parent.
func TestTwoSignalsAtOnceAreOneGentleStop(t *testing.T) {
	const name = "short_window_median"
	b := newBroker(t, name)
	for _, both := range [][]syscall.Signal{{syscall.SIGTERM, syscall.SIGTERM}, {syscall.SIGINT, syscall.SIGTERM}} {
		p := watched(t, b, name, "")
		lines := bufio.NewScanner(p.stdout)
		for lines.Scan() && !strings.Contains(lines.Text(), "partition ready") {
		}
		p.signal(t, both...)
		_, _ = io.Copy(io.Discard, p.stdout) // ends with the process
		p.exits(t, exitClean)
	}
}

// TestDemoLeavesNothingBehind whatever ends it: a reader such as head that has gone, Ctrl-C, a closed
// terminal.
func TestDemoLeavesNothingBehind(t *testing.T) {
	for name, end := range map[string]func(p *process){
		"reader gone":     func(p *process) { _ = p.stdout.Close() },
		"Ctrl-C":          func(p *process) { p.signal(t, syscall.SIGINT) },
		"Ctrl-C twice":    func(p *process) { p.signal(t, syscall.SIGINT, syscall.SIGINT) },
		"terminal closed": func(p *process) { p.signal(t, syscall.SIGHUP) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			p := startProcess(t, dir, nil, "demo", "--duration", "90s", "--entities", "60", "--seed", "3")
			lines := bufio.NewScanner(p.stdout)
			lines.Buffer(make([]byte, 100), 1000)
			for range 9 { // until the second anomaly
				lines.Scan()
			}
			if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
				t.Fatalf("the demo has no directory: %v (%v)", entries, err)
			}
			end(p)
			printed := make(chan string, 1)
			go func() {
				rest, _ := io.ReadAll(p.stdout) // an error if it was closed
				printed <- string(rest)
			}()
			p.exits(t, exitClean)
			alone(t, dir)
			if rest := <-printed; name != "reader gone" && !strings.Contains(rest, "injected events") {
				t.Errorf("the result is missing:\n%s", rest)
			}
			if p.stderr.String() != "" {
				t.Errorf("stderr is %q", p.stderr.String())
			}
		})
	}
}

// TestEachLineNamesItsDetector if several detectors write to one log.
func TestEachLineNamesItsDetector(t *testing.T) {
	names := []string{"short_window_median", "hegemony_median"}
	b := newBroker(t, names...)
	dir := t.TempDir()
	o := newOutside(t, map[string]string{"KAFKA_HOST": b.address(), "DETECTOR_DATA_DIR": filepath.Join(dir, "data")})
	exit := o.run(b.conf(t, dir, names[0], ""), b.conf(t, dir, names[1], ""))
	for _, name := range names {
		b.untilRead(t, name)
	}
	o.signals <- syscall.SIGTERM
	exits(t, exit, o)
	counts := make(map[string]int)
	for line := range strings.Lines(o.output.String()) {
		named := 0
		for _, name := range names {
			if strings.Contains(line, " detector="+name+" ") || strings.HasSuffix(line, " detector="+name+"\n") {
				counts[name]++
				named++
			}
		}
		if named != 1 {
			t.Errorf("this line names %d detectors: %s", named, line)
		}
	}
	for _, name := range names {
		if counts[name] < 5 {
			t.Errorf("%s has %d lines:\n%s", name, counts[name], o.output)
		}
	}
}

// TestFirstLineSaysWhereTheLogGoes, and why it does not go to the configured file.
func TestFirstLineSaysWhereTheLogGoes(t *testing.T) {
	const name = "short_window_median"
	b := newBroker(t, name)
	const container = "/.dockerenv is there"
	for _, c := range []struct {
		named                     bool // a file
		variable, container, says string
	}{
		{false, "", "", "the log goes to standard output: the configuration names no file detector=" + name},
		{true, "", container, "the log goes to standard output, not to the configuration's file detector=" + name +
			" file=the.log because=\"this looks like a container: /.dockerenv is there; DETECTOR_LOG=file keeps the file\""},
		{true, "stdout", "", "not to the configuration's file detector=" + name + " file=the.log because=\"DETECTOR_LOG=stdout\""},
		{true, "file", container, name + " logs to the.log"},
		{true, "", "", name + " logs to the.log"},
	} {
		t.Run(c.says, func(t *testing.T) {
			dir := t.TempDir()
			o := newOutside(t, map[string]string{"KAFKA_HOST": b.address(), "DETECTOR_DATA_DIR": filepath.Join(dir, "data"), "DETECTOR_LOG": c.variable, "DETECTOR_HTTP": ""})
			o.Container = c.container
			o.signals <- syscall.SIGTERM
			more := ""
			if c.named {
				more = "\n[logger_root]\nhandlers=h\n[handler_h]\nclass=FileHandler\nargs=('" + filepath.Join(dir, "the.log") + "',)\n"
			}
			exits(t, o.run(b.conf(t, dir, name, more)), o)
			first, _, _ := strings.Cut(strings.ReplaceAll(o.output.String(), dir+"/", ""), "\n")
			if !strings.Contains(first, c.says) {
				t.Errorf("the first line is\n%s\nwant\n%s", first, c.says)
			}
		})
	}
}

// TestEntityKeyMayBeginWithAMinus: scope may be -1.
func TestEntityKeyMayBeginWithAMinus(t *testing.T) {
	for given, want := range map[string]string{
		"entity c.conf -1,5":                "entity c.conf -- -1,5",
		"entity -1,5":                       "entity -- -1,5",
		"entity c.conf -1,5 --json":         "entity c.conf --json -- -1,5",
		"entity --node a:1 c.conf -1,5":     "entity --node a:1 c.conf -- -1,5",
		"entity c.conf -- -1,5":             "entity c.conf -- -1,5",
		"entity c.conf 1,5 --window":        "entity c.conf 1,5 --window",
		"entity -h":                         "entity -h",
		"state import c.conf - --partition": "state import c.conf - --partition",
	} {
		if got := strings.Join(keysLast(strings.Fields(given)), " "); got != want {
			t.Errorf("%q becomes %q, want %q", given, got, want)
		}
	}
	says(t, did(t, nil, exitUsage, "entity", "hegemonydetector.conf", "-1,5", "--json"), "[cluster] listen")
}
