package simulation

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// prober asks a process over HTTP while faults happen, as probes, Prometheus and people do.
// The process must be alive whenever it answers, and no counter may fall. It must not count
// more anomalies than the output topic holds in the end, and tell of no other. Once it has
// answered, it must answer in time as long as it runs.
type prober struct {
	process *process
	client  *http.Client
	last    map[string]float64 // samples of counters
	reached bool               // the process has answered once
	missed  string             // what the process did not answer; no problem if it never answers again, for it may be about to end
}

// unasked is set if nobody is to ask running processes over HTTP.
var unasked bool

// httpAddress is where a node answers over HTTP.
func httpAddress(number int) string { return fmt.Sprintf("127.0.0.1:%d", 8101+number) }

const (
	probeEvery  = 997 * time.Millisecond
	scrapeEvery = 5 // probes
	listEvery   = 11
	lookEvery   = 6
	probeLimit  = 5 * time.Second
)

// prober makes a prober of the process.
func (p *process) prober() *prober {
	dial := p.node.run.network.dialer(people)
	transport := &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return dial(ctx, network, address)
		}}
	return &prober{process: p, client: &http.Client{Transport: transport, Timeout: probeLimit}, last: make(map[string]float64)}
}

// probe asks a process until it ends.
func (p *process) probe() {
	by := p.prober()
	defer close(p.probed)
	for round := 0; ; round++ {
		select {
		case <-p.ended:
			p.claimed = by.last[`anomalydetector_anomalies_total{detector="`+confName+`",direction="above"}`] +
				by.last[`anomalydetector_anomalies_total{detector="`+confName+`",direction="below"}`]
			return
		case <-time.After(probeEvery):
		}
		if unasked {
			continue
		}
		by.ask("/healthz", http.StatusOK)
		by.ask("/readyz?verbose", http.StatusOK, http.StatusServiceUnavailable)
		if round%scrapeEvery == 0 {
			by.scrape(by.ask("/metrics", http.StatusOK))
		}
		if round%listEvery == 0 {
			by.list()
		}
		if round%lookEvery == 0 {
			looks[round/lookEvery%len(looks)](by)
		}
	}
}

// ask returns the answer; empty if there was none, or none that is allowed.
func (b *prober) ask(path string, allowed ...int) (body string) {
	begun := time.Now()
	status, header, content, err := b.get(path)
	select {
	case <-b.process.ended:
		return "" // the next process may have answered
	default:
	}
	r := b.process.node.run
	if err != nil {
		if b.reached && b.missed == "" && b.process.node.process.Load() == b.process && !r.network.stood(b.process.party, begun) {
			b.missed = fmt.Sprintf("%s did not answer %s, asked at %.3f s: %v", b.process.party, path, begun.Sub(r.begin).Seconds(), err)
		}
		return ""
	}
	if b.reached = true; b.missed != "" {
		r.judge.problem("%s; but now it answers %s", b.missed, path)
		b.missed = ""
	}
	if status == http.StatusServiceUnavailable && header.Get("Retry-After") == "" && !strings.HasPrefix(path, "/readyz") {
		r.judge.problem("%s does not say when to ask for %s again: %s", b.process.party, path, content)
	}
	for _, one := range allowed {
		if status == one {
			r.judge.count(func(report *Report) { report.Answers++ })
			return string(content)
		}
	}
	r.judge.problem("%s answers %s with %d: %s", b.process.party, path, status, content)
	return ""
}

func (b *prober) get(path string) (status int, header http.Header, content []byte, err error) {
	answer, err := b.client.Get("http://" + b.process.node.http + path)
	if err != nil {
		return 0, nil, nil, err
	}
	defer answer.Body.Close()
	content, err = io.ReadAll(answer.Body)
	return answer.StatusCode, answer.Header, content, err
}

// scrape compares the counters with those of the last scrape.
func (b *prober) scrape(metrics string) {
	for line := range strings.Lines(metrics) {
		line = strings.TrimSpace(line)
		at := strings.LastIndexByte(line, ' ')
		if !strings.HasPrefix(line, "anomalydetector_") || !strings.Contains(line, "_total{") || strings.Contains(line, "_kafka_") {
			continue
		}
		value, err := strconv.ParseFloat(line[at+1:], 64)
		if name := line[:at]; err != nil || value < b.last[name] {
			b.process.node.run.judge.problem("%s: %s fell from %v to %s", b.process.party, name, b.last[name], line[at+1:])
		} else {
			b.last[name] = value
		}
	}
}
