package report

import (
	"testing"

	"anomalydetector/backtest"
)

// TestTableHasTheUsualValueOfTheSettingThatFoundTheAnomaly, and of a further one if it differs.
func TestTableHasTheUsualValueOfTheSettingThatFoundTheAnomaly(t *testing.T) {
	normal, value := backtest.TraceVerdict{Usual: 1, Scale: 1}, backtest.TraceVerdict{Usual: 2, Scale: 1, Anomalous: true, Deviation: 7}
	mean := backtest.TraceVerdict{Usual: 3, Scale: 1, Anomalous: true, Deviation: -8, Mean: -0.5, MeanLimit: 0.25}
	c := &canvas{Trace: &backtest.Trace{Points: []backtest.TracePoint{{Value: 9, Settings: []backtest.TraceVerdict{normal, value, value, mean}}}}, room: room{rows: 5}}
	rows, _ := c.table()
	if len(rows) != 1 || rows[0].Usual != number(2) {
		t.Fatalf("rows %+v", rows)
	}
	for i, want := range []cell{{}, {Deviation: "▲ +7.0", Side: "up"}, {Deviation: "▲ +7.0", Side: "up"}, {Deviation: "▼ −8.0", Side: "down", Mean: "mean −0.5, limit 0.25", Usual: number(3)}} {
		if rows[0].Cells[i] != want {
			t.Errorf("cell %d is %+v, want %+v", i, rows[0].Cells[i], want)
		}
	}
}
