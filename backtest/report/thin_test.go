package report

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"anomalydetector/backtest"
)

// traceOf is a random walk of which every n-th point or so is an anomaly.
func traceOf(points, every int, random *rand.Rand) *backtest.Trace {
	t, value := &backtest.Trace{}, 0.0
	for i := range points {
		value += random.NormFloat64()
		v := backtest.TraceVerdict{}
		if random.IntN(every) == 0 {
			v = backtest.TraceVerdict{Anomalous: true, Deviation: 9 * random.NormFloat64()}
		}
		t.Points = append(t.Points, backtest.TracePoint{At: int64(i) * 900000, Value: value, Settings: []backtest.TraceVerdict{v}})
	}
	return t
}

func TestThinningKeepsExtremesAndAnomalies(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		trace := traceOf(1+random.IntN(5000), 1+random.IntN(100), random)
		room := room{columns: 200, dots: 100}
		kept := thin(trace, 1, room)
		if most := 2*room.columns + room.dots; len(trace.Points) > 2*room.columns && len(kept.points) > most {
			t.Fatalf("%d of %d points are kept, at most %d should", len(kept.points), len(trace.Points), most)
		}
		if !slices.IsSorted(kept.points) || !slices.IsSorted(kept.dots[0]) {
			t.Fatal("the points are not in their order")
		}
		reach := func(indices []int, of func(int) float64) (low, high float64) {
			low, high = math.Inf(1), math.Inf(-1)
			for _, i := range indices {
				low, high = min(low, of(i)), max(high, of(i))
			}
			return low, high
		}
		var all, anomalies []int
		for i, p := range trace.Points {
			if all = append(all, i); p.Settings[0].Anomalous {
				anomalies = append(anomalies, i)
			}
		}
		value := func(i int) float64 { return trace.Points[i].Value }
		deviation := func(i int) float64 { return trace.Points[i].Settings[0].Deviation }
		for name, pair := range map[string][2][]int{"values": {all, kept.points}, "deviations": {anomalies, kept.dots[0]}} {
			of := value
			if name == "deviations" {
				of = deviation
			}
			low, high := reach(pair[0], of)
			if a, b := reach(pair[1], of); a != low || b != high {
				t.Errorf("the %s kept reach from %v to %v of %v to %v", name, a, b, low, high)
			}
		}
		if len(anomalies) <= room.dots && !slices.Equal(anomalies, kept.dots[0]) {
			t.Error("there is room for all anomalies, and some are not drawn")
		}
		for _, i := range kept.dots[0] {
			if !trace.Points[i].Settings[0].Anomalous || !slices.Contains(kept.points, i) {
				t.Error("a dot is no anomaly, or no point that is drawn")
			}
		}
	}
}

func TestLanesLoseNoAnomaly(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, step := range []int64{60000, 900000, 1000000, 3600000, 86400000} {
		r := &backtest.Result{Points: 1, Settings: make([]backtest.Outcome, 1)}
		r.From = 1_790_000_000_000
		var all int64
		for i := range int64(1 + random.IntN(2000)) {
			n := int64(random.IntN(3))
			all += n
			r.Until = r.From + i*step
			r.Settings[0].Hours = append(r.Settings[0].Hours, backtest.Hour{From: r.Until, Anomalies: n})
		}
		g := gridOf(r)
		if g.cells > mostCells+2 || g.from > r.From || g.until() <= r.Until {
			t.Errorf("step %d: %+v does not hold %d to %d in a few cells", step, g, r.From, r.Until)
		}
		v := lanesOf(r)
		if len(v.Each) != 1 {
			t.Fatal(len(v.Each))
		}
		var shown int64
		counts := make([]int64, g.cells)
		for _, h := range r.Settings[0].Hours {
			counts[g.cell(h.From)] += h.Anomalies
		}
		for _, n := range counts {
			if n > 0 {
				shown++
			}
		}
		if int64(len(v.Each[0].Cells)) != shown || v.Empty != (all == 0) {
			t.Errorf("step %d: %d cells for %d spans with anomalies", step, len(v.Each[0].Cells), shown)
		}
	}
}

func TestNamesOfSettingsAreShortened(t *testing.T) {
	for name, test := range map[string]struct {
		names, short []string
		varied       string
	}{
		"a grid":       {[]string{"threshold=3 dev_metric=mean", "threshold=5 dev_metric=mean"}, []string{"3 · mean", "5 · mean"}, "threshold · dev_metric"},
		"one key":      {[]string{"threshold=3", "threshold=5"}, []string{"threshold=3", "threshold=5"}, "setting"},
		"other keys":   {[]string{"a=3 b=2", "a=5 c=2"}, []string{"a=3 b=2", "a=5 c=2"}, "setting"},
		"another form": {[]string{"as configured"}, []string{"as configured"}, "setting"},
	} {
		if short, varied := shortened(test.names); !slices.Equal(short, test.short) || varied != test.varied {
			t.Errorf("%s: %q of %q", name, short, varied)
		}
	}
}
