package actors

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"anomalydetector/messages"
	"anomalydetector/stream"
)

// unacknowledged is a session whose writes are not acknowledged until it is released. It
// also observes the error that its client meets meanwhile.
type unacknowledged struct {
	narrow
	released chan struct{}
	closed   atomic.Bool
	blind    bool // looks panic
}

func (u *unacknowledged) Flush(context.Context) error {
	<-u.released
	return nil
}

func (u *unacknowledged) Close(bool) { u.closed.Store(true) }

func (u *unacknowledged) Attend(bool)     {}
func (u *unacknowledged) Out() bool       { return false }
func (u *unacknowledged) Written() uint64 { return 0 }

func (u *unacknowledged) Last(since time.Time, of ...stream.Activity) (stream.Trouble, bool) {
	return stream.Trouble{At: time.Now(), Name: "NOT_ENOUGH_REPLICAS", Text: "NOT_ENOUGH_REPLICAS: too few"}, true
}

func (u *unacknowledged) Look(context.Context, map[int32]int64) (map[int32]stream.Ends, error) {
	if u.blind {
		panic("poison")
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	// The last two records are behind an open transaction, before them is a marker.
	return map[int32]stream.Ends{0: {End: int64(u.records) + 3, Stable: int64(u.records) + 1}}, nil
}

// hanging is a detector whose broker acknowledges nothing.
func hanging() (session *unacknowledged, config *Config, log func() string, ended chan error) {
	session = &unacknowledged{narrow: narrow{records: 20, finished: make(chan struct{})}, released: make(chan struct{})}
	var mu sync.Mutex
	var text bytes.Buffer
	config = benchConfig()
	config.Now, config.WriteWithin = time.Now, time.Minute
	config.Log = slog.New(slog.NewTextHandler(writerFunc(func(b []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return text.Write(b)
	}), nil))
	config.CommitInterval, config.Batch, config.Backoff = time.Second, DefaultBatch, time.Second
	config.OnProgress = func(Progress) {}
	ended = make(chan error, 1)
	config.OnEnd = func(err error) { ended <- err }
	config.Open = func(context.Context) (Session, error) { return session, nil }
	config.Observer = session
	return session, config, func() string {
		mu.Lock()
		defer mu.Unlock()
		return text.String()
	}, ended
}

// TestStopThatTakesTooLongIsToldAndEnds even if nobody waits for it, such as at the end of
// a job's duration while the broker hangs.
func TestStopThatTakesTooLongIsToldAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		session, config, log, ended := hanging()
		defer close(session.released)
		config.StopWithin = 25 * time.Second
		system := systemInBubble(t)
		pid := system.Root.Spawn(DetectorProps(config))
		time.Sleep(5 * time.Second)
		begun := time.Now()
		system.Root.Send(pid, &messages.Stop{Reason: "the job's duration is over"})
		time.Sleep(20 * time.Second)
		if !strings.Contains(log(), "the detector stands still") {
			t.Errorf("nothing is said of a stop that takes 20 s:\n%s", log())
		}
		time.Sleep(10 * time.Second)
		select {
		case err := <-ended:
			if err == nil || !strings.Contains(err.Error(), "took longer than 25s, waiting for the broker to acknowledge") {
				t.Errorf("it ended with %v", err)
			}
		default:
			t.Errorf("it has not ended after %s", time.Since(begun))
		}
		if !session.closed.Load() {
			t.Error("its session is open")
		}
	})
}

// TestStandstillIsInTheStatusAndSummariesGoOn while the step is blocked.
func TestStandstillIsInTheStatusAndSummariesGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		session, config, text, ended := hanging()
		system := systemInBubble(t)
		pid := system.Root.Spawn(DetectorProps(config))
		ask := func() messages.DetectorStatus {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			status, err := AskStatus(ctx, system.Root, pid)
			if err != nil {
				t.Fatal(err)
			}
			return status
		}
		time.Sleep(5 * time.Second)
		if status := ask(); len(status.Standstills) > 0 || status.Problem != "" {
			t.Errorf("too early: %+v", status)
		}
		time.Sleep(130 * time.Second)
		status := ask()
		if len(status.Standstills) != 1 || !strings.Contains(status.Problem, "NOT_ENOUGH_REPLICAS") {
			t.Fatalf("%+v", status)
		}
		if s := status.Standstills[0]; !strings.Contains(s.WaitingFor, "acknowledge") || s.WhatToDo == "" || time.Since(s.Since) < 130*time.Second {
			t.Errorf("%+v", s)
		}
		if p := status.Partitions[0]; p.Lag != 3 || p.Behind != 2 {
			t.Errorf("a lag of %d, %d behind an open transaction; want 3 and 2", p.Lag, p.Behind)
		}
		if n := strings.Count(text(), "msg=summary"); n != 2 || !strings.Contains(text(), "lag=3 behind_open_transactions=2") {
			t.Errorf("%d summaries in two minutes:\n%s", n, text())
		}
		close(session.released)
		time.Sleep(5 * time.Second)
		if status := ask(); len(status.Standstills) > 0 || status.Problem != "" {
			t.Errorf("it moves, and its status is %+v", status)
		}
		system.Root.Send(pid, &messages.Stop{Reason: "test"})
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestLookThatPanicsIsToldAndAskedAgain: the process goes on.
func TestLookThatPanicsIsToldAndAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		session, config, log, ended := hanging()
		session.blind = true
		close(session.released)
		system := systemInBubble(t)
		pid := system.Root.Spawn(DetectorProps(config))
		time.Sleep(3*lookEvery + lookEvery/2)
		if n := strings.Count(log(), "msg=panic"); n != 4 || config.Counts.Panics.Load() != 4 {
			t.Errorf("%d panics were told in four looks, %d counted:\n%s", n, config.Counts.Panics.Load(), log())
		}
		system.Root.Send(pid, &messages.Stop{Reason: "test"})
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// TestLagAfterAnAbortIsOfWhatIsCommitted: records of the aborted transaction count as not
// read.
func TestLagAfterAnAbortIsOfWhatIsCommitted(t *testing.T) {
	var e extent
	lag := func() int64 { all, _ := e.lag(); return all }
	e = extent{next: 20, settled: 10, end: 25}
	if lag() != 5 {
		t.Errorf("while the transaction runs it is %d, want 5", lag())
	}
	e.unsettle()
	if lag() != 15 {
		t.Errorf("after the abort it is %d, want 15", lag())
	}
	e.next = 20
	e.settle()
	e.unsettle()
	if lag() != 5 {
		t.Errorf("after a commit, and an abort of nothing, it is %d, want 5", lag())
	}
}
