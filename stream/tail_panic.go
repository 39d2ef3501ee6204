package stream

import (
	"fmt"
	"runtime/debug"
	"time"
)

// safely runs a step of reading and turns a panic into an error, so that the process and the detector go on.
// The panic may have left the listener's state half changed, so the listener is told to begin anew.
func (t *tail) safely(do func() error) (err error) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		if t.caught {
			t.panics = 0 // the end was reached since the last panic, so this is another one
		}
		t.panics++
		t.broken = true
		err = fmt.Errorf("panic in the reader of topic %s, which begins anew: %v", t.config.InputTopic, cause)
		t.config.Log.Error("panic", "in", "the reader of topic "+t.config.InputTopic, "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
	}()
	return do()
}

// wait is how long to wait before reading begins again. A record that makes the reader panic does so each
// time, so the wait doubles with each panic.
func (t *tail) wait(failures int) time.Duration {
	wait := t.config.backoff(failures)
	if t.broken {
		wait <<= min(t.panics, 5)
	}
	return wait
}
