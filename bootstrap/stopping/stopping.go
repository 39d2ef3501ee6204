// Package stopping takes over the signals of the process as early as possible. Go initialises packages
// without dependencies first, in the order of their paths, so this one comes before the libraries.
// A SIGTERM before that ends the process with an error. The package imports nothing of ours and does
// nothing else; package bootstrap reads the signals.
package stopping

import (
	"os"
	"os/signal"
	"syscall"
)

// Nohup tells whether the process was started to outlive its terminal, as nohup(1) does. It is set
// before SIGHUP is taken over.
var Nohup = signal.Ignored(syscall.SIGHUP)

// Requests receives SIGINT and SIGTERM.
var Requests = take(3, os.Interrupt, syscall.SIGTERM)

// Hangups receives SIGHUP. One that waits stands for all that come meanwhile.
var Hangups = take(1, syscall.SIGHUP)

// SIGPIPE is taken over and never read, so that a write to a closed pipe returns an error instead of
// ending the process. signal.Ignore would not do, because Release could not undo it.
var _ = take(1, syscall.SIGPIPE)

func take(waiting int, signals ...os.Signal) <-chan os.Signal {
	taken := make(chan os.Signal, waiting)
	signal.Notify(taken, signals...)
	return taken
}

// Release makes all these signals end the process again. Commands call it that read no signals.
func Release() {
	signal.Reset(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
}
