package bootstrap

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"anomalydetector/actors"
)

// progressOf tells a progress of states, a second apart, and returns what is in the log
// without times, and on the terminal if there is one.
func progressOf(terminal bool, states ...actors.Progress) (log, shown string) {
	var lines, bar bytes.Buffer
	now := time.UnixMilli(0)
	p := &progress{name: "d", now: func() time.Time { return now }, log: slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
				return slog.Attr{}
			}
			return a
		}}))}
	if terminal {
		p.screen = &screen{out: &bar}
	}
	for _, state := range states {
		p.tell(state)
		now = now.Add(time.Second)
	}
	return lines.String(), bar.String()
}

func TestProgressIsToldEveryFewSecondsWithRateAndETA(t *testing.T) {
	var states []actors.Progress
	for second := range int64(11) {
		states = append(states, actors.Progress{Done: second * 100, Pending: 1000 - second*100, Replaying: 1})
	}
	log, _ := progressOf(false, append(states, actors.Progress{Done: 1000, Entities: 7})...)
	if want := `msg="replaying history" records=500 of=1000 percent=50 records_per_second=100 eta=5s
msg="replaying history" records=1000 of=1000 percent=100 records_per_second=100 eta=0s
msg="history replayed" records=1000 entities=7 seconds=11.0
`; log != want {
		t.Errorf("the log is\n%swant\n%s", log, want)
	}
}

func TestProgressIsABarOnATerminal(t *testing.T) {
	log, bar := progressOf(true, actors.Progress{Pending: 100, Replaying: 1}, actors.Progress{Done: 50, Pending: 50, Replaying: 1}, actors.Progress{Done: 100})
	if want := "\r\x1b[Kd: replaying history [==========          ] 50 %, 50 records/s, 1s left\r\x1b[K"; bar != want {
		t.Errorf("the terminal shows %q, want %q", bar, want)
	}
	if want := "msg=\"history replayed\" records=100 entities=0 seconds=2.0\n"; log != want {
		t.Errorf("the log is %q, want %q", log, want)
	}
}

// TestCatchingUpIsTold like a replay, if the lag lasts.
func TestCatchingUpIsTold(t *testing.T) {
	behind := func(lags ...int64) (states []actors.Progress) {
		for i, lag := range lags {
			states = append(states, actors.Progress{Lag: lag, Records: int64(i) * 30_000})
		}
		return states
	}
	states := behind(100_000, 90_000, 80_000, 70_000, 60_000, 50_000, 40_000, 30_000, 20_000, 9_999, 0, 20_000, 0)
	log, _ := progressOf(false, states...)
	if want := `msg="catching up with the topic" records=90000 lag=70000 percent=56 records_per_second=30000 eta=7s
msg="catching up with the topic" records=240000 lag=20000 percent=92 records_per_second=30000 eta=2s
msg="caught up with the topic" records=270000 seconds=9.0
`; log != want {
		t.Errorf("the log is\n%swant\n%s", log, want)
	}
	_, bar := progressOf(true, states[:5]...)
	if want := "\r\x1b[Kd: catching up [===========         ] 56 %, 30000 records/s, 7s left" +
		"\r\x1b[Kd: catching up [=============       ] 66 %, 30000 records/s, 6s left"; bar != want {
		t.Errorf("the terminal shows %q, want %q", bar, want)
	}
	_, bar = progressOf(true, behind(10_000, 20_000, 30_000, 40_000)...)
	if want := "\r\x1b[Kd: catching up [=============       ] 69 %, 30000 records/s, the lag grows"; bar != want {
		t.Errorf("the terminal shows %q, want %q", bar, want)
	}
	if log, bar = progressOf(true, behind(0, 60_000, 30_000, 0, 60_000, 0)...); log+bar != "" {
		t.Errorf("of bins that come at once it tells %q, %q", log, bar)
	}
}

// TestLinesDoNotRunIntoTheBar, and a second one waits for its place.
func TestLinesDoNotRunIntoTheBar(t *testing.T) {
	var out bytes.Buffer
	s := &screen{out: &out}
	s.Write([]byte("one\n"))
	s.draw("a", "[=  ]")
	s.draw("b", "[   ]")
	s.Write([]byte("two\n"))
	s.clear("b")
	s.clear("a")
	s.draw("b", "[== ]")
	s.clear("b")
	s.Write([]byte("three\n"))
	want := "one\n" + wipe + "[=  ]" + wipe + "two\n[=  ]" + wipe + wipe + "[== ]" + wipe + "three\n"
	if out.String() != want {
		t.Errorf("it shows %q, want %q", out.String(), want)
	}
}

func TestBarFitsIntoALine(t *testing.T) {
	var out bytes.Buffer
	p := &progress{name: strings.Repeat("ä", 100), screen: &screen{out: &out}}
	p.draw("catching up", 100, 1e12, "unknown left")
	if got := []rune(strings.TrimPrefix(out.String(), wipe)); len(got) != mostBar {
		t.Errorf("it has %d letters: %s", len(got), string(got))
	}
}
