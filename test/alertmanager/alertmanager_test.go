package alertmanager

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"anomalydetector/episode"
	"anomalydetector/notify"
)

// amtool belongs to Alertmanager. It sees the example as the page shows it.
func TestExampleIsOneThatAlertmanagerTakes(t *testing.T) {
	if os.Getenv("ALERTMANAGER") == "" {
		t.Skip("ALERTMANAGER is not set: run make test-alertmanager")
	}
	path := filepath.Join(t.TempDir(), "alertmanager.yml")
	must(t, os.WriteFile(path, []byte(example(t)), 0o644))
	tool, err := exec.LookPath("amtool")
	if err != nil {
		t.Skip("amtool is missing")
	}
	if said, err := exec.Command(tool, "check-config", path).CombinedOutput(); err != nil {
		t.Errorf("amtool: %v\n%s", err, said)
	}
	for labels, want := range map[string]string{
		"alertname=EntityAbsent detector=hegemonydetector":   "routing",
		"alertname=AnomalyEpisode detector=hegemonydetector": "routing",
		"alertname=PipelineGap detector=hegemonydetector":    "operators",
		"alertname=AnomalyDetectorDown":                      "operators",
	} {
		said, err := exec.Command(tool, append([]string{"config", "routes", "test", "--config.file=" + path}, strings.Fields(labels)...)...).Output()
		if err != nil || strings.TrimSpace(string(said)) != want {
			t.Errorf("%s goes to %s (%v), want %s", labels, said, err, want)
		}
	}
}

// 500 scopes lose the same provider, and two lose another one.
func TestLostTransitProviderIsOneMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.detector()
	d.Add(append(lost(500, "2497", "opened"), lost(2, "64500", "opened")...))
	w.receives("firing EntityAbsent 2497: 500", "firing EntityAbsent 64500: 2")
	w.mu.Lock()
	first := w.messages[0].Alerts[0]
	w.mu.Unlock()
	if first.Labels["kind"] != "absence" || first.Labels["entity"] == "" || first.Labels["scope"] == "" || first.StartsAt.IsZero() ||
		!strings.Contains(first.Annotations["summary"], " has been absent since ") || !strings.HasPrefix(first.Annotations["link"], "http://page/entity?") {
		t.Errorf("%+v", first)
	}
	d.Add(lost(500, "2497", "resolved"))
	w.receives("firing EntityAbsent 2497: 500", "firing EntityAbsent 64500: 2", "resolved EntityAbsent 2497: 500")
}

// Both kinds of alerts of an AS are told, each in its group.
func TestDeviationsAreGroupedByAS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var events []notify.Event
	for _, asn := range []string{"1", "1", "2"} {
		e := absent(len(events), asn, "opened")
		e.Record.Kind, e.Record.Direction, e.Record.Deviation = "deviation", "below", episode.NumberOf(-7)
		events = append(events, e)
	}
	w.detector().Add(events)
	w.receives("firing  1: 2", "firing  2: 1")
}

func TestSilenceHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var silence struct{ SilenceID string }
	w.ask(http.MethodPost, "/silences", map[string]any{"comment": "maintenance", "createdBy": "test", "startsAt": time.Now(), "endsAt": time.Now().Add(time.Hour),
		"matchers": []any{map[string]any{"name": "asn", "value": "2497", "isRegex": false, "isEqual": true}}}, &silence)
	w.detector().Add(append(lost(3, "2497", "opened"), lost(1, "64500", "opened")...))
	w.receives("firing EntityAbsent 64500: 1")
	for _, one := range w.alerts() {
		if want := map[string]string{"2497": "suppressed", "64500": "active"}[one.Labels["asn"]]; one.Status.State != want {
			t.Errorf("%v is %s, want %s", one.Labels, one.Status.State, want)
		}
	}
	w.ask(http.MethodDelete, "/silence/"+silence.SilenceID, nil, nil)
	w.receives("firing EntityAbsent 64500: 1", "firing EntityAbsent 2497: 3")
}

// A restart of Alertmanager makes no message again, and loses no resolution.
func TestAlertmanagerMayRestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.detector()
	d.Add(lost(3, "2497", "opened"))
	w.receives("firing EntityAbsent 2497: 3")
	w.stop()
	w.start()
	until(t, "it knows all alerts again", func() bool { return len(w.alerts()) == 3 })
	w.receives("firing EntityAbsent 2497: 3")
	w.stop()
	d.Add(lost(3, "2497", "resolved"))
	w.start()
	w.receives("firing EntityAbsent 2497: 3", "resolved EntityAbsent 2497: 3")
}

// A restart of the detector makes no message again. What was resolved meanwhile is told.
func TestDetectorMayRestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := lost(3, "2497", "opened")
	d := w.detector(topic...)
	w.receives("firing EntityAbsent 2497: 3")
	d.stop()
	d = w.detector(topic...)
	w.receives("firing EntityAbsent 2497: 3")
	d.stop()
	w.detector(lost(3, "2497", "resolved")...) // the topic is compacted
	w.receives("firing EntityAbsent 2497: 3", "resolved EntityAbsent 2497: 3")
}

func TestTwoNodesMakeOneMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := lost(3, "2497", "opened")
	first, second := w.detector(topic...), w.detector(topic...)
	w.receives("firing EntityAbsent 2497: 3")
	first.stop()
	w.receives("firing EntityAbsent 2497: 3") // the other one goes on
	if count := len(w.alerts()); count != 3 {
		t.Errorf("it knows %d alerts", count)
	}
	second.Add(lost(3, "2497", "resolved"))
	w.receives("firing EntityAbsent 2497: 3", "resolved EntityAbsent 2497: 3")
}

func TestAlertmanagerForgetsADetectorThatIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.detector(lost(3, "2497", "opened")...)
	w.receives("firing EntityAbsent 2497: 3")
	d.stop()
	w.receives("firing EntityAbsent 2497: 3", "resolved EntityAbsent 2497: 3")
}

// An hour passes on the detector's clock while Alertmanager is away. Then it is told what was resolved at the beginning of
// the hour, and what is open.
func TestOutageOfAnHour(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.detector(append(lost(2, "2497", "opened"), lost(3, "64500", "opened")...)...)
	w.receives("firing EntityAbsent 2497: 2", "firing EntityAbsent 64500: 3")
	w.stop()
	d.Add(lost(2, "2497", "resolved"))
	d.Add(lost(4, "64501", "opened"))
	until(t, "it has noticed the outage", func() bool { return d.Status()[0].Errors > 0 })
	d.ahead.Store(int64(time.Hour))
	errors := d.Status()[0].Errors
	until(t, "it has tried again after the hour", func() bool { return d.Status()[0].Errors > errors })
	d.ahead.Store(0) // the clock of Alertmanager has not moved on
	w.start()
	w.receives("firing EntityAbsent 2497: 2", "firing EntityAbsent 64500: 3", "resolved EntityAbsent 2497: 2", "firing EntityAbsent 64501: 4")
	if status := d.Status()[0]; status.Dropped != 0 {
		t.Errorf("%+v", status)
	}
}
