package main

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"anomalydetector/bench/report"
	"anomalydetector/loopback"
)

type watchedFlags struct {
	Entities int `default:"4000" help:"Entities of the stream (default ${default})."`
	Bins     int `default:"5600" help:"Bins of the stream (default ${default})."`
	Rounds   int `default:"6" help:"How often each of the three is measured: [http] off, on, and watched (default ${default})."`
	Streams  int `default:"10" help:"Open pages, each with a stream (default ${default})."`
	Page     int `default:"100" help:"Entities of a page of /api/v1/entities (default ${default})."`
}

// Validate is called by the parser.
func (f *watchedFlags) Validate() error {
	if f.Rounds < 1 || f.Streams < 0 || f.Page < 1 {
		return fmt.Errorf("--rounds is %d, --streams %d and --page %d: want 1, 0 and 1 at least", f.Rounds, f.Streams, f.Page)
	}
	return nil
}

// watched runs the same binary over the same topic, in turn with [http] off, with it on,
// and with watchers. Every other round has the reverse order.
func (f *watchedFlags) watched(ctx context.Context, b *bench) error {
	topic, stream, err := b.fill(ctx, "hegemony-watched", f.Entities, f.Bins, b.settings.Partitions)
	if err != nil {
		return err
	}
	defer b.deleteTopics(topic)
	result := report.Watched{Shape: stream.shape, Streams: f.Streams}
	paths := newTally()
	for round := range f.Rounds {
		var runs [3]report.Run
		order := []int{0, 1, 2}
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for _, kind := range order {
			if runs[kind], err = f.once(ctx, b, topic, stream.shape, kind, paths); err != nil {
				break
			}
			say("round %d: %s: %s points/s", round+1, []string{"off", "on", "watched"}[kind], report.Short(runs[kind].Steady))
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil { // an incomplete round does not count
			b.note("round %d failed: %v", round+1, err)
			continue
		}
		result.Off, result.Unwatched, result.Watched = append(result.Off, runs[0]), append(result.Unwatched, runs[1]), append(result.Watched, runs[2])
	}
	if len(result.Watched) == 0 {
		return fmt.Errorf("no round succeeded; the last error: %w", err)
	}
	result.Paths = paths.rows()
	result = result.Completed()
	b.result.Watched = &result
	if words, fails := result.Verdict(); fails {
		return fmt.Errorf("watchers: %s", words)
	}
	return nil
}

// once is a run: 0 with [http] off, 1 with it on, 2 with watchers.
func (f *watchedFlags) once(ctx context.Context, b *bench, topic string, shape report.Shape, kind int, paths *tally) (report.Run, error) {
	ctx, cancel := context.WithTimeout(ctx, b.settings.Patience)
	defer cancel()
	j, err := b.newJob(ctx, topic, "watched", b.settings.Partitions)
	if err != nil {
		return report.Run{}, err
	}
	defer b.discard(j)
	address, err := loopback.FreeAddress()
	if err != nil {
		return report.Run{}, err
	}
	p := b.detectorProgram(j)
	if kind > 0 {
		p.env = append(p.env, "DETECTOR_HTTP="+address)
	}
	unix.Sync() // or this run would pay for writes of the one before
	process, err := p.start(ctx)
	if err != nil {
		return report.Run{}, err
	}
	defer process.stop()
	if kind == 2 {
		w := newWatchers(address, f.Page, paths)
		defer w.watch(ctx, f.Streams)()
	}
	samples, used, err := b.sample(ctx, process.began, func(ctx context.Context) int64 { return b.committed(ctx, j.name, topic) }, shape.Points, process)
	if err != nil {
		return report.Run{}, err
	}
	return report.RunOf(samples, allKnown(shape), used.PeakRSS, 0, 0, live(shape)), nil
}
