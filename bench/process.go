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

// program is a command to start.
type program struct {
	name      string
	command   []string
	env       []string // in addition to ours
	dir       string   // its working directory; its log is there, too
	countsOut bool     // it prints its progress: see workCommand
	ownOutput bool     // its stdout goes to a file beside the log
}

// process is a started program. The end of the context that it was started with kills it.
type process struct {
	program
	command *exec.Cmd
	began   time.Time
	input   io.Closer // ends a workCommand
	output  *counter
	exited  chan struct{}
	logged  int   // length of the log before the start
	written int64 // bytes written to the disk by its whole life; set when exited is closed
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
	if p.ownOutput {
		output, err := os.Create(p.outputFile())
		if err != nil {
			return nil, err
		}
		defer output.Close()
		command.Stdout = output
	}
	child.began = time.Now()
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	go func() {
		// /proc keeps the numbers of an exited process until Wait.
		_ = unix.Waitid(unix.P_PID, command.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		child.written = readWritten(command.Process.Pid)
		_ = command.Wait() // the exit code says nothing new: it was killed, or its log says why
		close(child.exited)
	}()
	return child, nil
}

// gcLine is a Go program's line about a collection, with GODEBUG=gctrace=1.
var gcLine = regexp.MustCompile(`(?m)^gc \d+ @[0-9.]+s (\d+)%`)

// collected is the share of the processor time since the program's start that its
// collector took, in percent, by the last of these lines. It is 0 without one.
func collected(log string) int {
	lines := gcLine.FindAllStringSubmatch(log, -1)
	if len(lines) == 0 {
		return 0
	}
	percent, _ := strconv.Atoi(lines[len(lines)-1][1]) // the expression admits digits only
	return percent
}

func (p program) log() string        { return filepath.Join(p.dir, "log") }
func (p program) outputFile() string { return filepath.Join(p.dir, "output") }

// said is this process's part of the log.
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

// ended is the first process that has exited, or nil.
func ended(processes []*process) *process {
	for _, p := range processes {
		if !p.running() {
			return p
		}
	}
	return nil
}

// failed is the error of a process that has ended too early, with its last log lines.
func (p *process) failed() error {
	said := p.said()
	const enough = 2000
	if len(said) > enough {
		said = "..." + said[len(said)-enough:]
	}
	return fmt.Errorf("%s ended too early: %v\n%s", p.name, p.command.ProcessState, strings.TrimSpace(said))
}

// kill sends SIGKILL, and waits.
func (p *process) kill() {
	_ = p.command.Process.Kill() // it may have ended
	<-p.exited
}

// end asks the process to end, a detector by SIGTERM, and does not wait.
func (p *process) end() {
	if p.input != nil {
		p.input.Close()
	} else {
		_ = p.command.Process.Signal(syscall.SIGTERM) // it may have ended
	}
}

// stop asks the process to end, and kills it if that takes too long.
func (p *process) stop() {
	p.end()
	select {
	case <-p.exited:
	case <-time.After(30 * time.Second):
		p.kill()
	}
}

// alone gives a command a process group of its own. So Ctrl-C is sent to bench only, which
// stops its children in order. The end of the command's context kills the whole group.
func alone(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	command.WaitDelay = 5 * time.Second // a grandchild may hold its output open
}
