package bootstrap

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"anomalydetector/actors"
)

// progressEvery is how often a log line tells how far something is that takes long, and
// barEvery how often the bar on a terminal moves.
const (
	progressEvery = 5 * time.Second
	barEvery      = 200 * time.Millisecond
)

// progress tells how the history loads, and then how the detector catches up with its
// topic: with a bar on a terminal, else with a log line every few seconds. It belongs to
// one detector's goroutine.
type progress struct {
	name   string
	log    *slog.Logger
	screen *screen // nil: no terminal
	now    func() time.Time
	began  time.Time // zero while no history loads
	told   time.Time
	lag    catchUp
}

// catchUp is a lag that lasts.
type catchUp struct {
	began   time.Time // zero: there is none
	shown   bool
	from    int64 // what it was then
	records int64 // how many had been committed then
}

const (
	// catchUpFrom is the lag that is worth a word, in records,
	catchUpFrom = 10_000
	// catchUpAfter is how long it must have lasted: a bin that comes at once is gone sooner.
	catchUpAfter = 3 * time.Second
)

func (p *progress) tell(state actors.Progress) {
	now := p.now()
	if state.Loading > 0 {
		p.load(now, state)
		return
	}
	p.loaded(now, state)
	p.catchUp(now, state)
}

// load tells how far the history is.
func (p *progress) load(now time.Time, state actors.Progress) {
	if p.began.IsZero() {
		p.began, p.told = now, now
	}
	total := state.Done + state.Pending
	if total == 0 || !p.due(now) {
		return
	}
	rate := float64(state.Done) / now.Sub(p.began).Seconds()
	percent, eta := 100*state.Done/total, timeFor(state.Pending, rate)
	if p.screen == nil {
		p.log.Info("loading history", "records", state.Done, "of", total, "percent", percent,
			"records_per_second", int(rate), "eta", eta)
		return
	}
	p.draw("loading history", percent, rate, eta+" left")
}

func (p *progress) loaded(now time.Time, state actors.Progress) {
	if p.began.IsZero() {
		return
	}
	p.clear()
	p.log.Info("history loaded", "records", state.Done, "entities", state.Entities,
		"seconds", fmt.Sprintf("%.1f", now.Sub(p.began).Seconds()))
	p.began = time.Time{}
}

// catchUp tells how far a lag is from its end, and when it is over.
func (p *progress) catchUp(now time.Time, state actors.Progress) {
	c := &p.lag
	switch {
	case state.Lag < catchUpFrom:
		if c.shown {
			p.clear()
			p.log.Info("caught up with the topic", "records", state.Records-c.records,
				"seconds", fmt.Sprintf("%.1f", now.Sub(c.began).Seconds()))
		}
		*c = catchUp{}
		return
	case c.began.IsZero():
		*c = catchUp{began: now, from: state.Lag, records: state.Records}
		return
	case now.Sub(c.began) < catchUpAfter || !p.due(now):
		return
	}
	c.shown = true
	seconds := now.Sub(c.began).Seconds()
	done := state.Records - c.records
	percent, rate := 100*done/(done+state.Lag), float64(done)/seconds
	eta := timeFor(state.Lag, float64(c.from-state.Lag)/seconds)
	if p.screen == nil {
		p.log.Info("catching up with the topic", "records", done, "lag", state.Lag, "percent", percent,
			"records_per_second", int(rate), "eta", eta)
		return
	}
	left := eta + " left"
	if state.Lag >= c.from {
		left = "the lag grows"
	}
	p.draw("catching up", percent, rate, left)
}

// due tells whether it is time for a word, and that it is said.
func (p *progress) due(now time.Time) bool {
	every := progressEvery
	if p.screen != nil {
		every = barEvery
	}
	if now.Sub(p.told) < every {
		return false
	}
	p.told = now
	return true
}

// timeFor is how long so many records take, for people.
func timeFor(records int64, perSecond float64) string {
	if perSecond <= 0 || float64(records)/perSecond > (365*24*time.Hour).Seconds() {
		return "unknown"
	}
	return time.Duration(float64(records) / perSecond * float64(time.Second)).Round(time.Second).String()
}

// mostBar is how long a bar is, at most: one that breaks into two lines cannot be wiped.
const mostBar = 79

func (p *progress) draw(doing string, percent int64, rate float64, left string) {
	const width = 20
	full := int(percent * width / 100)
	bar := []rune(fmt.Sprintf("%s: %s [%s%s] %d %%, %d records/s, %s", printable(p.name), doing,
		strings.Repeat("=", full), strings.Repeat(" ", width-full), percent, int(rate), left))
	p.screen.draw(p, string(bar[:min(len(bar), mostBar)]))
}

func (p *progress) clear() {
	if p.screen != nil {
		p.screen.clear(p)
	}
}
