package bootstrap

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"anomalydetector/configs"
	"anomalydetector/messages"
	"anomalydetector/synthetic"
)

// demoPage is what the demo prints.
type demoPage struct {
	out    io.Writer
	mu     sync.Mutex // the detector's goroutine prints anomalies
	events []synthetic.Event
	found  []bool
	others int
	shown  int
}

func newDemoPage(out io.Writer, source *synthetic.Stream) *demoPage {
	events := source.Events()
	return &demoPage{out: out, events: events, found: make([]bool, len(events))}
}

func (p *demoPage) begin(options synthetic.Options, config *configs.Config) {
	days := func(bins int) string {
		return fmt.Sprintf("%.0f days", (time.Duration(bins)*options.Bin).Hours()/24)
	}
	printf(p.out, `A synthetic AS hegemony stream, a Kafka broker inside this process, and the real
detector on %s. %d networks: %s of history at once, then %s with
%d events (spikes, shifts, outages) hidden in them. Anomalies, as they are committed:

%-16s  %-24s  %9s  %12s  %9s
`, config.Source, options.Entities, days(options.HistoryBins), days(options.LiveBins), len(p.events),
		"time (UTC)", "entity (scope,asn)", "hegemony", "usual level", "deviation")
}

func (p *demoPage) committed(findings []messages.Finding) {
	p.mu.Lock()
	defer p.mu.Unlock()
	slices.SortStableFunc(findings, func(a, b messages.Finding) int { return a.At.Compare(b.At) })
	for _, f := range findings {
		p.shown++
		printf(p.out, "%-16s  %-24s  %9.4f  %12.4f  %+9.1f  %s\n",
			f.At.UTC().Format("2006-01-02 15:04"), f.Entity, f.Value, f.Usual, f.Deviation, p.label(f))
	}
}

// label tells which event a finding belongs to, and remembers that it was found.
func (p *demoPage) label(f messages.Finding) string {
	at := f.At.UnixMilli()
	for i, event := range p.events {
		if event.Entity == f.Entity && event.From <= at && at <= event.Until {
			p.found[i] = true
			return event.Kind.String()
		}
	}
	p.others++
	return "no event here"
}

func (p *demoPage) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	found := 0
	for i, event := range p.events {
		if p.found[i] {
			found++
			continue
		}
		printf(p.out, "not found: %s of %s at %s, from %.4f to %.4f\n", event.Kind, event.Entity,
			time.UnixMilli(event.From).UTC().Format("2006-01-02 15:04"), event.Usual, event.Changed)
	}
	printf(p.out, "\nFound %d of %d injected events; %d anomalies in all, %d of them outside any event.\n",
		found, len(p.events), p.shown, p.others)
}
