package notify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync/atomic"
	"time"

	"anomalydetector/notify/alerts"
)

// The wait after a failure doubles with each one in a row, up to backoffMost.
const (
	backoffLeast = time.Second
	backoffMost  = time.Minute
)

// logRefusedEach is how often refused alerts are logged.
const logRefusedEach = time.Hour

// errRefused is in the error for alerts that an Alertmanager will not take, however often they are sent.
var errRefused = errors.New("refused")

// sender tells one Alertmanager. One goroutine runs it.
type sender struct {
	notifier *Notifier
	to       int // its number in the set
	name     string
	url      string
	wake     chan struct{} // there may be news

	sent, errors, refused atomic.Int64 // alerts

	failures int       // in a row
	since    time.Time // of the first of them
	logged   time.Time // when refused alerts were logged last
}

func (s *sender) run(ctx context.Context) {
	n := s.notifier
	for ctx.Err() == nil {
		n.mu.Lock()
		batch, wait := n.set.Next(s.to, batchMost, n.config.Now())
		n.mu.Unlock()
		if len(batch) == 0 {
			rest(ctx, wait, s.wake)
			continue
		}
		err := s.safely(ctx, batch)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !errors.Is(err, errRefused) {
			s.failed(err, len(batch))
			rest(ctx, s.backoff(), nil)
			continue
		}
		n.mu.Lock()
		n.set.Sent(s.to, batch, n.config.Now())
		n.mu.Unlock()
		s.taken(err, len(batch))
	}
}

// rest waits for a time, or until it is woken.
func rest(ctx context.Context, length time.Duration, wake <-chan struct{}) {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-wake:
	}
}

// safely sends, and turns a panic into a refusal: the detector goes on, and so do other alerts.
func (s *sender) safely(ctx context.Context, batch []alerts.Sending) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			s.notifier.config.Log.Error("panic", "in", "the sender of alerts", "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
			err = fmt.Errorf("%w: panic: %v", errRefused, cause)
		}
	}()
	return s.send(ctx, batch)
}

// failed notes that an Alertmanager does not take what was sent. It is logged once.
func (s *sender) failed(err error, count int) {
	s.errors.Add(int64(count))
	if s.failures++; s.failures == 1 {
		s.since = s.notifier.config.Now()
		s.notifier.config.Log.Warn("an Alertmanager takes no alerts; it is tried again until it does", "alertmanager", s.name, "error", err)
	}
}

// taken notes that an Alertmanager has answered. It may have refused some of the alerts.
func (s *sender) taken(refusal error, count int) {
	config := &s.notifier.config
	if s.failures > 0 {
		config.Log.Info("the Alertmanager takes alerts again", "alertmanager", s.name, "after", config.Now().Sub(s.since).Round(time.Second), "failures", s.failures)
		s.failures = 0
	}
	if refusal == nil {
		s.sent.Add(int64(count))
		return
	}
	s.errors.Add(int64(count))
	s.refused.Add(int64(count))
	if now := config.Now(); s.logged.IsZero() || now.Sub(s.logged) >= logRefusedEach {
		s.logged = now
		config.Log.Warn("an Alertmanager has refused alerts; the next refusal is logged in an hour at the earliest", "alertmanager", s.name, "alerts", count, "error", refusal)
	}
}

// backoff is how long to wait after failures: half of it is by chance, so that processes do not come together.
func (s *sender) backoff() time.Duration {
	most := min(backoffLeast<<min(s.failures-1, 10), backoffMost)
	return most/2 + rand.N(most/2)
}
