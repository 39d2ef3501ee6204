package report

import (
	"strings"
	"testing"
)

// TestCollectorsAreComparedWithinARound, not by the medians of all rounds: the machine
// was half as fast in the second one.
func TestCollectorsAreComparedWithinARound(t *testing.T) {
	run := func(speed float64, peak int64) HeapRun {
		return HeapRun{Run: Run{Steady: speed, SteadyCPU: 1, PeakRSS: peak, Collector: 3}, PeakHeld: peak, RestHeld: peak / 2}
	}
	h := Heap{Shape: Shape{Points: 1e6, Entities: 1000, Bins: 1000}, Limit: 5e8, Ways: []HeapWay{
		{"as it is", []HeapRun{run(1e6, 100e6), run(5e5, 100e6)}},
		{"GOGC=400", []HeapRun{run(2e6, 300e6), run(1e6, 300e6)}},
	}}
	got := (&Result{Heap: []Heap{h}}).Text()
	for _, want := range []string{"Collector, 1.00 k entities, 1000 bins, 1.00 M points a run, full speed, GOMEMLIMIT 500 MB",
		"| GOGC=400  |    2 |", "300 MB (300 MB - 300 MB)", "150 MB (150 MB - 150 MB)",
		"| GOGC=400               |  2.000 (2.000 - 2.000) | 1.000 (1.000 - 1.000) | 3.000 (3.000 - 3.000) |"} {
		if !strings.Contains(got, want) {
			t.Errorf("the text is\n%s\nwithout %q", got, want)
		}
	}
}
