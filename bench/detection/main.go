// Command detection says how well the detector finds events of known kinds and sizes: see docs/detection.md.
//
// It makes hard synthetic streams, puts them through a backtest with the settings of hegemonydetector.conf and with a grid of
// others, and compares what each reports with the events. It chooses the best of the grid on the streams of even seeds. The
// other tables are of the streams of odd seeds. Those of published episodes put the streams through windows and a ledger, as a
// partition does, and so for a stream of long incidents. The same streams, and real series with labels, compare the original with the method
// habit. It writes all tables into the page.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"anomalydetector/configs"
	"anomalydetector/detection"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "detection:", err)
		os.Exit(1)
	}
}

// size is how much is synthesised.
type size struct{ seeds, entities, days, events int }

// usual is the size for the page.
var usual = size{seeds: 10, entities: 300, days: 28, events: 180}

func run(ctx context.Context, arguments []string, out, progress io.Writer) error {
	n := usual
	page, series := "", ""
	flags := flag.NewFlagSet("detection", flag.ContinueOnError)
	flags.IntVar(&n.seeds, "seeds", n.seeds, "number of streams; half of them choose the best setting")
	flags.IntVar(&n.entities, "entities", n.entities, "entities of each stream")
	flags.IntVar(&n.days, "days", n.days, "days of each stream")
	flags.IntVar(&n.events, "events", n.events, "events of each stream")
	flags.StringVar(&page, "page", "", "the page to write the tables into; without it, they are printed")
	flags.StringVar(&series, "series", "../shared/nab", "the folder of the real series with labels, which are not a part of the project; without it, the page keeps their table")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	began := time.Now()
	tables, err := measure(ctx, n, series, progress)
	if err != nil {
		return err
	}
	fmt.Fprintf(progress, "%.0f s\n", time.Since(began).Seconds())
	if page == "" {
		for _, name := range slices.Sorted(maps.Keys(tables)) {
			fmt.Fprintf(out, "%s\n\n%s\n", name, tables[name])
		}
		return nil
	}
	return fill(page, tables)
}

// measure makes all tables.
func measure(ctx context.Context, n size, series string, progress io.Writer) (map[string]string, error) {
	original, err := originals()
	if err != nil {
		return nil, err
	}
	choose, err := newStreams(n, 0)
	if err != nil {
		return nil, err
	}
	grid := gridAround(original)
	fmt.Fprintf(progress, "%d settings on the streams of even seeds\n", len(grid))
	outcomes, err := choose.try(ctx, grid, false)
	if err != nil {
		return nil, err
	}
	best := bestOf(outcomes)
	fmt.Fprintln(progress, "three settings on the streams of odd seeds")
	tables, err := compare(ctx, n, [3]detection.Settings{original, grid[best], habitual(original)})
	if err != nil {
		return nil, err
	}
	of, err := seriesTable(series, original)
	if err != nil {
		return nil, err
	}
	if of != "" {
		tables["series"] = of
	} else {
		fmt.Fprintln(progress, "the series with labels are not in", series+": their table stays as it is")
	}
	tables["grid"] = gridTable(grid, outcomes, best)
	return tables, nil
}

// compare makes the tables of the original's settings, the best ones of its method, and those of habit.
func compare(ctx context.Context, n size, settings [3]detection.Settings) (map[string]string, error) {
	judge, err := newStreams(n, 1)
	if err != nil {
		return nil, err
	}
	outcomes, err := judge.try(ctx, settings[:], true)
	if err != nil {
		return nil, err
	}
	tables, err := lifeTables(judge, settings[0])
	if err != nil {
		return nil, err
	}
	for i, name := range []string{"best", "habit"} {
		maps.Copy(tables, report{judge, name, [2]detection.Settings{settings[0], settings[1+i]}, [2]outcome{outcomes[0], outcomes[1+i]}}.tables())
	}
	return tables, nil
}

// originals are the settings of the original's configuration.
func originals() (s detection.Settings, err error) {
	config, err := configs.Load("hegemonydetector.conf", func(string) string { return "" })
	if err != nil {
		return s, fmt.Errorf("read the built-in configuration: %w", err)
	}
	d := config.Detection
	s = detection.Settings{
		GranularityMinutes: config.IO.GranularityMinutes, HistoryHours: d.HistoryHours, MinRatio: d.MinRatio,
		Threshold: d.Threshold, MinDeviation: d.MinDeviation, Metric: detection.MeanDeviation,
	}
	if d.Metric == "median" {
		s.Metric = detection.MedianDeviation
	}
	return s, nil
}

// gridAround is the grid: all combinations of a few thresholds, metrics and least deviations.
func gridAround(s detection.Settings) (all []detection.Settings) {
	for _, s.Metric = range []detection.Metric{detection.MeanDeviation, detection.MedianDeviation} {
		for _, s.MinDeviation = range []float64{0.0003, 0.001, 0.003, 0.01, 0.03} {
			for _, s.Threshold = range []float64{2, 3, 4, 5, 6, 8} {
				all = append(all, s)
			}
		}
	}
	return all
}

// bestOf is the place of the outcome with the largest F1 by episodes; of several, the first.
func bestOf(outcomes []outcome) (best int) {
	for i, o := range outcomes {
		if o.f1() > outcomes[best].f1() {
			best = i
		}
	}
	return best
}
