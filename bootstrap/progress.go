package bootstrap

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"anomalydetector/actors"
)

// progressEvery is how often a log line tells how far the history is, and
// barEvery how often the bar on a terminal moves.
const (
	progressEvery = 5 * time.Second
	barEvery      = 200 * time.Millisecond
)

// progress tells how the history loads: with a bar on a terminal, else with a
// log line every few seconds. It belongs to one detector's goroutine.
type progress struct {
	log   *slog.Logger
	bar   io.Writer // nil: no terminal
	now   func() time.Time
	began time.Time // zero while nothing loads
	told  time.Time
	drawn bool
}

func (p *progress) tell(state actors.Progress) {
	now := p.now()
	if state.Loading == 0 {
		p.finish(now, state)
		return
	}
	if p.began.IsZero() {
		p.began, p.told = now, now
	}
	every := progressEvery
	if p.bar != nil {
		every = barEvery
	}
	total := state.Done + state.Pending
	if total == 0 || now.Sub(p.told) < every {
		return
	}
	p.told = now
	percent := 100 * float64(state.Done) / float64(total)
	rate := float64(state.Done) / now.Sub(p.began).Seconds()
	eta := time.Duration(float64(state.Pending) / rate * float64(time.Second)).Round(time.Second)
	if p.bar == nil {
		p.log.Info("loading history", "records", state.Done, "of", total, "percent", int(percent),
			"records_per_second", int(rate), "eta", eta.String())
		return
	}
	const width = 30
	full := int(percent / 100 * width)
	fmt.Fprintf(p.bar, "\rloading history [%s%s] %3d %%  %d records/s  %s left   ",
		strings.Repeat("=", full), strings.Repeat(" ", width-full), int(percent), int(rate), eta)
	p.drawn = true
}

func (p *progress) finish(now time.Time, state actors.Progress) {
	if p.drawn {
		fmt.Fprintln(p.bar)
	}
	if !p.began.IsZero() {
		p.log.Info("history loaded", "records", state.Done, "entities", state.Entities,
			"seconds", fmt.Sprintf("%.1f", now.Sub(p.began).Seconds()))
	}
	p.began, p.drawn = time.Time{}, false
}
