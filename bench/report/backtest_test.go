package report

import (
	"strings"
	"testing"
)

func TestBacktestsAreComparedRoundByRound(t *testing.T) {
	run := func(seconds, cpu float64) BacktestRun {
		return BacktestRun{Seconds: seconds, Speed: 1e6 / seconds, CPU: cpu, PeakRSS: 5e6}
	}
	b := Backtest{
		Score: []Run{{Steady: 2e6, SteadyCPU: 0.5}, {Steady: 1e6, SteadyCPU: 0.5}}, // the machine was slower in the second round
		Ways: []BacktestWay{
			{File: "csv.zst", Label: "1 setting", Runs: []BacktestRun{run(1, 1), run(2, 1)}},
			{File: "csv.zst", Label: "8 settings", Runs: []BacktestRun{run(3, 2), run(6, 2)}},
			{File: "jsonl.gz", Label: "1 setting", Runs: []BacktestRun{run(2, 1), run(4, 1)}},
		},
	}
	lines := strings.Split(strings.ReplaceAll(b.table(), " ", ""), "\n")
	for i, want := range map[int]string{
		2: "|scoringinmemory,fromKafka|1setting|2|1.50M(1.00M-2.00M)|-|-|0.50|-|0MB|-|",
		3: "|csv.zst|1setting|2|750k(500k-1.00M)|0.50x(0.50x-0.50x)|-|1.00|-|5MB|0MB|",
		4: "|csv.zst|8settings|2|250k(167k-333k)|0.17x(0.17x-0.17x)|3.00x|2.00|2.00x|5MB|0MB|",
		5: "|jsonl.gz|1setting|2|375k(250k-500k)|0.25x(0.25x-0.25x)|-|1.00|-|5MB|0MB|",
	} {
		if lines[i] != want {
			t.Errorf("line %d is\n%s, want\n%s", i, lines[i], want)
		}
	}
	b.Score = nil
	if lines = strings.Split(b.table(), "\n"); len(lines) != 6 || strings.Contains(lines[2], "Kafka") {
		t.Errorf("without scoring in memory the table is\n%s", strings.Join(lines, "\n"))
	}
}
