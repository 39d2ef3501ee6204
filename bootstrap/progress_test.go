package bootstrap

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"anomalydetector/actors"
)

func TestProgressIsToldEveryFewSecondsWithRateAndETA(t *testing.T) {
	var log bytes.Buffer
	now := time.UnixMilli(0)
	p := &progress{log: slog.New(slog.NewTextHandler(&log, nil)), now: func() time.Time { return now }}
	for second := range 11 {
		now = time.UnixMilli(int64(second) * 1000)
		p.tell(actors.Progress{Done: int64(second) * 100, Pending: 1000 - int64(second)*100, Loading: 1})
	}
	p.tell(actors.Progress{Done: 1000, Entities: 7})
	said := log.String()
	if got := strings.Count(said, "loading history"); got != 2 {
		t.Errorf("told %d times in 10 s, want twice", got)
	}
	for _, want := range []string{"records=500", "of=1000", "percent=50", "records_per_second=100", "eta=5s", "history loaded", "entities=7"} {
		if !strings.Contains(said, want) {
			t.Errorf("the log has no %s:\n%s", want, said)
		}
	}
}

func TestProgressIsABarOnATerminal(t *testing.T) {
	var log, bar bytes.Buffer
	now := time.UnixMilli(0)
	p := &progress{log: slog.New(slog.NewTextHandler(&log, nil)), bar: &bar, now: func() time.Time { return now }}
	p.tell(actors.Progress{Pending: 100, Loading: 1})
	now = now.Add(time.Second)
	p.tell(actors.Progress{Done: 50, Pending: 50, Loading: 1})
	p.tell(actors.Progress{Done: 100})
	if got := bar.String(); !strings.Contains(got, "[===============               ]  50 %  50 records/s  1s left") || !strings.HasSuffix(got, "\n") {
		t.Errorf("the bar is %q", got)
	}
	if strings.Contains(log.String(), "loading") {
		t.Error("the log tells it, too")
	}
}
