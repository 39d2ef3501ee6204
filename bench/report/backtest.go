package report

import (
	"fmt"
	"slices"
)

// Backtest compares backtests of files with scoring the same stream in memory from a topic. Run number i of one way is compared
// with run number i of another, as both are of the same round.
type Backtest struct {
	Shape Shape         `json:"shape"`
	Score []Run         `json:"runs_scoring_in_memory,omitempty"`
	Ways  []BacktestWay `json:"ways"`
}

// BacktestWay is a file and the settings that are tried on it.
type BacktestWay struct {
	File  string        `json:"file"` // its extension
	Bytes int64         `json:"file_bytes"`
	Label string        `json:"settings"`
	Runs  []BacktestRun `json:"runs"`
}

// BacktestRun is a run of the program, from its start to its end.
type BacktestRun struct {
	Points    int64   `json:"points"`
	Anomalies []int64 `json:"anomalies"` // by setting
	Seconds   float64 `json:"seconds"`
	Speed     float64 `json:"points_per_second"`
	CPU       float64 `json:"cpu_seconds_per_million"`
	PeakRSS   int64   `json:"peak_rss_bytes"` // looked at every 20 ms
}

func (r BacktestRun) took() float64  { return r.Seconds }
func (r BacktestRun) speed() float64 { return r.Speed }
func (r BacktestRun) cpu() float64   { return r.CPU }
func (r BacktestRun) peak() float64  { return float64(r.PeakRSS) }

// all has a figure of each run.
func (w *BacktestWay) all(of func(BacktestRun) float64) (values []float64) {
	for _, run := range w.Runs {
		values = append(values, of(run))
	}
	return values
}

// ratios are those of two figures of the same round.
func ratios(these, those []float64) Spread {
	var all []float64
	for i := range min(len(these), len(those)) {
		all = append(all, Ratio(these[i], those[i]))
	}
	return SpreadOf(all)
}

func (b Backtest) title() string {
	return fmt.Sprintf("Backtest, %s entities, %d bins, %s points", Short(float64(b.Shape.Entities)), b.Shape.Bins, Short(float64(b.Shape.Points)))
}

func (b Backtest) table() string {
	header := []string{"source", "settings", "runs", "points/s (min - max)", "to scoring in memory (min - max)", "time to 1 setting", "CPU s/M", "CPU to 1 setting", "peak RSS", "file"}
	var score []float64
	var lines [][]string
	if len(b.Score) > 0 {
		var cpu, rss []float64
		for _, run := range b.Score {
			score, cpu, rss = append(score, run.Steady), append(cpu, run.SteadyCPU), append(rss, float64(run.PeakRSS))
		}
		lines = append(lines, []string{"scoring in memory, from Kafka", "1 setting", fmt.Sprint(len(score)), SpreadOf(score).text(Short) + mark(b.Score), "-", "-",
			Short(SpreadOf(cpu).Median), "-", megabytes(int64(SpreadOf(rss).Median)), "-"})
	}
	for i := range b.Ways {
		way := &b.Ways[i]
		line := []string{way.File, way.Label, fmt.Sprint(len(way.Runs)), SpreadOf(way.all(BacktestRun.speed)).text(Short),
			"-", "-", Short(SpreadOf(way.all(BacktestRun.cpu)).Median), "-",
			megabytes(int64(SpreadOf(way.all(BacktestRun.peak)).Median)), megabytes(way.Bytes)}
		if score != nil {
			line[4] = ratios(way.all(BacktestRun.speed), score).text(times)
		}
		// The ways of a file stand together, and the first one is what the others are compared with.
		first := &b.Ways[slices.IndexFunc(b.Ways, func(w BacktestWay) bool { return w.File == way.File })]
		if first != way {
			line[5] = times(ratios(way.all(BacktestRun.took), first.all(BacktestRun.took)).Median)
			line[7] = times(ratios(way.all(BacktestRun.cpu), first.all(BacktestRun.cpu)).Median)
		}
		lines = append(lines, line)
	}
	return Table(header, lines)
}
