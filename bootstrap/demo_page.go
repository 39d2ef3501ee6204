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

// demoPage prints the demo.
type demoPage struct {
	out    io.Writer
	mu     sync.Mutex        // several goroutines print
	events []synthetic.Event // those that anomalies tell of
	found  []bool
	others int
	shown  int
}

func newDemoPage(out io.Writer, source *synthetic.Stream) *demoPage {
	p := &demoPage{out: out}
	p.add(source)
	return p
}

// add adds the events of a stream. No anomaly tells of an entity that vanishes, and of a hole.
func (p *demoPage) add(source *synthetic.Stream) {
	for _, event := range source.Events() {
		if !event.Silent {
			p.events = append(p.events, event)
		}
	}
	p.found = append(p.found, make([]bool, len(p.events)-len(p.found))...)
}

// begin prints the address of the page, and a heading. The url is empty if there is no page.
func (p *demoPage) begin(options synthetic.Options, config *configs.Config, url string, nodes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	days := func(bins int) string {
		return fmt.Sprintf("%.0f days", (time.Duration(bins)*options.Bin).Hours()/24)
	}
	if url == "" {
		printf(p.out, "The page is off: DETECTOR_HTTP=%s turns it on.\n", configs.DefaultHTTP)
	} else {
		printf(p.out, "The page is at %s\n", url)
	}
	detector := "the real\ndetector"
	if nodes > 1 {
		detector = fmt.Sprintf("%d processes\nof the real detector", nodes)
	}
	fmt.Fprintf(p.out, "A synthetic AS hegemony stream, a Kafka broker inside this process, and %s", detector)
	printf(p.out, ` on %s. %d networks: %s of history at once, then %s with
%d events (spikes, shifts, outages) hidden in them. Networks that vanish and holes of
the stream are on the page, as absences and gaps. Anomalies, as they are committed:

%-16s  %-24s  %9s  %12s  %9s
`, config.Source, options.Entities, days(options.HistoryBins), days(options.LiveBins), len(p.events),
		"time (UTC)", "entity (scope,asn)", "hegemony", "usual level", "deviation")
}

func (p *demoPage) committed(findings []messages.Finding) {
	p.mu.Lock()
	defer p.mu.Unlock()
	findings = slices.Clone(findings)
	slices.SortStableFunc(findings, func(a, b messages.Finding) int { return a.At.Compare(b.At) })
	for _, f := range findings {
		p.shown++
		printf(p.out, "%-16s  %-24s  %9.4f  %12.4f  %+9.1f  %s\n",
			f.At.UTC().Format("2006-01-02 15:04"), f.Entity, f.Value, f.Usual, f.Deviation, p.label(f))
	}
}

// label names the event that a finding belongs to, and marks it as found.
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

// goOn prints that the stream goes on.
func (p *demoPage) goOn() {
	p.say("\nThe live part is over. The stream goes on, a bin each second: Ctrl-C ends it.\n\n")
}

// expect adds the events of a further part of the stream.
func (p *demoPage) expect(source *synthetic.Stream) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.add(source)
}

// say prints a line between the anomalies.
func (p *demoPage) say(format string, values ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	printf(p.out, format, values...)
}

// end prints the result. The detector has read the stream up to until, in Unix milliseconds; an event
// that ends later counts only if it was found.
func (p *demoPage) end(until, lost int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found, begun := 0, 0
	for i, event := range p.events {
		switch {
		case p.found[i]:
			found++
			begun++
		case event.Until <= until:
			begun++
			printf(p.out, "not found: %s of %s at %s, from %.4f to %.4f\n", event.Kind, event.Entity,
				time.UnixMilli(event.From).UTC().Format("2006-01-02 15:04"), event.Usual, event.Changed)
		}
	}
	if lost > 0 {
		printf(p.out, "%d anomalies and changes of state came too fast to be shown here.\n", lost)
	}
	printf(p.out, "\nFound %d of %d injected events; %d anomalies in all, %d of them outside any event.\n",
		found, begun, p.shown, p.others)
}
