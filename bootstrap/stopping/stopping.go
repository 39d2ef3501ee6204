// Package stopping takes the process's signals from its first moments on: packages
// that need little are initialised first, in the order of their paths, so this one
// before the libraries. Until then a SIGTERM ends the process with an error.
package stopping

import (
	"os"
	"os/signal"
	"syscall"
)

// Nohup is whether the process was started to outlive its terminal, as by nohup.
// It is looked at before SIGHUP is taken.
var Nohup = signal.Ignored(syscall.SIGHUP)

// Requests are SIGINT and SIGTERM.
var Requests = take(3, os.Interrupt, syscall.SIGTERM)

// Hangups are SIGHUP. One that waits stands for all that come meanwhile.
var Hangups = take(1, syscall.SIGHUP)

// A SIGPIPE is taken and never looked at, so that a write that nobody reads fails
// instead of ending the process. signal.Ignore would not do: Release could not undo it.
var _ = take(1, syscall.SIGPIPE)

func take(waiting int, signals ...os.Signal) <-chan os.Signal {
	taken := make(chan os.Signal, waiting)
	signal.Notify(taken, signals...)
	return taken
}

// Release lets all of them end the process again, for commands that look at no
// signals.
func Release() {
	signal.Reset(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
}
