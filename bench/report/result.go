package report

import "time"

// Result is the result of a run of the benchmarks. Parts that were not run are empty.
type Result struct {
	Began    time.Time         `json:"began"`
	Revision string            `json:"revision"` // of the source tree
	Machine  Machine           `json:"machine"`
	Settings map[string]string `json:"settings"` // of the command line
	Notes    []string          `json:"notes,omitempty"`

	Throughput []Row     `json:"throughput,omitempty"`
	Latency    []Latency `json:"latency,omitempty"`
	Burst      []Burst   `json:"burst,omitempty"`
	Partitions []Scale   `json:"scaling_by_partitions,omitempty"`
	Entities   []Scale   `json:"scaling_by_entities,omitempty"`
	Restart    []Restart `json:"restart,omitempty"`
	Memory     []Memory  `json:"memory,omitempty"`

	Moves     []Moves     `json:"moves,omitempty"`
	Questions []Questions `json:"questions,omitempty"`
	Total     []Total     `json:"total,omitempty"`
	Standby   []Standby   `json:"standby,omitempty"`

	Watched  *Watched   `json:"watched,omitempty"`
	Heap     []Heap     `json:"heap,omitempty"`
	Soak     *Soak      `json:"soak,omitempty"`
	Backtest []Backtest `json:"backtest,omitempty"`
}

// Machine is the machine that it ran on.
type Machine struct {
	Processor string `json:"processor"`
	CPUs      int    `json:"cpus"`
	MemoryMB  int64  `json:"memory_mb"`
	Kernel    string `json:"kernel"`
	Go        string `json:"go"`
	Load      string `json:"load_at_start"` // /proc/loadavg: shows whether others were at work
}

// Shape is the size of a topic.
type Shape struct {
	Points     int64 `json:"points"`
	Entities   int   `json:"entities"`
	Bins       int   `json:"bins"`
	Partitions int   `json:"partitions"`
}

// Run is one run of a system over a topic.
type Run struct {
	Steady          float64 `json:"steady_points_per_second"`
	Total           float64 `json:"total_points_per_second"` // from the start of the process
	Unsteady        bool    `json:"unsteady,omitempty"`      // too short for a steady rate: Steady is Total
	FirstSeconds    float64 `json:"first_progress_seconds"`
	WholeSeconds    float64 `json:"whole_seconds"`
	SteadyCPU       float64 `json:"steady_cpu_seconds_per_million"`
	TotalCPU        float64 `json:"total_cpu_seconds_per_million"`
	PeakRSS         int64   `json:"peak_rss_bytes"`
	Collector       int     `json:"collector_percent,omitempty"` // share of the processor time; of the detector only
	WrittenBytes    int64   `json:"written_bytes"`               // write_bytes of /proc/PID/io, after a clean stop
	DirectoryBytes  int64   `json:"directory_bytes"`             // disk blocks of the data directory
	WrittenPerPoint float64 `json:"written_per_point"`
	BytesPerLive    float64 `json:"directory_bytes_per_live_point"`
}

// RunOf makes a run of measurements. All entities are known after the first points, and
// the windows hold the live points in the end.
func RunOf(samples []Sample, first, peakRSS, written, directory, live int64) Run {
	pace := PaceOf(samples, first)
	points := float64(samples[len(samples)-1].Points)
	return Run{
		Steady: pace.Steady, Total: pace.Total, Unsteady: pace.Unsteady,
		FirstSeconds: pace.First.Seconds(), WholeSeconds: pace.Whole.Seconds(),
		SteadyCPU: pace.SteadyCPU, TotalCPU: pace.TotalCPU,
		PeakRSS: peakRSS, WrittenBytes: written, DirectoryBytes: directory,
		WrittenPerPoint: Ratio(float64(written), points),
		BytesPerLive:    Ratio(float64(directory), float64(live)),
	}
}

// Row is a system and its runs.
type Row struct {
	Name   string             `json:"name"` // one word
	Label  string             `json:"label"`
	Peer   bool               `json:"peer,omitempty"`  // another program than the detector
	Aside  bool               `json:"aside,omitempty"` // not in the chart
	Shape  Shape              `json:"shape"`
	Runs   []Run              `json:"runs"`
	Steady Spread             `json:"steady"`
	Total  Spread             `json:"total"`
	Ratios map[string]float64 `json:"ratios,omitempty"` // of the median steady rate to that of another row, by its name
}

// Compare computes the spreads of all rows, and their ratios to the limit and to the
// peers.
func Compare(rows []Row, limit string) {
	for i := range rows {
		r := &rows[i]
		r.Steady = r.spread(func(run Run) float64 { return run.Steady })
		r.Total = r.spread(func(run Run) float64 { return run.Total })
	}
	for i := range rows {
		rows[i].Ratios = make(map[string]float64)
		for _, other := range rows {
			if (other.Name == limit || other.Peer) && other.Name != rows[i].Name {
				rows[i].Ratios[other.Name] = Ratio(rows[i].Steady.Median, other.Steady.Median)
			}
		}
	}
}

func (r Row) spread(of func(Run) float64) Spread {
	values := make([]float64, 0, len(r.Runs))
	for _, run := range r.Runs {
		values = append(values, of(run))
	}
	return SpreadOf(values)
}

// Latency is the time from a point's append until a reader of committed records sees its
// anomaly.
type Latency struct {
	Stream string  `json:"stream"` // "idle", or the load's points/s
	Count  int     `json:"count"`
	P50    float64 `json:"p50_ms"`
	P99    float64 `json:"p99_ms"`
	Max    float64 `json:"max_ms"`
}

// LatencyOf takes milliseconds.
func LatencyOf(stream string, values []float64) Latency {
	return Latency{Stream: stream, Count: len(values),
		P50: Percentile(values, 50), P99: Percentile(values, 99), Max: Percentile(values, 100)}
}

// Burst is one bin of all entities at once. Times are from the moment it is readable.
type Burst struct {
	Bin          string  `json:"bin"`
	Points       int64   `json:"points"`
	Committed    float64 `json:"committed_seconds"`
	Checkpointed float64 `json:"checkpointed_seconds"` // at most
	PeakRSS      int64   `json:"peak_rss_bytes"`
}

// Scale is the detector on one of several topics that differ in one number.
type Scale struct {
	Shape  Shape  `json:"shape"`
	Runs   []Run  `json:"runs"`
	Steady Spread `json:"steady"`
}

// ScaleOf makes a Scale of runs.
func ScaleOf(shape Shape, runs []Run) Scale {
	return Scale{Shape: shape, Runs: runs, Steady: steadyOf(runs)}
}

// Restart is a start after SIGKILL.
type Restart struct {
	Entities       int       `json:"entities"`
	WindowPoints   int       `json:"window_points"`
	State          string    `json:"state"` // written or detected: how it was made
	DirectoryBytes int64     `json:"directory_bytes"`
	Seconds        []float64 `json:"seconds"` // from the process's start to the visible anomaly
	Spread         Spread    `json:"spread"`
	Bins           []float64 `json:"cold_bin_seconds,omitempty"` // of the first bin after a start, from its first append to its commit
	Bin            Spread    `json:"cold_bin"`
	ColdBins       []ColdBin `json:"cold_bins,omitempty"` // the same bins, with what they took
	PeakRSS        int64     `json:"peak_rss_bytes"`
}

// ColdBin is the first bin after a start. Each of its points loads a window.
type ColdBin struct {
	Seconds float64 `json:"seconds"`    // from its first append to its commit
	CPU     float64 `json:"cpu_us"`     // of the detector, a window
	Peak    int64   `json:"peak_bytes"` // RSS less mapped files, the most while it was scored
	Rest    int64   `json:"rest_bytes"` // the same after it, when the process returns no more memory to the system
	Next    int64   `json:"next_bytes"` // the same as Peak, while the next bin was scored
}

// Memory is what a detector holds with all windows full and cached.
type Memory struct {
	Entities     int   `json:"entities"`
	WindowPoints int   `json:"window_points"`
	Before       int64 `json:"before_bytes"` // RSS less mapped files, after the start, no entity cached
	After        int64 `json:"after_bytes"`  // the same a bin later, all entities cached
	Mapped       int64 `json:"mapped_bytes"` // mapped files, then
	Peak         int64 `json:"peak_rss_bytes"`
	Budget       int64 `json:"badger_budget_bytes"`

	// After less the budget, and After less Before, an entity. The first is too small, or
	// even negative, if Badger does not use its budget.
	PerEntity      float64 `json:"bytes_per_entity"`
	GrowthByEntity float64 `json:"growth_bytes_per_entity"`
}

// Completed returns it with the bytes an entity.
func (m Memory) Completed() Memory {
	m.PerEntity = Ratio(float64(m.After-m.Budget), float64(m.Entities))
	m.GrowthByEntity = Ratio(float64(m.After-m.Before), float64(m.Entities))
	return m
}
