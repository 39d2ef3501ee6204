package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"anomalydetector/bench/report"
	"anomalydetector/synthetic/export"
)

type backtestFlags struct {
	Entities []int    `default:"4000,100000" help:"Entities of the streams (default ${default})."`
	Points   []int    `default:"20000000" help:"Points of each stream, about; several show what more rows cost (default ${default})."`
	Rounds   int      `default:"3" help:"How often each way is measured (default ${default})."`
	Files    []string `default:"jsonl.gz,golden.jsonl.gz,csv.zst" help:"Files to read, by their extensions (default ${default})."`
	Tries    []string `default:"one,thresholds,histories" help:"What is tried on a file: one, thresholds, histories (default ${default})."`
	Topic    bool     `default:"true" negatable:"" help:"Score the same stream in memory from a topic, which the files are compared with. Without it there is no broker."`
}

// backtestTries are what is tried on a file, by name.
var backtestTries = map[string]struct {
	label string
	set   []string
}{
	"one":        {"1 setting", nil},
	"thresholds": {"8 settings, 1 window", []string{"detection.threshold=3,5,8,12", "detection.min_dev=0.01,0.02"}},
	"histories":  {"8 settings, 4 windows", []string{"detection.threshold=5,8", "detection.history_hours=48,72", "detection.dev_metric=mean,median"}},
}

// Validate is called by the parser.
func (f *backtestFlags) Validate() error {
	for _, try := range f.Tries {
		if _, known := backtestTries[try]; !known {
			return fmt.Errorf("--tries: %q: want one, thresholds or histories", try)
		}
	}
	for _, extension := range f.Files {
		if _, _, err := export.FormatOf("x." + extension); err != nil {
			return fmt.Errorf("--files: %w", err)
		}
	}
	if f.Rounds < 1 || len(f.Entities) == 0 || slices.Min(f.Entities) < 1 || len(f.Points) == 0 || slices.Min(f.Points) < 1 {
		return fmt.Errorf("want at least one round, one entity and one point")
	}
	return nil
}

// backtestStart is the first bin of the streams. Files are kept, so it does not depend on the present time.
var backtestStart = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)

// backtest measures one stream after the other.
func (f *backtestFlags) backtest(ctx context.Context, b *bench) error {
	var parts []func(context.Context, *bench) error
	for _, entities := range f.Entities {
		for _, points := range f.Points {
			parts = append(parts, func(ctx context.Context, b *bench) error { return f.stream(ctx, b, entities, max(1, points/entities)) })
		}
	}
	return b.inTurn(ctx, parts...)
}

// stream measures all ways on one stream, in turn.
func (f *backtestFlags) stream(ctx context.Context, b *bench, entities, bins int) error {
	h, err := b.newHegemonyFrom(backtestStart, entities, bins, b.settings.Partitions)
	if err != nil {
		return err
	}
	result := report.Backtest{Shape: h.shape}
	files := make([]string, len(f.Files))
	for i, extension := range f.Files {
		if files[i], err = b.keptFile(h, extension); err != nil {
			return err
		}
		info, err := os.Stat(files[i])
		if err != nil {
			return err
		}
		for _, try := range f.Tries {
			result.Ways = append(result.Ways, report.BacktestWay{File: extension, Label: backtestTries[try].label, Bytes: info.Size()})
		}
	}
	score, topic := b.workSystem("score", "scoring in memory"), ""
	if f.Topic {
		if topic, err = b.fillWith(ctx, "hegemony-backtest", h); err != nil {
			return err
		}
		defer b.deleteTopics(topic)
		result.Shape = h.shape
	}
	for round := range f.Rounds {
		if f.Topic {
			run, err := b.runOnce(ctx, score, topic, h.shape)
			if err != nil {
				return err
			}
			say("round %d: scoring in memory: %s points/s, %s CPU s/M", round+1, report.Short(run.Steady), report.Short(run.SteadyCPU))
			result.Score = append(result.Score, run)
		}
		for i := range result.Ways {
			way, try := &result.Ways[i], i%len(f.Tries)
			run, err := b.backtestOnce(ctx, files[i/len(f.Tries)], backtestTries[f.Tries[try]].set)
			if err != nil {
				return err
			}
			say("round %d: %s, %s: %s points/s, %s CPU s/M, peak %d MB", round+1, way.File, way.Label,
				report.Short(run.Speed), report.Short(run.CPU), run.PeakRSS/1e6)
			way.Runs = append(way.Runs, run)
			if result.Shape.Points == 0 {
				result.Shape.Points = run.Points
			}
			// All files hold the same stream, so the first file's first run says what the others must find.
			if first := result.Ways[try].Runs[0]; run.Points != result.Shape.Points || !slices.Equal(run.Anomalies, first.Anomalies) {
				return fmt.Errorf("%s, %s: %d points and %v anomalies, want %d and %v", way.File, way.Label,
					run.Points, run.Anomalies, result.Shape.Points, first.Anomalies)
			}
		}
	}
	b.result.Backtest = append(b.result.Backtest, result)
	return nil
}

// keptFile returns a file with the stream. It makes the file unless an earlier run has.
func (b *bench) keptFile(h *hegemony, extension string) (string, error) {
	out, err := filepath.Abs(b.settings.Out)
	if err != nil {
		return "", err
	}
	path := filepath.Join(out, fmt.Sprintf("backtest-%dx%d-seed%d.%s", h.shape.Entities, h.shape.Bins, b.settings.Seed, extension))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	format, compression, err := export.FormatOf(path)
	if err != nil {
		return "", err
	}
	file, err := os.CreateTemp(b.work, "stream-") // of the same disk, and removed if it stays incomplete
	if err != nil {
		return "", err
	}
	defer file.Close()
	written, err := export.Write(file, h.Stream, format, compression)
	if err != nil {
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	if err := file.Close(); err != nil {
		return "", err
	}
	say("%s: %d points, %d MB", path, written.Datapoints, written.Bytes/1e6)
	return path, os.Rename(file.Name(), path)
}

// backtestOnce runs the built binary on a file, from its start to its end.
func (b *bench) backtestOnce(ctx context.Context, file string, set []string) (run report.BacktestRun, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.settings.Patience)
	defer cancel()
	j := job{name: b.name("backtest"), input: "input", output: "output"}
	j.dir = filepath.Join(b.work, j.name)
	defer os.RemoveAll(j.dir)
	arguments := []string{b.detector, "backtest", b.writeConf(j), file, "--json"}
	for _, one := range set {
		arguments = append(arguments, "--set", one)
	}
	p, err := program{name: "backtest", dir: j.dir, command: arguments, ownOutput: true}.start(ctx)
	if err != nil {
		return run, err
	}
	defer p.kill()
	for p.running() {
		if now, err := p.usage(); err == nil {
			run.PeakRSS = max(run.PeakRSS, now.PeakRSS)
		}
		select {
		case <-p.exited:
		case <-time.After(20 * time.Millisecond):
		}
	}
	took, state := time.Since(p.began), p.command.ProcessState
	var said struct {
		Points   int64 `json:"datapoints"`
		Settings []struct{ Anomalies int64 }
	}
	if text := content(p.outputFile()); !state.Success() || json.Unmarshal([]byte(text), &said) != nil || said.Points == 0 {
		return run, p.failed()
	}
	for _, one := range said.Settings {
		run.Anomalies = append(run.Anomalies, one.Anomalies)
	}
	run.Points, run.Seconds = said.Points, took.Seconds()
	run.Speed, run.CPU = float64(run.Points)/run.Seconds, 1e6*(state.UserTime()+state.SystemTime()).Seconds()/float64(run.Points)
	return run, ctx.Err()
}
