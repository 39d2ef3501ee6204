package bootstrap

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"anomalydetector/actors"
	"anomalydetector/messages"
)

// newAnnouncer makes an announcer with a clock that the test sets, and without a goroutine.
func newAnnouncer(out *bytes.Buffer, log *slog.Logger) (*announcer, *time.Time) {
	now := time.UnixMilli(0)
	a := &announcer{out: out, now: func() time.Time { return now }, logs: map[string]*slog.Logger{"d": log},
		shown: make(map[string]*announced), watcher: new(actors.Hub).Watch(1)}
	return a, &now
}

func anomaliesOf(count int) (findings []messages.Finding) {
	for i := range count {
		findings = append(findings, messages.Finding{Entity: "-1,64510", At: time.Date(2026, 1, 3, 12, 15, 0, 0, time.UTC),
			Value: 0.5 + float64(i)/10, Usual: 0.25, Scale: 0.01, Deviation: float64(5 + i)})
	}
	return findings
}

// TestAnomaliesAreLinesOnATerminal, the largest deviation first. Of many in a short time it shows
// announceMost, and the count of the others.
func TestAnomaliesAreLinesOnATerminal(t *testing.T) {
	var out, log bytes.Buffer
	a, now := newAnnouncer(&out, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	a.take(actors.Event{Detector: "d", Findings: anomaliesOf(2)})
	a.take(actors.Event{Detector: "d", Report: &actors.Report{}}) // no anomaly
	if want := `d: 2026-01-03 12:15 UTC  -1,64510  0.6, usual 0.25, deviation +6.0
d: 2026-01-03 12:15 UTC  -1,64510  0.5, usual 0.25, deviation +5.0
`; out.String() != want {
		t.Errorf("the terminal shows\n%swant\n%s", &out, want)
	}
	a.take(actors.Event{Detector: "d", Findings: anomaliesOf(100)})
	if lines := strings.Count(out.String(), "\n"); lines != announceMost {
		t.Errorf("%d lines are shown, want %d", lines, announceMost)
	}
	out.Reset()
	*now = now.Add(announceEvery - 1)
	a.hidden(false)
	if out.Len() > 0 {
		t.Errorf("too early it says %s", &out)
	}
	*now = now.Add(1)
	a.hidden(false)
	a.hidden(false)
	a.take(actors.Event{Detector: "d", Findings: anomaliesOf(1)})
	if want := `d: 82 more anomalies in 10s are not shown, deviation up to +86.0
d: 2026-01-03 12:15 UTC  -1,64510  0.5, usual 0.25, deviation +5.0
`; out.String() != want {
		t.Errorf("then the terminal shows\n%swant\n%s", &out, want)
	}
	if lines := strings.Count(log.String(), `level=DEBUG msg=anomaly entity=-1,64510 time=2026-01-03T12:15:00.000Z value=`); lines != 103 {
		t.Errorf("the log has %d of 103 anomalies:\n%.300s", lines, &log)
	}
}

// TestAnomaliesThatASlowTerminalMissesAreCounted there and in the log.
func TestAnomaliesThatASlowTerminalMissesAreCounted(t *testing.T) {
	var out, log bytes.Buffer
	a, _ := newAnnouncer(&out, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	for range 2 { // with a terminal, and without one
		a.lost = -3 // as if the watcher had lost three
		a.hidden(false)
		a.hidden(false)
		a.out = nil
	}
	if want := "3 more anomalies and changes of state came too fast to be shown\n"; out.String() != want {
		t.Errorf("it says %q, want %q", &out, want)
	}
	if count := strings.Count(log.String(), `level=DEBUG msg="anomalies and changes of state came too fast to be logged" lost=3`); count != 2 {
		t.Errorf("it is logged %d times, want 2:\n%s", count, &log)
	}
}

func TestHubIsNotWatchedWithoutATerminalOrADebugLog(t *testing.T) {
	var none *actors.Hub // watching it would panic
	end := announce(none, nil, time.Now, map[string]*slog.Logger{"d": slog.New(slog.NewTextHandler(new(bytes.Buffer), nil))}).end
	must(t, end())
}

// TestLineOfTheProcessNamesItsDetectors, unless it names one itself.
func TestLineOfTheProcessNamesItsDetectors(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(naming{slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}), "a,b"})
	log.Info("one", "x", 1)
	log.With("y", 2).WarnContext(context.Background(), "two", "error", errors.New("no"))
	log.Info("three", "detector", "a")
	log.With("detector", "b").Info("four", "x", 1)
	if want := `level=INFO msg=one x=1 detector=a,b
level=WARN msg=two y=2 error=no detector=a,b
level=INFO msg=three detector=a
level=INFO msg=four detector=b x=1
`; out.String() != want {
		t.Errorf("it logs\n%swant\n%s", &out, want)
	}
}

// TestTerminalShowsAnomaliesUnlessQuiet. The first lines name the topics in both cases.
func TestTerminalShowsAnomaliesUnlessQuiet(t *testing.T) {
	const name = "hegemony_mean"
	for _, quiet := range []bool{false, true} {
		b := newBroker(t, name)
		dir := t.TempDir()
		o := newOutside(t, map[string]string{"KAFKA_HOST": b.address(), "DETECTOR_DATA_DIR": dir, "NO_COLOR": "1"})
		o.Terminal = true
		arguments := []string{b.conf(t, dir, name, "")}
		if quiet {
			arguments = append(arguments, "--quiet")
		}
		exit := o.run(arguments...)
		b.untilRead(t, name)
		o.stop(t, exit)
		text := o.output.String()
		if shown := strings.Contains(text, "\n"+name+": 20"); shown == quiet {
			t.Errorf("quiet: %v, anomalies are shown: %v:\n%s", quiet, shown, text)
		}
		if !strings.Contains(text, "detector starts detector="+name+" version=") || !strings.Contains(text, "output_topic="+name+".out page=off\n") || strings.Contains(text, "detection.threshold") {
			t.Errorf("it does not start with what is watched:\n%.500s", text)
		}
	}
}
