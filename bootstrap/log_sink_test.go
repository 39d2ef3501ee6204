package bootstrap

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func fdOf(file *os.File) string { return strconv.Itoa(int(file.Fd())) }

// target fails, takes a part, or blocks, as a test wants.
type target struct {
	mu    sync.Mutex
	taken bytes.Buffer
	fail  error
	part  int           // bytes taken of a write that fails
	still chan struct{} // not nil: a write waits until it is closed
	began chan struct{} // not nil: signalled when a write begins
}

func (t *target) Write(lines []byte) (int, error) {
	t.mu.Lock()
	still, began := t.still, t.began
	t.mu.Unlock()
	if began != nil {
		began <- struct{}{}
	}
	if still != nil {
		<-still
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fail != nil {
		t.taken.Write(lines[:t.part])
		return t.part, t.fail
	}
	return t.taken.Write(lines)
}

func (t *target) set(change func(*target)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(t)
}

func (t *target) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.taken.String()
}

func newTestSink(target *target) (*sink, *output) {
	stderr := &output{}
	return newSink("standard output", target, nil, stderr, time.Now), stderr
}

func TestSinkTellsOnceThatItsTargetIsGoneAndCounts(t *testing.T) {
	gone := &target{fail: syscall.EPIPE}
	s, stderr := newTestSink(gone)
	for range 5 {
		fmt.Fprintln(s, "a line")
	}
	until(t, "it is told", func() bool { return strings.Contains(stderr.String(), "broken pipe") })
	fmt.Fprintln(s, "a line")
	s.close()
	says(t, stderr.String(), "cannot be written to standard output: broken pipe; detection goes on", "6 lines of the log to standard output were lost")
	if strings.Count(stderr.String(), "broken pipe") != 1 {
		t.Errorf("it was told more than once:\n%s", stderr)
	}
}

func TestSinkGoesOnWhenItsTargetTakesLinesAgain(t *testing.T) {
	full := &target{fail: syscall.ENOSPC, part: 3}
	s, stderr := newTestSink(full)
	fmt.Fprintln(s, "one")
	until(t, "it is told", func() bool { return strings.Contains(stderr.String(), "no space left") })
	full.set(func(f *target) { f.fail = nil })
	fmt.Fprintln(s, "two")
	s.close()
	// The next line does not continue the one that was cut.
	if full.String() != "one\ntwo\n" {
		t.Errorf("the target holds %q", full.String())
	}
	says(t, stderr.String(), "written to standard output again; 1 lines of it were lost")
}

// TestSinkNeverBlocks: a terminal stopped with Ctrl-S, or a pipe without a reader, does not hold up the
// goroutine that logs.
func TestSinkNeverBlocks(t *testing.T) {
	stopped := &target{still: make(chan struct{}), began: make(chan struct{}, 10)}
	s, stderr := newTestSink(stopped)
	fmt.Fprintln(s, "first")
	<-stopped.began // the write blocks now
	line := strings.Repeat("x", 1023)
	for range sinkBytes/1024 + 10 {
		fmt.Fprintln(s, line)
	}
	close(stopped.still)
	until(t, "it is told", func() bool { return strings.Contains(stderr.String(), "took nothing for a while") })
	s.close()
	says(t, stderr.String(), "10 lines of the log were lost")
	if got := strings.Count(stopped.String(), "\n"); got != 1+sinkBytes/1024 {
		t.Errorf("%d lines were written, want those that fit", got)
	}
}

func TestClosingASinkDoesNotWaitForABlockedTarget(t *testing.T) {
	stopped := &target{still: make(chan struct{})}
	s, _ := newTestSink(stopped)
	fmt.Fprintln(s, "a line")
	if s.close() {
		t.Error("it says that all was written")
	}
	close(stopped.still)
}

// logs to a file through a sink, as a detector does.
func openTestLog(t *testing.T, path string, watched bool) (*logFile, *sink, *output) {
	t.Helper()
	stderr := &output{}
	file := &logFile{path: path, watched: watched}
	must(t, file.open())
	s := newSink(path, file, file.tend, stderr, time.Now)
	file.warn = func(err error) { s.tell("%v", err) }
	return file, s, stderr
}

func (s *sink) line(t *testing.T, path, text string) {
	t.Helper()
	fmt.Fprintln(s, text)
	until(t, text+" is in "+filepath.Base(path), func() bool {
		content, _ := os.ReadFile(path) // the file may not exist yet
		return strings.Contains(string(content), text)
	})
}

// TestRenamedLogFileIsReopened: at once with a WatchedFileHandler, after SIGHUP with a FileHandler. Until
// then lines go to the renamed file, as in Python.
func TestRenamedLogFileIsReopened(t *testing.T) {
	for _, watched := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "the.log")
		file, s, _ := openTestLog(t, path, watched)
		s.line(t, path, "first")
		must(t, os.Rename(path, path+".1"))
		if watched {
			s.line(t, path, "second")
			must(t, os.Remove(path))
			s.line(t, path, "third")
		} else {
			s.line(t, path+".1", "second")
			file.asked.Store(true)
			s.nudge()
			until(t, "the file is there again, without a line", func() bool { _, err := os.Stat(path); return err == nil })
			s.line(t, path, "third")
		}
		holds(t, path, "third\n")
		s.close()
		must(t, file.close())
	}
}

func TestTruncatedLogFileBeginsAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "the.log")
	file, s, _ := openTestLog(t, path, false)
	s.line(t, path, "first")
	must(t, os.Truncate(path, 0)) // as copytruncate does
	s.line(t, path, "second")
	holds(t, path, "second\n")
	s.close()
	must(t, file.close())
}

func TestLogFileThatCannotBeReopenedStaysInUse(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	must(t, os.Mkdir(dir, 0o700))
	path := filepath.Join(dir, "the.log")
	file, s, stderr := openTestLog(t, path, true)
	s.line(t, path, "first")
	must(t, os.Rename(dir, dir+".1"))
	s.line(t, filepath.Join(dir+".1", "the.log"), "second")
	s.line(t, filepath.Join(dir+".1", "the.log"), "third")
	if strings.Count(stderr.String(), "no such file") != 1 {
		t.Errorf("it was told not once:\n%s", stderr)
	}
	must(t, os.Mkdir(dir, 0o700))
	s.line(t, path, "fourth")
	s.close()
	must(t, file.close())
}

func TestLogMayGoToAFIFOWithoutAReader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	must(t, syscall.Mkfifo(path, 0o600))
	file, s, _ := openTestLog(t, path, false)
	fmt.Fprintln(s, "a line")
	if !s.close() {
		t.Error("it waits for a reader")
	}
	must(t, file.close())
}

func TestCommandFailsIfItsOutputCannotBeWritten(t *testing.T) {
	for fail, want := range map[error]int{errors.New("no space left"): exitFailure, syscall.EPIPE: exitClean, nil: exitClean} {
		o := newOutside(t, nil)
		o.Stdout = &target{fail: fail}
		if code := exits(t, o.run("version"), o); code != want {
			t.Errorf("with %v: exit code %d, want %d", fail, code, want)
		}
	}
}
