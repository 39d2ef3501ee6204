package bootstrap

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"
	"time"
)

// watchedOutput remembers that a write to standard output failed, so that the command does not exit
// with 0 as if its output had been read.
type watchedOutput struct {
	out       io.Writer
	onFailure func() // called once, at the first failure; nil: nothing
	mu        sync.Mutex
	first     error
}

func (o *watchedOutput) Write(text []byte) (int, error) {
	written, err := o.out.Write(text)
	o.mu.Lock()
	fails := err != nil && o.first == nil
	if fails {
		o.first = err
	}
	o.mu.Unlock()
	if fails && o.onFailure != nil {
		o.onFailure()
	}
	return written, err
}

// failure is the first error of a write. A closed pipe is no failure: its reader, such as head, has
// read what it wanted.
func (o *watchedOutput) failure() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.first == nil || errors.Is(o.first, syscall.EPIPE) {
		return nil
	}
	return fmt.Errorf("write to standard output: %w", o.first)
}

// utc prints a time, in UTC.
func utc(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }
