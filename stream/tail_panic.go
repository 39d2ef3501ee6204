package stream

import (
	"fmt"
	"runtime/debug"
	"time"
)

// safely does a step of reading, and makes an error of a panic: the process, and the detector with it,
// goes on. The listener may hold something half changed, so it is told to begin anew.
func (t *tail) safely(do func() error) (err error) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		if t.caught {
			t.panics = 0 // it has come this far, so it is another one
		}
		t.panics++
		t.broken = true
		err = fmt.Errorf("panic in the reader of topic %s, which begins anew: %v", t.config.InputTopic, cause)
		t.config.Log.Error("panic", "in", "the reader of topic "+t.config.InputTopic, "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
	}()
	return do()
}

// wait is how long to wait before reading begins again. A record that makes the reader panic does so
// again each time, so the wait after a panic doubles.
func (t *tail) wait(failures int) time.Duration {
	wait := t.config.backoff(failures)
	if t.broken {
		wait <<= min(t.panics, 5)
	}
	return wait
}
