package actors

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"anomalydetector/messages"
)

// failing is a session that fails at once.
type failing struct{ narrow }

func (f *failing) Poll(context.Context, int) ([]messages.Slice, error) {
	return nil, errors.New("refused")
}

// TestPauseBetweenSessionsGrows until a session works.
func TestPauseBetweenSessionsGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := benchConfig()
		config.Now, config.Backoff = time.Now, time.Second
		config.OnProgress = func(Progress) {}
		ended := make(chan error, 1)
		config.OnEnd = func(err error) { ended <- err }
		var opened []time.Time
		config.Open = func(context.Context) (Session, error) {
			opened = append(opened, time.Now())
			return new(failing), nil
		}
		system := systemInBubble(t)
		pid := system.Root.Spawn(DetectorProps(config))
		time.Sleep(time.Minute - tickEvery/2)
		system.Root.Send(pid, &messages.Stop{Reason: "test"})
		<-ended
		for i, want := range []time.Duration{1, 2, 4, 8, 16, 16} {
			if i+1 >= len(opened) || opened[i+1].Sub(opened[i]) != want*time.Second {
				t.Fatalf("sessions were opened at %v; want pauses of 1, 2, 4, 8, 16, 16 s", opened)
			}
		}
	})
}
