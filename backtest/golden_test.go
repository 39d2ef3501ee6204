package backtest

import (
	"math"
	"path/filepath"
	"testing"
	"time"

	"anomalydetector/backtest/source"
	"anomalydetector/detection"
	"anomalydetector/episode"
	"anomalydetector/test/golden"
)

// TestGoldenCasesAreBitEqual at the settings of the case, whatever is tried beside them.
func TestGoldenCasesAreBitEqual(t *testing.T) {
	for _, name := range golden.Names {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join("..", "testdata", "golden", name)
			c, err := golden.Load(folder)
			if err != nil {
				t.Fatal(err)
			}
			options := source.Options{ValueField: c.Conf.IO.ValueField, KeyFields: c.Conf.IO.KeyFields}
			s := &stream{options: options, files: []string{filepath.Join(folder, "input.jsonl.gz")}}
			o := s.run()
			own := of(c)
			other := own
			other.Rules.Threshold *= 1.5
			o.Settings = append([]Setting{o.Settings[0], own}, append(o.Settings, other)...)
			got := make(map[int]float64)
			o.Anomaly = func(setting int, a *Anomaly, _ *source.Block, _ *source.Row) error {
				if setting == 1 {
					got[a.Place.Line-1] = a.Deviation
				}
				return nil
			}
			r := must(t, s.open(t), o)
			if r.Rows != int64(len(c.Records)) || r.Settings[1].Anomalies != int64(len(c.Expected)) || len(got) != len(c.Expected) {
				t.Errorf("%d rows of %d are read, and %d anomalies reported, want %d", r.Rows, len(c.Records), len(got), len(c.Expected))
			}
			for record, want := range c.Expected {
				if deviation, is := got[record]; !is || math.Float64bits(deviation) != math.Float64bits(want) {
					t.Errorf("record %d has the deviation %v, want %v", record, deviation, want)
				}
			}
		})
	}
}

// of is the setting of a configuration.
func of(c *golden.Case) Setting {
	d, minutes := c.Conf.Detection, c.Conf.IO.GranularityMinutes
	return Setting{Name: c.Conf.Name, Episodes: episode.DefaultRules(time.Duration(minutes*float64(time.Minute)), d.Threshold),
		Rules: detection.Settings{GranularityMinutes: minutes, HistoryHours: d.HistoryHours, MinRatio: d.MinRatio, Threshold: d.Threshold,
			MinDeviation: d.MinDeviation, Metric: map[string]detection.Metric{"mean": detection.MeanDeviation, "median": detection.MedianDeviation}[d.Metric]}}
}
