package ops

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// started is a program that runs until the test ends.
type started struct {
	log    string
	exited chan struct{}
}

// start runs a program whose log is kept in a file. When the test ends, it ends the program with a signal.
func start(t *testing.T, end syscall.Signal, env []string, path string, arguments ...string) *started {
	t.Helper()
	p := &started{log: filepath.Join(t.TempDir(), "log"), exited: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	command := exec.Command(path, arguments...)
	command.Dir, command.Env = t.TempDir(), append(os.Environ(), env...)
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.exited)
		_ = command.Wait() // until looks whether the process still runs
	}()
	t.Cleanup(func() {
		_ = command.Process.Signal(end) // it may have ended already
		select {
		case <-p.exited:
		case <-time.After(30 * time.Second):
			t.Errorf("%s does not end", path)
			_ = command.Process.Kill()
			<-p.exited
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", path, content(t, p.log))
		}
	})
	return p
}

// freeAddress is a loopback address on which nothing listens. The port is below those that the system chooses for connections, so none of them
// takes it before the process listens. Package loopback does the same, but this module does not import the other one.
func freeAddress(t *testing.T) string {
	t.Helper()
	const first, last = 20_000, 29_000
	for range 100 {
		if listener, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", first+rand.IntN(last-first))); err == nil {
			defer listener.Close()
			return listener.Addr().String()
		}
	}
	t.Fatal("no port is free")
	return ""
}

// until waits for a condition, as long as some processes run.
func until(t *testing.T, what string, of []*started, condition func() bool) {
	t.Helper()
	const patience, often = time.Minute, 100 * time.Millisecond
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(often) {
		for _, p := range of {
			select {
			case <-p.exited:
				t.Fatalf("a process ended while this was waited for: %s", what)
			default:
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %s it is still waited for: %s", patience, what)
		}
	}
}
