package actors

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"testing/synctest"

	"anomalydetector/messages"
)

// TestTimestampOfTheFutureIsToldOnce: it is ahead of the clock, and far from stream time.
// If the whole stream is ahead, only the clock is spoken of.
func TestTimestampOfTheFutureIsToldOnce(t *testing.T) {
	var lines strings.Builder
	config := benchConfig()
	config.Log = slog.New(slog.NewTextHandler(&lines, nil))
	now := time.UnixMilli(benchHistory.Milliseconds())
	config.Now = func() time.Time { return now }
	b := newBench(t, config)
	for range 2 * int(benchHistory/benchGranularity) {
		now = time.UnixMilli(b.at)
		b.score(t, b.bin(9))
	}
	future := now.Add(1000 * time.Hour)
	tally := b.score(t, append(b.bin(9), b.outlier(3, future.UnixMilli()))).Tally
	if warnings := strings.Count(lines.String(), "level=WARN"); warnings != 1 || tally.Early != 1 ||
		!strings.Contains(lines.String(), "far from stream time") || !strings.Contains(lines.String(), " clock=") {
		t.Errorf("%d warnings, %d timestamps are counted as early:\n%s", warnings, tally.Early, &lines)
	}
	lines.Reset()
	now = now.Add(-48 * time.Hour)
	b.score(t, b.bin(9))
	if text := lines.String(); strings.Count(text, "level=WARN") != 1 || !strings.Contains(text, "ahead of the clock") {
		t.Errorf("of a clock that is wrong it says\n%s", text)
	}
}

// TestFirstSummaryComesSoon after the first records, then one comes each minute.
func TestFirstSummaryComesSoon(t *testing.T) {
	var lines strings.Builder
	log := slog.New(slog.NewTextHandler(&lines, nil))
	var s summary
	begin := time.UnixMilli(0)
	s.begin(begin)
	var told []int
	var totals Totals
	for second := range 200 {
		if second == 10 {
			totals.Records, totals.Points = 7, 7
		}
		before := lines.Len()
		if s.tell(log, begin.Add(time.Duration(second)*time.Second), &totals, nil); lines.Len() > before {
			told = append(told, second)
		}
	}
	if len(told) != 4 || told[0] != 15 || told[1] != 75 || told[2] != 135 || told[3] != 195 {
		t.Errorf("summaries come at %v, want 15, 75, 135 and 195 s", told)
	}
}

// TestProgressIsToldEachSecond, with the lag and what was committed.
func TestProgressIsToldEachSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		session, config, _, ended := hanging()
		var lags []int64
		config.OnProgress = func(p Progress) { lags = append(lags, p.Lag) }
		system := systemInBubble(t)
		pid := system.Root.Spawn(DetectorProps(config))
		time.Sleep(20 * time.Second)
		close(session.released)
		system.Root.Send(pid, &messages.Stop{Reason: "test"})
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if len(lags) < 20 || lags[len(lags)-1] != 1 {
			t.Errorf("told are the lags %v, want 1 in the end: 3 records, of which 2 are behind an open transaction", lags)
		}
	})
}
