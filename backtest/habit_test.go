package backtest

import (
	"reflect"
	"slices"
	"testing"

	"anomalydetector/backtest/source"
	"anomalydetector/detection"
)

// TestMethodsSideBySide has settings of both methods, in turn. Those of the original find what they find alone, and those of habit what
// the state says of each entity, in the result and in the traces.
func TestMethodsSideBySide(t *testing.T) {
	s := random(t, 9, 3, 350)
	alone := s.run()
	alone.Named = []string{s.rows[0].key}
	both := alone
	both.Settings = nil
	var rules []detection.HabitRules
	for i, original := range alone.Settings {
		habit := original
		habit.Rules.Method, habit.Rules.HistoryHours, habit.Rules.MinRatio = detection.HabitMethod, 72, 0.2
		habit.Rules.Threshold = 3 + float64(i)
		rules = append(rules, detection.NewHabitRules(habit.Rules))
		both.Settings = append(both.Settings, original, habit)
	}
	type found struct {
		at        int64
		entity    string
		usual     float64
		scale     float64
		deviation float64
		test      detection.Test
	}
	got, want := make([][]found, len(rules)), make([][]found, len(rules))
	both.Anomaly = func(setting int, a *Anomaly, _ *source.Block, _ *source.Row) error {
		if setting%2 == 1 {
			got[setting/2] = append(got[setting/2], found{a.At, a.Entity, a.Usual, a.Scale, a.Deviation, a.Test})
		}
		return nil
	}
	result, before := must(t, s.open(t), both), must(t, s.open(t), alone)
	states := map[string][]detection.Habit{}
	scored := make([]int64, len(rules))
	var traced []TraceVerdict
	for _, r := range s.rows {
		if r.bad != "" {
			continue
		}
		if states[r.key] == nil {
			states[r.key] = make([]detection.Habit, len(rules))
		}
		for k := range rules {
			j := states[r.key][k].Add(&rules[k], 1, r.at, r.value)
			if j.Reason != detection.TooFewPoints {
				scored[k]++
			}
			if j.Reason == detection.Anomalous {
				want[k] = append(want[k], found{r.at, r.key, j.Median, j.Scale, j.Deviation, j.Test})
			}
			if r.key == s.rows[0].key && k == 0 && j.Reason != detection.TooFewPoints {
				v := TraceVerdict{Usual: j.Median, Scale: j.Scale, Anomalous: j.Reason == detection.Anomalous, Deviation: j.Deviation}
				if v.Anomalous && j.Test == detection.MeanTest {
					v.Mean, v.MeanLimit = j.Mean, j.Usual
				}
				traced = append(traced, v)
			}
		}
	}
	for k := range rules {
		if !reflect.DeepEqual(got[k], want[k]) || result.Settings[2*k+1].Scored != scored[k] || len(want[k]) == 0 {
			t.Errorf("setting %d: %d anomalies of %d scored, want %d of %d", 2*k+1, len(got[k]), result.Settings[2*k+1].Scored, len(want[k]), scored[k])
		}
		if a, b := result.Settings[2*k], before.Settings[k]; a.Anomalies != b.Anomalies || a.Episodes != b.Episodes || a.Scored != b.Scored || !reflect.DeepEqual(a.Loudest, b.Loudest) {
			t.Errorf("setting %d: %+v, alone %+v", 2*k, a, b)
		}
	}
	var drawn []TraceVerdict
	for i, p := range result.Traces[0].Points {
		if v := p.Settings[1]; v.Scale > 0 { // it was scored
			drawn = append(drawn, v)
		}
		if a, b := p.Settings[0], before.Traces[0].Points[i].Settings[0]; a != b && a.Scale > 0 {
			t.Errorf("point %d of the trace: %+v, alone %+v", i, a, b)
		}
	}
	if !slices.Equal(drawn, traced) || len(drawn) == 0 {
		t.Errorf("the trace has %d verdicts, want %d", len(drawn), len(traced))
	}
}
