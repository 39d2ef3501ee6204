package bootstrap

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"anomalydetector/backtest/source"
)

// readingBar tells how much of a source is read: a bar if standard error is a terminal, or else a line now and then. It belongs to one goroutine.
type readingBar struct {
	out      io.Writer
	terminal bool
	source   source.Source
	now      func() time.Time
	began    time.Time
	told     time.Time
	shown    bool
}

// readingLines is the time between two lines where there is no terminal.
const readingLines = 10 * time.Second

func newReadingBar(world *World, from source.Source) *readingBar {
	file, isFile := world.Stderr.(*os.File)
	now := world.Now()
	return &readingBar{out: world.Stderr, terminal: isFile && term.IsTerminal(int(file.Fd())), source: from, now: world.Now, began: now, told: now}
}

// rows is called with the number of rows so far.
func (b *readingBar) rows(count int64) {
	now, every := b.now(), readingLines
	if b.terminal {
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
	if !b.terminal {
		b.show(fmt.Sprintf("reading: %d %%, %d rows, %d rows/s, %s left", percent, count, int64(rate), left))
		return
	}
	full := int(percent / 5)
	b.show(fmt.Sprintf("reading [%s%s] %d %%, %d rows/s, %s left", strings.Repeat("=", full), strings.Repeat(" ", 20-full), percent, int64(rate), left))
}

func (b *readingBar) show(text string) {
	if !b.terminal {
		fmt.Fprintln(b.out, text)
		return
	}
	b.shown = true
	fmt.Fprint(b.out, wipe+text[:min(len(text), mostBar)])
}

// clear takes the bar away.
func (b *readingBar) clear() {
	if b.shown {
		fmt.Fprint(b.out, wipe)
		b.shown = false
	}
}
