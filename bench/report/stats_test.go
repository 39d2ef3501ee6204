package report

import (
	"math"
	"testing"
	"time"
)

func TestPercentileIsTheNearestRank(t *testing.T) {
	hundred := make([]float64, 0, 100)
	for i := 100; i > 0; i-- {
		hundred = append(hundred, float64(i))
	}
	for name, c := range map[string]struct {
		values []float64
		p      float64
		want   float64
	}{
		"none":                 {nil, 50, 0},
		"one":                  {[]float64{7}, 99, 7},
		"half of two":          {[]float64{2, 1}, 50, 1},
		"half of three":        {[]float64{3, 1, 2}, 50, 2},
		"99 of a hundred":      {hundred, 99, 99},
		"all of a hundred":     {hundred, 100, 100},
		"nothing of a hundred": {hundred, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Percentile(c.values, c.p); got != c.want {
				t.Errorf("percentile %v is %v, want %v", c.p, got, c.want)
			}
		})
	}
}

func TestSpreadLeavesTheValuesInOrder(t *testing.T) {
	values := []float64{3, 1, 2, 10}
	if got, want := SpreadOf(values), (Spread{Median: 2.5, Min: 1, Max: 10}); got != want {
		t.Errorf("spread is %v, want %v", got, want)
	}
	if values[0] != 3 {
		t.Error("the values were sorted")
	}
	if got := SpreadOf(nil); got != (Spread{}) {
		t.Errorf("spread of nothing is %v", got)
	}
}

func TestRatioToNothingIsUnknown(t *testing.T) {
	if got := Ratio(1, 0); got != 0 {
		t.Errorf("1 to 0 is %v, want 0", got)
	}
	if got := Ratio(1, 4); got != 0.25 {
		t.Errorf("1 to 4 is %v, want 0.25", got)
	}
}

func TestSteadyPaceLeavesOutTheStart(t *testing.T) {
	at := func(seconds, points, cpu int) Sample {
		return Sample{time.Duration(seconds) * time.Second, int64(points), time.Duration(cpu) * time.Second}
	}
	samples := []Sample{at(0, 0, 0), at(4, 50, 3), at(5, 100, 4), at(7, 600, 6), at(8, 1000, 7)}
	pace := PaceOf(samples, 0)
	if pace.Steady != 300 || pace.Unsteady {
		t.Errorf("steady is %v points/s, want 300: 900 points in 3 s", pace.Steady)
	}
	if known := PaceOf(samples, 500); known.Steady != 400 {
		t.Errorf("steady after 500 points is %v points/s, want 400: the last 400 in 1 s", known.Steady)
	}
	if pace.Total != 125 {
		t.Errorf("total is %v points/s, want 125: 1000 points in 8 s", pace.Total)
	}
	if pace.First != 4*time.Second || pace.Whole != 8*time.Second {
		t.Errorf("first progress after %v and end after %v, want 4 s and 8 s", pace.First, pace.Whole)
	}
	if want := 3 / 900e-6; math.Abs(pace.SteadyCPU-want) > 1e-6 {
		t.Errorf("%v CPU seconds a million points, want %v", pace.SteadyCPU, want)
	}
	if pace.TotalCPU != 7000 {
		t.Errorf("%v CPU seconds a million points in all, want 7000", pace.TotalCPU)
	}
}

func TestPaceOfAllAtOnceSaysSo(t *testing.T) {
	pace := PaceOf([]Sample{{0, 0, 0}, {2 * time.Second, 10, time.Second}}, 0)
	if !pace.Unsteady || pace.Steady != 5 || pace.Total != 5 {
		t.Errorf("pace is %+v, want the total rate of 5, marked", pace)
	}
	if got := PaceOf(nil, 0); got != (Pace{}) {
		t.Errorf("pace of nothing is %+v", got)
	}
}
