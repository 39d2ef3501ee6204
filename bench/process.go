package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// program is what to start.
type program struct {
	name      string
	command   []string
	env       []string // in addition to ours
	dir       string   // its working directory; its log is there, too
	countsOut bool     // it prints its progress: see workCommand
}

// process is a program that runs. It is killed when the context it was started
// with ends.
type process struct {
	program
	command *exec.Cmd
	began   time.Time
	input   io.Closer // ends a workCommand
	output  *counter
	exited  chan struct{}
	logged  int   // bytes that were in the log before
	written int64 // bytes that it made go to the disk, its end included; once it has exited
}

func (p program) start(ctx context.Context) (*process, error) {
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(p.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	logged := len(content(p.log()))
	command := exec.CommandContext(ctx, p.command[0], p.command[1:]...)
	command.Dir, command.Env = p.dir, append(append(os.Environ(), "DETECTOR_HTTP=off"), p.env...)
	command.Stdout, command.Stderr = log, log
	alone(command)
	child := &process{program: p, command: command, logged: logged, exited: make(chan struct{})}
	if p.countsOut {
		child.output = &counter{}
		command.Stdout = child.output
		if child.input, err = command.StdinPipe(); err != nil {
			return nil, err
		}
	}
	child.began = time.Now()
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	go func() {
		// Its numbers are there until somebody waits for it.
		_ = unix.Waitid(unix.P_PID, command.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		child.written = readWritten(command.Process.Pid)
		_ = command.Wait() // what it exits with is not ours to judge: it was killed, or its log tells
		close(child.exited)
	}()
	return child, nil
}

// gcLine is what a Go program says of a collection with GODEBUG=gctrace=1.
var gcLine = regexp.MustCompile(`(?m)^gc \d+ @[0-9.]+s (\d+)%`)

// collected is the percentage of the processors' time since the program's start
// that its collector took, by the last of these lines; 0 if there is none.
func collected(log string) int {
	lines := gcLine.FindAllStringSubmatch(log, -1)
	if len(lines) == 0 {
		return 0
	}
	percent, _ := strconv.Atoi(lines[len(lines)-1][1]) // digits, by the expression
	return percent
}

func (p program) log() string { return filepath.Join(p.dir, "log") }

// said is what this process has printed.
func (p *process) said() string { return content(p.log())[p.logged:] }

func (p *process) usage() (usage, error) { return readUsage(p.command.Process.Pid) }

func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// ended is the first of some processes that does not run any more; nil: all do.
func ended(processes []*process) *process {
	for _, p := range processes {
		if !p.running() {
			return p
		}
	}
	return nil
}

// failed tells that the process has ended too early, and what it said last.
func (p *process) failed() error {
	said := p.said()
	const enough = 2000
	if len(said) > enough {
		said = "..." + said[len(said)-enough:]
	}
	return fmt.Errorf("%s ended too early: %v\n%s", p.name, p.command.ProcessState, strings.TrimSpace(said))
}

// kill is SIGKILL, and waits.
func (p *process) kill() {
	_ = p.command.Process.Kill() // it may have ended
	<-p.exited
}

// end asks it to end, and does not wait: SIGTERM, for a detector.
func (p *process) end() {
	if p.input != nil {
		p.input.Close()
	} else {
		_ = p.command.Process.Signal(syscall.SIGTERM) // it may have ended
	}
}

// stop ends it gently, and with SIGKILL if that does not help.
func (p *process) stop() {
	p.end()
	select {
	case <-p.exited:
	case <-time.After(30 * time.Second):
		p.kill()
	}
}

// alone gives a command a process group of its own, so that Ctrl-C is for us
// alone: we stop what we started, in order. The whole group is killed when the
// command's context ends.
func alone(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	command.WaitDelay = 5 * time.Second // for whoever holds on to its output
}
