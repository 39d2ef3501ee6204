package detection

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// threeDays are the settings of AS hegemony: 288 points.
func threeDays(metric Metric) Rules {
	return NewRules(Settings{
		GranularityMinutes: 15, HistoryHours: 72, MinRatio: 0.6, Threshold: 5, MinDeviation: 0.01, Metric: metric,
	})
}

// running is a stream of noise over a full window.
type running struct {
	scorer *Scorer
	window Window
	values []float64
	count  int
}

func newRunning(metric Metric, next func(*rand.Rand) float64) *running {
	return newRunningOf(288, metric, next)
}

// newRunningOf makes a full window of that many points.
func newRunningOf(points int, metric Metric, next func(*rand.Rand) float64) *running {
	rules := NewRules(Settings{
		GranularityMinutes: 15, HistoryHours: float64(points) / 4, MinRatio: 0.6, Threshold: 5, MinDeviation: 0.01, Metric: metric,
	})
	r := rand.New(rand.NewPCG(1, 10))
	s := &running{scorer: NewScorer(rules), values: make([]float64, 65536)}
	for i := range s.values {
		s.values[i] = next(r)
	}
	for range 4 * points {
		s.add()
	}
	return s
}

func (s *running) add() Verdict {
	s.count++
	return s.window.Add(s.scorer, uint64(s.count), int64(s.count)*quarter, s.values[s.count%len(s.values)])
}

func TestNormalPointAllocatesNothing(t *testing.T) {
	for _, metric := range []Metric{MeanDeviation, MedianDeviation} {
		s := newRunning(metric, (*rand.Rand).NormFloat64)
		if n := testing.AllocsPerRun(5000, func() { s.add() }); n != 0 {
			t.Errorf("%v: %v allocations a point", metric, n)
		}
	}
}

func TestWindowIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(Window{}); n > 152 {
		t.Errorf("a Window is %d bytes, its comment says 152", n)
	}
	w := &newRunning(MeanDeviation, (*rand.Rand).NormFloat64).window
	if n := cap(w.points.words) * 8; n > 2688 {
		t.Errorf("a window of 289 points takes %d bytes", n)
	}
}

func TestReplayOfAnyLengthTakesBoundedRoom(t *testing.T) {
	for _, before := range []int64{0, 10, 1000} {
		rules := threeDays(MeanDeviation)
		var w Window
		for i := range before {
			w.Observe(&rules, 1, i*quarter, float64(i))
		}
		committed := w.Len()
		for i := range int64(20_000) {
			w.Observe(&rules, 2, (before+i)*quarter, float64(before+i))
		}
		if n := int(w.points.count); n > 2*(committed+w.Len()) {
			t.Errorf("room for %d points, after %d committed ones and %d in the window", n, committed, w.Len())
		}
		w.Rollback(2)
		if w.Len() != committed {
			t.Errorf("%d points rolled back, want %d", w.Len(), committed)
		}
		i := before - int64(committed)
		for at, value := range w.All() {
			if at != i*quarter || value != float64(i) {
				t.Fatalf("point of %d is %v, want that of %d", at, value, i*quarter)
			}
			i++
		}
	}
}

func BenchmarkAdd(b *testing.B) {
	kinds := []struct {
		name      string
		threshold float64 // 0: that of the settings
		next      func(*rand.Rand) float64
	}{
		{"noise", 0, (*rand.Rand).NormFloat64},
		{"half anomalies", 0.6, (*rand.Rand).NormFloat64},
		{"mostly zero", 0, func(r *rand.Rand) float64 { return max(0, r.NormFloat64()-1) }},
		{"equal", 0, func(*rand.Rand) float64 { return 0.25 }},
		{"2% anomalies", 0, func(r *rand.Rand) float64 {
			if r.IntN(50) == 0 {
				return 100 * r.NormFloat64()
			}
			return r.NormFloat64()
		}},
	}
	for _, metric := range []Metric{MeanDeviation, MedianDeviation} {
		for _, kind := range kinds {
			b.Run(metric.String()+"/"+kind.name, func(b *testing.B) {
				s := newRunning(metric, kind.next)
				s.scorer.rules.threshold = cmp.Or(kind.threshold, s.scorer.rules.threshold)
				anomalies := 0
				b.ReportAllocs()
				for b.Loop() {
					if s.add().Reason == Anomalous {
						anomalies++
					}
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "points/s")
				b.ReportMetric(float64(anomalies)/float64(b.N), "anomalies/point")
			})
		}
	}
}

// BenchmarkAddByWindow shows what a point costs by the length of the window, with random values.
func BenchmarkAddByWindow(b *testing.B) {
	for _, metric := range []Metric{MeanDeviation, MedianDeviation} {
		for _, points := range []int{12, 288, 2_880, 28_800} {
			b.Run(fmt.Sprintf("%v/%d", metric, points), func(b *testing.B) {
				s := newRunningOf(points, metric, (*rand.Rand).NormFloat64)
				b.ReportAllocs()
				for b.Loop() {
					s.add()
				}
			})
		}
	}
}

// BenchmarkAddInTurn shows what a point costs while many windows take turns, so that none is in the
// processor's caches.
func BenchmarkAddInTurn(b *testing.B) {
	const windows = 20_000
	scorer := NewScorer(threeDays(MeanDeviation))
	random := rand.New(rand.NewPCG(1, 11))
	all := make([]Window, windows)
	bin := int64(0)
	round := func(count int) {
		for i := range count {
			all[i].Add(scorer, uint64(bin), bin*quarter, random.Float64())
		}
		bin++
	}
	for range 300 {
		round(windows)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += windows {
		round(min(windows, b.N-done))
	}
}

func BenchmarkObserve(b *testing.B) {
	s := newRunning(MeanDeviation, (*rand.Rand).NormFloat64)
	b.ReportAllocs()
	for b.Loop() {
		s.count++
		s.window.Observe(s.scorer.Rules(), uint64(s.count), int64(s.count)*quarter, 1)
	}
}

func BenchmarkExactMean(b *testing.B) {
	values := newRunning(MeanDeviation, (*rand.Rand).NormFloat64).window.points.appendValues(nil)
	m := medianOf(values)
	for name, mean := range map[string]func() float64{
		"quick":    func() float64 { d, _ := quickMean(values, m); return d },
		"rational": func() float64 { return rationalMean(values, m) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				mean()
			}
		})
	}
}

func BenchmarkFirstAddAfterReplay(b *testing.B) {
	s := newRunning(MeanDeviation, (*rand.Rand).NormFloat64)
	for b.Loop() {
		s.window.screen = screen{}
		s.add()
	}
}
