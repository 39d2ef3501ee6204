package bootstrap

import (
	"errors"
	"os"
	"syscall"
	"testing"
	"time"
)

// TestFirstSignalAfterAFailureIsAGentleStop: the failure of another detector does not count as a
// request to stop.
func TestFirstSignalAfterAFailureIsAGentleStop(t *testing.T) {
	results, signals := make(chan error), make(chan os.Signal)
	now := time.Unix(1_800_000_000, 0)
	stops := 0
	w := &waiting{
		requests: &requests{now: func() time.Time { now = now.Add(time.Minute); return now }, signals: signals},
		results:  results, running: 2,
		stopAll: func(string, bool) { stops++ },
	}
	ended := make(chan error, 1)
	go func() { ended <- w.await() }()
	results <- errors.New("it has failed")
	signals <- syscall.SIGTERM
	select {
	case results <- nil:
	case err := <-ended:
		t.Fatalf("the first signal ends it at once: %v", err)
	}
	if err := <-ended; !errors.Is(err, errTold) || stops != 1 {
		t.Errorf("it ends with %v after %d stops", err, stops)
	}
}
