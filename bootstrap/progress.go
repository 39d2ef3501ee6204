package bootstrap

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"anomalydetector/actors"
)

const (
	progressEvery = 5 * time.Second        // between two log lines
	barEvery      = 200 * time.Millisecond // between two pictures of the bar
)

// progress reports the replay of the history, and then how the detector catches up with
// its topic. It draws a bar on a terminal, and writes log lines otherwise. It belongs to
// one detector's goroutine.
type progress struct {
	name   string // of the detector
	log    *slog.Logger
	screen *screen // nil: no terminal
	now    func() time.Time
	began  time.Time // of the replay; zero: there is none
	told   time.Time // the last line or bar
	lag    catchUp
}

// catchUp is a lag of at least catchUpFrom.
type catchUp struct {
	began   time.Time // zero: there is none
	shown   bool      // it lasted long enough to be reported
	from    int64     // the lag at the beginning
	records int64     // committed before the beginning
}

const (
	// catchUpFrom is the smallest lag that is reported, in records.
	catchUpFrom = 10_000
	// catchUpAfter is how long the lag lasts before it is reported. A bin that arrives at
	// once is read sooner.
	catchUpAfter = 3 * time.Second
)

// tell is called with every new state.
func (p *progress) tell(state actors.Progress) {
	now := p.now()
	if state.Replaying > 0 {
		p.replay(now, state)
		return
	}
	p.replayed(now, state)
	p.catchUp(now, state)
}

// replay reports how much of the history is read.
func (p *progress) replay(now time.Time, state actors.Progress) {
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
		p.log.Info("replaying history", "records", state.Done, "of", total, "percent", percent,
			"records_per_second", int(rate), "eta", eta)
		return
	}
	p.draw("replaying history", percent, rate, eta+" left")
}

// replayed reports the end of a replay.
func (p *progress) replayed(now time.Time, state actors.Progress) {
	if p.began.IsZero() {
		return
	}
	p.clear()
	p.log.Info("history replayed", "records", state.Done, "entities", state.Entities,
		"seconds", fmt.Sprintf("%.1f", now.Sub(p.began).Seconds()))
	p.began = time.Time{}
}

// catchUp reports a lag that lasts, and its end.
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

// due is whether it is time for the next report, which the caller then makes.
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

// timeFor is how long a number of records takes, for people.
func timeFor(records int64, perSecond float64) string {
	if perSecond <= 0 || float64(records)/perSecond > (365*24*time.Hour).Seconds() {
		return "unknown"
	}
	return time.Duration(float64(records) / perSecond * float64(time.Second)).Round(time.Second).String()
}

// mostBar is the length of a bar, at most. Only one line can be wiped.
const mostBar = 79

func (p *progress) draw(doing string, percent int64, rate float64, left string) {
	p.screen.draw(p, barOf(printable(p.name)+": "+doing, percent, rate, "records", left))
}

// barOf is a bar with its words, of at most mostBar characters. The rate is in units a second.
func barOf(doing string, percent int64, rate float64, units, left string) string {
	const width = 20
	full := int(percent * width / 100)
	bar := []rune(fmt.Sprintf("%s [%s%s] %d %%, %d %s/s, %s", doing,
		strings.Repeat("=", full), strings.Repeat(" ", width-full), percent, int(rate), units, left))
	return string(bar[:min(len(bar), mostBar)])
}

func (p *progress) clear() {
	if p.screen != nil {
		p.screen.clear(p)
	}
}
