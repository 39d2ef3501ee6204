package bootstrap

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestSIGTERMIsACleanStopWhateverTheProcessWaitsFor.
func TestSIGTERMIsACleanStopWhateverTheProcessWaitsFor(t *testing.T) {
	const name = "short_window_median"
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts connections and never answers
	must(t, err)
	defer silent.Close()
	for waits, c := range map[string]struct {
		broker func(t *testing.T, b *broker) string // its address; nil: as it is
		says   string                               // when to stop
	}{
		"at its first line":       {nil, "the log goes to"},
		"broker refuses":          {func(*testing.T, *broker) string { return "127.0.0.1:1" }, "cannot start reading"},
		"broker is silent":        {func(*testing.T, *broker) string { return silent.Addr().String() }, "detector starts"},
		"topic is missing":        {func(t *testing.T, b *broker) string { return newBroker(t).address() }, "does not exist"},
		"broker forgets to fetch": {func(t *testing.T, b *broker) string { b.holds(t, kmsg.Fetch); return b.address() }, "partition assigned"},
		"broker does not join":    {func(t *testing.T, b *broker) string { b.holds(t, kmsg.JoinGroup); return b.address() }, "detector starts"},
		"replaying":               {nil, "partition assigned"},
	} {
		t.Run(waits, func(t *testing.T) {
			b := newBroker(t, name)
			address := b.address()
			if waits == "replaying" {
				first := watched(t, b, name, "")
				first.reads(t)
				b.untilRead(t, name)
				first.signal(t, syscall.SIGTERM)
				first.exits(t, exitClean)
				b.holds(t, kmsg.Fetch)
			}
			if c.broker != nil {
				address = c.broker(t, b)
			}
			dir := t.TempDir()
			p := startProcess(t, dir, []string{"KAFKA_HOST=" + address, "DETECTOR_DATA_DIR=" + filepath.Join(dir, "data")}, b.conf(t, dir, name, ""))
			said := p.reads(t)
			until(t, "it says "+c.says, func() bool { return strings.Contains(said.String(), c.says) })
			p.signal(t, syscall.SIGTERM)
			p.exits(t, exitClean)
		})
	}
}

// holds keeps the broker from answering requests of a kind.
func (b *broker) holds(t *testing.T, kind kmsg.Key) {
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	b.cluster.ControlKey(int16(kind), func(kmsg.Request) (kmsg.Response, error, bool) {
		b.cluster.KeepControl()
		b.cluster.SleepControl(func() { <-over })
		return nil, nil, false
	})
}

// TestLaterSignalEndsAStopAtOnce, with the exit code that a shell knows for the signal. Those of the first
// second are one request, however many they are.
func TestLaterSignalEndsAStopAtOnce(t *testing.T) {
	const name = "short_window_median"
	for signal, code := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		b := newBroker(t, name)
		p := watched(t, b, name, "")
		said := p.reads(t)
		b.untilRead(t, name)
		b.holds(t, kmsg.EndTxn)
		b.bad(t, name)
		until(t, "a transaction waits for its end", func() bool { return strings.Contains(said.String(), "bad record") })
		first := time.Now()
		until(t, "it is stopping", func() bool {
			_ = p.command.Process.Signal(signal)
			return strings.Contains(said.String(), "stopping")
		})
		for {
			if err := p.command.Process.Signal(signal); err != nil {
				break
			}
			select {
			case <-p.ended:
			case <-time.After(50 * time.Millisecond): // somebody holds Ctrl-C down
				continue
			}
			if took := time.Since(first); took < sameRequest {
				t.Errorf("it ended %s after the first signal, want at least %s", took, sameRequest)
			}
			break
		}
		p.exits(t, code)
		says(t, p.stderr.String(), "another signal: ended at once")
	}
}

// TestSIGQUITShowsAllGoroutines, as in any Go program.
func TestSIGQUITShowsAllGoroutines(t *testing.T) {
	const name = "short_window_median"
	b := newBroker(t, name)
	p := watched(t, b, name, "")
	p.reads(t)
	b.untilRead(t, name)
	p.signal(t, syscall.SIGQUIT)
	p.exits(t, 2)
	says(t, p.stderr.String(), "SIGQUIT", "goroutine ")
}

// TestNothingOutsideStopsDetection: standard output and standard error may be full, gone, closed, or pipes
// that nobody reads.
func TestNothingOutsideStopsDetection(t *testing.T) {
	const name = "short_window_median"
	stuck := func(t *testing.T) *os.File { // a pipe with a reader that does not read
		reader, writer, err := os.Pipe()
		must(t, err)
		t.Cleanup(func() { _ = reader.Close() })
		number := int(writer.Fd()) // each call makes writes block
		must(t, syscall.SetNonblock(number, true))
		for err = nil; err == nil; {
			_, err = syscall.Write(number, make([]byte, 1<<12))
		}
		for err = nil; err == nil; {
			_, err = syscall.Write(number, make([]byte, 1))
		}
		if !errors.Is(err, syscall.EAGAIN) {
			t.Fatal(err)
		}
		must(t, syscall.SetNonblock(number, false))
		return writer
	}
	gone := func(t *testing.T) *os.File {
		reader, writer, err := os.Pipe()
		must(t, err)
		must(t, reader.Close())
		return writer
	}
	full := func(t *testing.T) *os.File {
		file, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Skip("this system has no /dev/full")
		}
		return file
	}
	good := func(t *testing.T) *os.File {
		file, err := os.CreateTemp(t.TempDir(), "")
		must(t, err)
		return file
	}
	type place func(*testing.T) *os.File
	for outside, c := range map[string]struct {
		stdout, stderr place // nil: closed
		says           string
	}{
		"stdout full":        {full, good, "cannot be written to standard output: write /dev/stdout: no space left on device; detection goes on"},
		"stdout gone":        {gone, good, "broken pipe; detection goes on"},
		"stdout stuck":       {stuck, good, "standard output does not take the last lines of the log, and "},
		"stdout closed":      {nil, good, ""},
		"stderr closed, too": {nil, nil, ""},
		"both full":          {full, full, ""},
		"both gone":          {gone, gone, ""},
		"both stuck":         {stuck, stuck, ""},
		"stderr stuck":       {full, stuck, ""},
	} {
		t.Run(outside, func(t *testing.T) {
			b := newBroker(t, name)
			dir := t.TempDir()
			conf := b.conf(t, dir, name, "")
			command := `exec "$@"`
			var files []*os.File
			p := &process{ended: make(chan struct{})}
			open := func(place place, closed string) *os.File {
				if place == nil {
					command += closed
					return nil
				}
				file := place(t)
				files = append(files, file)
				return file
			}
			stdout, stderr := open(c.stdout, " >&-"), open(c.stderr, " 2>&-")
			p.command = shell(command, conf)
			if stdout != nil {
				p.command.Stdout = stdout
			}
			if stderr != nil {
				p.command.Stderr = stderr
			}
			p.command.Dir = dir
			p.command.Env = append(os.Environ(), asProgram+"=1", "DETECTOR_HTTP=off", "KAFKA_HOST="+b.address(), "DETECTOR_DATA_DIR="+filepath.Join(dir, "data"))
			must(t, p.command.Start())
			go func() {
				_ = p.command.Wait() // exits checks the exit code
				close(p.ended)
			}()
			defer func() {
				_ = p.command.Process.Kill() // it may have ended
				<-p.ended
			}()
			b.untilRead(t, name)
			b.bad(t, name)
			b.untilRead(t, name)
			p.signal(t, syscall.SIGTERM)
			p.exits(t, exitClean)
			b.verify(t, name)
			if c.says != "" {
				said := readAll(t, stderr.Name())
				if strings.Count(said, c.says) != 1 {
					t.Errorf("it does not say %q once, but\n%s", c.says, said)
				}
			}
			for _, file := range files {
				_ = file.Close()
			}
		})
	}
}

// shell runs the program through a shell, whose command redirects what a test cannot.
func shell(command string, arguments ...string) *exec.Cmd {
	return exec.Command("sh", append([]string{"-c", command, "sh", os.Args[0]}, arguments...)...)
}

// TestLogFileRotates by copytruncate, and onto a disk that is full when SIGHUP comes.
func TestLogFileRotates(t *testing.T) {
	const name = "short_window_median"
	b := newBroker(t, name)
	p := watched(t, b, name, "FileHandler", "DETECTOR_LOG=file")
	p.reads(t)
	log := filepath.Join(p.dir, "the.log")
	until(t, "the log is there", func() bool { return fileHas(log, "partition ready") })

	first, _, _ := strings.Cut(readAll(t, log), "\n")
	must(t, os.Truncate(log, 0))
	b.bad(t, name)
	until(t, "the line is at the beginning", func() bool { return fileHas(log, "WARNING bad record") })
	// Other partitions may become ready after it was truncated.
	if content := readAll(t, log); strings.Contains(content, "\x00") || strings.Contains(content, first) {
		t.Errorf("after the file was truncated it holds\n%q", content)
	}

	must(t, os.Rename(log, log+".1"))
	must(t, os.Symlink("/dev/full", log)) // stands for a full disk
	p.signal(t, syscall.SIGHUP)
	until(t, "it is told on stderr", func() bool { return strings.Contains(p.stderr.String(), "no space left") })

	must(t, os.Remove(log))
	p.signal(t, syscall.SIGHUP)
	until(t, "the log is written again", func() bool { return fileHas(log, "SIGHUP") })
	until(t, "the loss is told", func() bool { return strings.Contains(p.stderr.String(), "is written to the.log again") })
	b.untilRead(t, name)
	p.signal(t, syscall.SIGTERM)
	p.exits(t, exitClean)
}
