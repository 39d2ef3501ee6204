package bootstrap

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"anomalydetector/backtest/source"
)

// readingBar tells how much of a source is read: a bar if standard error is a terminal, or else a line now and then. It belongs to one goroutine.
type readingBar struct {
	out    io.Writer
	screen *screen // nil: no terminal
	source source.Source
	now    func() time.Time
	began  time.Time
	told   time.Time // the last line or bar
}

// readingLines is the time between two lines if there is no terminal.
const readingLines = 10 * time.Second

func newReadingBar(world *World, from source.Source) *readingBar {
	now := world.Now()
	b := &readingBar{out: world.Stderr, source: from, now: world.Now, began: now, told: now}
	if file, isFile := world.Stderr.(*os.File); isFile && term.IsTerminal(int(file.Fd())) {
		b.screen = &screen{out: file}
	}
	return b
}

// rows is called with the number of rows so far.
func (b *readingBar) rows(count int64) {
	now, every := b.now(), readingLines
	if b.screen != nil {
		every = barEvery
	}
	if now.Sub(b.told) < every {
		return
	}
	b.told = now
	took := now.Sub(b.began).Seconds()
	rate := float64(count) / took
	done, of := b.source.Progress()
	if of <= 0 || done <= 0 {
		b.show(fmt.Sprintf("reading: %d rows, %d rows/s", count, int64(rate)))
		return
	}
	percent := min(100, 100*done/of)
	left := timeFor(of-done, float64(done)/took)
	if b.screen == nil {
		b.show(fmt.Sprintf("reading: %d %%, %d rows, %d rows/s, %s left", percent, count, int64(rate), left))
		return
	}
	b.show(barOf("reading", percent, rate, "rows", left+" left"))
}

func (b *readingBar) show(text string) {
	if b.screen == nil {
		fmt.Fprintln(b.out, text)
		return
	}
	b.screen.draw(b, text)
}

// clear takes the bar away.
func (b *readingBar) clear() {
	if b.screen != nil {
		b.screen.clear(b)
	}
}
