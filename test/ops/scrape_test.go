package ops

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// absent are metrics that a demo does not show: it is one process without faults, and tells no Alertmanager.
var absent = []string{"anomalydetector_unowned_partitions", "anomalydetector_kafka_connect_errors_total", "anomalydetector_kafka_disconnects_total",
	"anomalydetector_kafka_read_errors_total", "anomalydetector_kafka_write_errors_total",
	"anomalydetector_notifications_sent_total", "anomalydetector_notifications_errors_total", "anomalydetector_notifications_dropped_total",
	"anomalydetector_notifications_queue_length", "anomalydetector_notifications_latency_seconds"}

// empty are panels that show nothing for a demo: no node is asked for windows, no request fails, there is no
// second node and no Alertmanager.
var empty = []string{"Unowned partitions", "Errors of Kafka connections", "Bad records and dead letters", "History that is still to be replayed",
	"Handoff A", "Handoff B", "Streams", "Starts", "Alerts told to Alertmanagers", "Alerts not told", "Requests to Alertmanagers"}

// A real Prometheus scrapes the demo, once as it is and once with native histograms. Each metric of
// docs/metrics.md arrives with its type. Each query of the dashboard is answered, with data if the demo has
// any. The rules are evaluated and do not fire.
func TestPrometheusReadsARunningDemo(t *testing.T) {
	demo := startDemo(t)
	for name, flags := range map[string][]string{"classic": nil, "native histograms": {"--enable-feature=native-histograms"}} {
		t.Run(name, func(t *testing.T) {
			p := startPrometheus(t, demo, flags...)
			p.answers(t)
			p.hasEachMetric(t, flags != nil)
			p.showsTheDashboard(t)
			p.evaluatesTheRules(t)
			for line := range strings.Lines(content(t, p.log)) {
				if strings.Contains(line, "level=warn") || strings.Contains(line, "level=error") {
					t.Errorf("Prometheus says: %s", line)
				}
			}
		})
	}
}

// running is a process that answers at an address.
type running struct {
	*started
	address string
	all     []*started // the processes that must run meanwhile
}

// startDemo builds the detector and starts a demo that lasts longer than the test.
func startDemo(t *testing.T) running {
	binary := filepath.Join(t.TempDir(), "anomalydetector")
	build := exec.Command("go", "build", "-trimpath", "-o", binary, ".")
	build.Dir, build.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, said)
	}
	d := running{address: freeAddress(t)}
	d.started = start(t, syscall.SIGINT, []string{"DETECTOR_HTTP=" + d.address, "TMPDIR=" + t.TempDir()}, binary, "demo", "--duration", "10m")
	d.all = []*started{d.started}
	until(t, "the demo is ready", d.all, func() bool {
		answer, err := http.Get("http://" + d.address + "/readyz")
		if err != nil {
			return false
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	return d
}

// startPrometheus scrapes the demo with ops/prometheus.yml, but every second.
func startPrometheus(t *testing.T, demo running, flags ...string) running {
	rulesPath, err := filepath.Abs(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := strings.NewReplacer("127.0.0.1:8080", demo.address, "alerts.yml", rulesPath, ": 15s", ": 1s").Replace(content(t, configFile))
	if err := os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	p := running{address: freeAddress(t)}
	p.started = start(t, syscall.SIGTERM, nil, need(t, "prometheus"), append([]string{"--config.file=" + filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path=" + filepath.Join(dir, "data"), "--web.listen-address=" + p.address}, flags...)...)
	p.all = []*started{p.started, demo.started}
	return p
}

// get asks the API. It returns false if there is no such answer.
func (p running) get(path string, values url.Values, into any) (ok bool, problem string) {
	answer, err := http.Get("http://" + p.address + "/api/v1/" + path + "?" + values.Encode())
	if err != nil {
		return false, err.Error()
	}
	defer answer.Body.Close()
	var body struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		return false, err.Error()
	}
	if body.Status != "success" {
		return false, body.Error
	}
	if err := json.Unmarshal(body.Data, into); err != nil {
		return false, err.Error()
	}
	return true, ""
}

// count is how many samples a query gives now.
func (p running) count(expr string) (int, string) {
	var data struct{ Result []json.RawMessage }
	_, problem := p.get("query", url.Values{"query": {expr}}, &data)
	return len(data.Result), problem
}

// answers waits for some scrapes, none of which may fail.
func (p running) answers(t *testing.T) {
	until(t, "ten scrapes, and anomalies", p.all, func() bool {
		n, _ := p.count(`count_over_time(up[1m]) > 10 and on (instance) sum by (instance) (anomalydetector_anomalies_total) > 0`)
		return n > 0
	})
	if n, problem := p.count("min_over_time(up[5m]) == 1"); n != 1 {
		t.Errorf("a scrape failed: %s", problem)
	}
	var targets struct {
		ActiveTargets []struct{ Health, LastError string }
	}
	if _, problem := p.get("targets", nil, &targets); len(targets.ActiveTargets) != 1 || targets.ActiveTargets[0].Health != "up" || targets.ActiveTargets[0].LastError != "" {
		t.Errorf("targets %+v %s", targets.ActiveTargets, problem)
	}
}

// hasEachMetric looks for each metric with its type. With native, it wants native histograms.
func (p running) hasEachMetric(t *testing.T, native bool) {
	var types map[string][]struct{ Type string }
	if _, problem := p.get("metadata", nil, &types); problem != "" {
		t.Error(problem)
	}
	for name, m := range metrics(t) {
		if slices.Contains(absent, name) {
			continue
		}
		expr := name
		if m.kind == "histogram" {
			expr = name + "_bucket"
			if native {
				expr = "histogram_count(" + name + ")"
			}
		}
		if n, problem := p.count(expr); n == 0 {
			t.Errorf("nothing comes of %s %s", expr, problem)
		}
		of := types[name]
		if len(of) == 0 {
			of = types[strings.TrimSuffix(name, "_total")] // OpenMetrics names the family, not the sample
		}
		if len(of) != 1 || of[0].Type != m.kind {
			t.Errorf("%s has the types %v, want %s", name, of, m.kind)
		}
	}
}

func (p running) showsTheDashboard(t *testing.T) {
	for _, q := range dashboardQueries(t) {
		var data struct{ Result []json.RawMessage }
		now := time.Now()
		_, problem := p.get("query_range", url.Values{"query": {q.expr}, "step": {"1"}, "start": {now.Add(-10 * time.Second).Format(time.RFC3339)}, "end": {now.Format(time.RFC3339)}}, &data)
		nothing := slices.ContainsFunc(empty, func(title string) bool { return strings.Contains(q.where, title) })
		switch {
		case problem != "":
			t.Errorf("%s: %s\n%s", q.where, problem, q.expr)
		case len(data.Result) == 0 && !nothing:
			t.Errorf("%s shows nothing:\n%s", q.where, q.expr)
		}
	}
}

func (p running) evaluatesTheRules(t *testing.T) {
	var groups struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError, State string }
		}
	}
	until(t, "all rules have been evaluated", p.all, func() bool {
		_, problem := p.get("rules", nil, &groups)
		if problem != "" || len(groups.Groups) == 0 {
			return false
		}
		for _, group := range groups.Groups {
			for _, r := range group.Rules {
				if r.Health == "unknown" {
					return false
				}
			}
		}
		return true
	})
	count := 0
	for _, group := range groups.Groups {
		for _, r := range group.Rules {
			count++
			if r.Health != "ok" || r.LastError != "" || r.State == "firing" {
				t.Errorf("%s: health %s, state %s: %s", r.Name, r.Health, r.State, r.LastError)
			}
		}
	}
	if want := len(rules(t)); count != want {
		t.Errorf("%d rules, want %d", count, want)
	}
	if n, problem := p.count("anomalydetector:progress_timestamp_seconds"); n == 0 {
		t.Errorf("nothing is recorded %s", problem)
	}
}
