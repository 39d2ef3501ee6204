// Package stopping takes the requests to stop from the first moments of the process
// on: packages that need little are initialised first, in the order of their paths,
// so this one before the libraries. Until then a SIGTERM ends the process with an
// error.
package stopping

import (
	"os"
	"os/signal"
	"syscall"
)

// Requests are SIGINT and SIGTERM.
var Requests = take()

func take() <-chan os.Signal {
	requests := make(chan os.Signal, 3)
	signal.Notify(requests, os.Interrupt, syscall.SIGTERM)
	return requests
}

// Release lets them end the process again, where nobody listens to Requests.
func Release() { signal.Reset(os.Interrupt, syscall.SIGTERM) }
