package report

import "fmt"

// Heap compares ways to run Go's collector. Run number i of one way is compared with
// run number i of another, as both are of the same round.
type Heap struct {
	Shape Shape     `json:"shape"`
	Slow  bool      `json:"slow,omitempty"`             // a bin a second; else at full speed
	Limit int64     `json:"gomemlimit_bytes,omitempty"` // of the way that has one
	Ways  []HeapWay `json:"ways"`                       // the first is what the others are compared with
}

// HeapWay is one way, and its runs.
type HeapWay struct {
	Label string    `json:"label"`
	Runs  []HeapRun `json:"runs"`
}

// HeapRun is a run, and the memory that it took without mapped files.
type HeapRun struct {
	Run
	PeakHeld int64 `json:"peak_held_bytes"` // looked at every 20 ms
	RestHeld int64 `json:"rest_held_bytes"` // after some seconds without points
}

func (w HeapWay) spread(of func(HeapRun) float64) Spread {
	var values []float64
	for _, run := range w.Runs {
		values = append(values, of(run))
	}
	return SpreadOf(values)
}

// to compares a way with another, pair by pair. A run that is not there is 0, which
// IntervalOf leaves out.
func (w HeapWay) to(other HeapWay, of func(HeapRun) float64) Interval {
	var ratios []float64
	for i := range min(len(w.Runs), len(other.Runs)) {
		ratios = append(ratios, Ratio(of(w.Runs[i]), of(other.Runs[i])))
	}
	return IntervalOf(ratios)
}

// heapFigures are what the ways are compared by.
var heapFigures = []struct {
	title string
	of    func(HeapRun) float64
	show  func(float64) string
}{
	{"steady points/s", func(r HeapRun) float64 { return r.Steady }, Short},
	{"CPU s/M", func(r HeapRun) float64 { return r.SteadyCPU }, Short},
	{"peak memory", func(r HeapRun) float64 { return float64(r.PeakHeld) }, func(x float64) string { return megabytes(int64(x)) }},
	{"at rest", func(r HeapRun) float64 { return float64(r.RestHeld) }, func(x float64) string { return megabytes(int64(x)) }},
}

func (h Heap) table() string {
	header, ratios := []string{"collector", "runs"}, []string{"collector, to " + h.Ways[0].Label}
	for _, figure := range heapFigures {
		header, ratios = append(header, figure.title+" (min - max)"), append(ratios, figure.title+" (95 %)")
	}
	header = append(header, "GC", "peak RSS")
	var lines, compared [][]string
	for i, way := range h.Ways {
		line, comparison := []string{way.Label, fmt.Sprint(len(way.Runs))}, []string{way.Label}
		for _, figure := range heapFigures {
			line = append(line, way.spread(figure.of).text(figure.show))
			comparison = append(comparison, way.to(h.Ways[0], figure.of).text())
		}
		gc := way.spread(func(r HeapRun) float64 { return float64(r.Collector) }).Median
		rss := way.spread(func(r HeapRun) float64 { return float64(r.PeakRSS) }).Median
		lines = append(lines, append(line, fmt.Sprintf("%.0f %%", gc), megabytes(int64(rss))))
		if i > 0 {
			compared = append(compared, comparison)
		}
	}
	return Table(header, lines) + "\n" + Table(ratios, compared)
}

func (h Heap) title() string {
	pace := "full speed, GOMEMLIMIT " + megabytes(h.Limit)
	if h.Slow {
		pace = "a bin a second"
	}
	return fmt.Sprintf("Collector, %s entities, %d bins, %s points a run, %s",
		Short(float64(h.Shape.Entities)), h.Shape.Bins, Short(float64(h.Shape.Points)), pace)
}
