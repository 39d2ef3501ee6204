package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/procfs"

	"anomalydetector/bench/report"
	"anomalydetector/loopback"
)

// soakSample samples the detector. It fails while the process starts or ends.
func soakSample(ctx context.Context, p *process, address string) (report.SoakSample, error) {
	pid := p.command.Process.Pid
	used, err := readUsage(pid)
	if err != nil {
		return report.SoakSample{}, err
	}
	process, err := procfs.NewProc(pid)
	if err != nil {
		return report.SoakSample{}, err
	}
	files, err := process.FileDescriptorsLen()
	if err != nil {
		return report.SoakSample{}, err
	}
	stat, err := process.Stat()
	if err != nil {
		return report.SoakSample{}, err
	}
	values, err := scrape(ctx, address)
	if err != nil {
		return report.SoakSample{}, err
	}
	return report.SoakSample{
		RSS: float64(used.RSS), Held: float64(used.held()), Files: float64(files), Threads: float64(stat.NumThreads),
		Heap: values["go_memstats_heap_inuse_bytes"], Goroutines: values["go_goroutines"],
		Entities: values["anomalydetector_entities"], Cached: values["anomalydetector_cached_entities"],
	}, nil
}

// scrape returns the sum of each metric over its labels.
func scrape(ctx context.Context, address string) (map[string]float64, error) {
	values := make(map[string]float64)
	err := eachMetric(ctx, address, func(name, _ string, value float64) { values[name] += value })
	return values, err
}

// eachMetric visits the metrics at an address; labels are as in the text, without braces.
func eachMetric(ctx context.Context, address string, visit func(name, labels string, value float64)) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		line := lines.Text()
		cut := strings.LastIndexByte(line, ' ')
		if cut < 0 || line[0] == '#' {
			continue
		}
		name, labels, _ := strings.Cut(line[:cut], "{")
		if value, err := strconv.ParseFloat(line[cut+1:], 64); err == nil {
			visit(name, strings.TrimSuffix(labels, "}"), value)
		}
	}
	return lines.Err()
}

// alerting is a real Prometheus that scrapes the detector and evaluates the alert rules.
type alerting struct {
	process *process
	address string

	mu   sync.Mutex
	seen map[string]*report.SoakAlert // by name and state
}

// startAlerting starts a Prometheus, or returns nil if none is installed.
func (b *bench) startAlerting(ctx context.Context, target string) (*alerting, error) {
	binary, err := exec.LookPath("prometheus")
	if err != nil {
		b.note("no prometheus is installed: no alert state was derived")
		return nil, nil
	}
	rules, err := filepath.Abs("ops/alerts.yml")
	if err != nil {
		return nil, err
	}
	address, err := loopback.FreeAddress()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(b.work, "prometheus")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	config := fmt.Sprintf("global: {scrape_interval: 15s, evaluation_interval: 15s}\nrule_files: [%q]\nscrape_configs:\n"+
		"  - job_name: anomalydetector\n    static_configs: [{targets: [%q]}]\n", rules, target)
	path := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(path, []byte(config), 0o644); err != nil {
		return nil, err
	}
	p, err := program{name: "Prometheus", dir: dir, command: []string{binary, "--config.file=" + path, "--web.listen-address=" + address,
		"--storage.tsdb.path=" + filepath.Join(dir, "data")}}.start(ctx)
	if err != nil {
		return nil, err
	}
	a := &alerting{process: p, address: address, seen: make(map[string]*report.SoakAlert)}
	return a, nil
}

// watch asks for the alerts until the context ends.
func (a *alerting) watch(ctx context.Context) {
	for ctx.Err() == nil {
		a.look(ctx)
		pause(ctx, alertsEvery)
	}
}

const alertsEvery = 15 * time.Second

func (a *alerting) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+a.address+"/api/v1/alerts", nil)
	if err != nil {
		return
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return // it is starting
	}
	defer response.Body.Close()
	var answer struct {
		Data struct {
			Alerts []struct {
				Labels struct{ Alertname string }
				State  string
			}
		}
	}
	if json.NewDecoder(response.Body).Decode(&answer) != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	now := make(map[string]bool)
	for _, alert := range answer.Data.Alerts {
		key := alert.Labels.Alertname + " " + alert.State
		if now[key] {
			continue // of another partition
		}
		now[key] = true
		if a.seen[key] == nil {
			a.seen[key] = &report.SoakAlert{Name: alert.Labels.Alertname, State: alert.State, First: time.Since(began).Seconds()}
		}
		a.seen[key].Last = time.Since(began).Seconds()
		a.seen[key].Seconds += alertsEvery.Seconds()
	}
}

func (a *alerting) alerts() (list []report.SoakAlert) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, alert := range a.seen {
		list = append(list, *alert)
	}
	return list
}
