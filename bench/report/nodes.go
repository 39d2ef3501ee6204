package report

import (
	"cmp"
	"fmt"
	"slices"
)

// Moves is how long partitions took to move from one node to another.
type Moves struct {
	Entities     int     `json:"entities"`
	WindowPoints int     `json:"window_points"`
	Session      float64 `json:"session_timeout_seconds"` // after which a silent node counts as gone
	Rows         []Moved `json:"rows"`
}

// Moved is a way to get the windows, an event, and the moves that followed it.
type Moved struct {
	Way    string `json:"way"`
	Event  string `json:"event"`
	Silent bool   `json:"silent"` // the others learn of the event by the session timeout only
	Runs   []Move `json:"runs"`

	First    Spread `json:"first_seconds"`
	All      Spread `json:"all_seconds"`
	Reported Spread `json:"reported_seconds"`
	Longest  Spread `json:"longest_seconds"`
	Above    Spread `json:"above_session_timeout_seconds"` // of All, if the event is silent
}

// Move is one move. Its seconds are from the event until an alarm that was raised after the
// event, and reported by the new owner, is visible.
type Move struct {
	Partitions int     `json:"partitions"`       // that moved
	First      float64 `json:"first_seconds"`    // in the first of them
	All        float64 `json:"all_seconds"`      // in all of them
	Reported   float64 `json:"reported_seconds"` // in all of them, before readers see it
	Longest    float64 `json:"longest_seconds"`  // the longest time from an alarm's append until it is visible
	Taken      int     `json:"windows_taken"`    // partitions whose windows came from another node
	PeakRSS    int64   `json:"peak_rss_bytes"`   // of the new owner
}

// Add adds a run to its row.
func (m *Moves) Add(way, event string, silent bool, run Move) {
	at := slices.IndexFunc(m.Rows, func(r Moved) bool { return r.Way == way && r.Event == event })
	if at < 0 {
		at = len(m.Rows)
		m.Rows = append(m.Rows, Moved{Way: way, Event: event, Silent: silent})
	}
	r := &m.Rows[at]
	r.Runs = append(r.Runs, run)
	r.First = r.spread(func(run Move) float64 { return run.First })
	r.All = r.spread(func(run Move) float64 { return run.All })
	r.Reported = r.spread(func(run Move) float64 { return run.Reported })
	r.Longest = r.spread(func(run Move) float64 { return run.Longest })
	if silent {
		r.Above = r.spread(func(run Move) float64 { return run.All - m.Session })
	}
}

// Sort groups the rows by event, in the order in which events were first added.
func (m *Moves) Sort() {
	var events []string
	for _, row := range m.Rows {
		events = append(events, row.Event)
	}
	slices.SortStableFunc(m.Rows, func(a, b Moved) int {
		return cmp.Compare(slices.Index(events, a.Event), slices.Index(events, b.Event))
	})
}

func (r *Moved) spread(of func(Move) float64) Spread {
	values := make([]float64, 0, len(r.Runs))
	for _, run := range r.Runs {
		values = append(values, of(run))
	}
	return SpreadOf(values)
}

func (m *Moves) title() string {
	return fmt.Sprintf("Moves: %s entities with %d points each, a session timeout of %s", Short(float64(m.Entities)), m.WindowPoints, seconds(m.Session))
}

func (m *Moves) table() string {
	var lines [][]string
	for _, r := range m.Rows {
		above, partitions, taken, rss := "-", 0, 0, int64(0)
		if r.Silent {
			above = r.Above.text(seconds)
		}
		for _, run := range r.Runs {
			partitions += run.Partitions
			taken += run.Taken
			rss = max(rss, run.PeakRSS)
		}
		lines = append(lines, []string{r.Event, r.Way, fmt.Sprint(len(r.Runs)), seconds(r.First.Median), r.All.text(seconds), above,
			r.Reported.text(seconds), r.Longest.text(seconds), fmt.Sprintf("%d of %d", taken, partitions), megabytes(rss)})
	}
	return Table([]string{"event", "way", "runs", "first partition", "all partitions (min - max)", "above the session timeout",
		"all reported", "longest wait of an alarm", "windows taken", "peak RSS"}, lines)
}

// Questions is the latency of questions about entities while nodes work, and what the
// questions cost the nodes.
type Questions struct {
	Nodes   int     `json:"nodes"`
	Rate    float64 `json:"questions_per_second"`
	Shape   Shape   `json:"shape"`
	Asked   int     `json:"asked"`
	Errors  int     `json:"errors"`
	Partial int     `json:"partial"`
	Unknown int     `json:"unknown"` // complete answers that the entity is not known
	Latency Latency `json:"latency"` // of answers, from the due time of the question
	Without []Run   `json:"runs_without"`
	With    []Run   `json:"runs_with"`

	SteadyWithout Spread  `json:"steady_without"`
	SteadyWith    Spread  `json:"steady_with"`
	Ratio         float64 `json:"with_to_without"`
}

// Completed returns it with the latencies, in milliseconds, and with what follows from the runs.
func (q Questions) Completed(milliseconds []float64) Questions {
	q.Latency = LatencyOf("questions", milliseconds)
	q.SteadyWithout, q.SteadyWith = steadyOf(q.Without), steadyOf(q.With)
	q.Ratio = Ratio(q.SteadyWith.Median, q.SteadyWithout.Median)
	return q
}

func questions(list []Questions) string {
	var lines [][]string
	for _, q := range list {
		lines = append(lines, []string{fmt.Sprintf("%s a second", digits(q.Rate)), fmt.Sprint(q.Nodes), fmt.Sprint(q.Asked),
			fmt.Sprintf("%.1f ms", q.Latency.P50), fmt.Sprintf("%.1f ms", q.Latency.P99), fmt.Sprintf("%.1f ms", q.Latency.Max),
			fmt.Sprint(q.Errors), fmt.Sprint(q.Partial), fmt.Sprint(q.Unknown),
			q.SteadyWithout.text(Short) + mark(q.Without), q.SteadyWith.text(Short) + mark(q.With), times(q.Ratio)})
	}
	return Table([]string{"questions", "nodes", "asked", "p50", "p99", "max", "errors", "partial", "nothing known",
		"points/s without (min - max)", "points/s with (min - max)", "ratio"}, lines)
}

// Standby is what the standbys of all partitions of a stream cost.
type Standby struct {
	Partitions int          `json:"partitions"`
	Rate       int          `json:"points_per_second"`
	Seconds    float64      `json:"seconds"` // of each run
	Without    []StandbyRun `json:"runs_without"`
	With       []StandbyRun `json:"runs_with"`

	CoreWithout Spread  `json:"core_without_percent"`
	CoreWith    Spread  `json:"core_with_percent"`
	Cost        float64 `json:"cost_percent"` // of a core: the difference of the medians
}

// StandbyRun is what two nodes used together.
type StandbyRun struct {
	Core        float64 `json:"core_percent"`
	Connections int     `json:"new_connections"` // to brokers
	Followed    float64 `json:"followed_records_per_second"`
}

// Completed returns it with what follows from the runs.
func (s Standby) Completed() Standby {
	core := func(runs []StandbyRun) Spread {
		var values []float64
		for _, run := range runs {
			values = append(values, run.Core)
		}
		return SpreadOf(values)
	}
	s.CoreWithout, s.CoreWith = core(s.Without), core(s.With)
	s.Cost = s.CoreWith.Median - s.CoreWithout.Median
	return s
}

func standbys(list []Standby) string {
	most := func(runs []StandbyRun) string {
		count := 0
		for _, run := range runs {
			count = max(count, run.Connections)
		}
		return fmt.Sprint(count)
	}
	percent := func(value float64) string { return fmt.Sprintf("%.1f %%", value) }
	var lines [][]string
	for _, s := range list {
		lines = append(lines, []string{fmt.Sprintf("%d, %s points/s", s.Partitions, Short(float64(s.Rate))), fmt.Sprint(len(s.With)),
			s.CoreWithout.text(percent), s.CoreWith.text(percent), percent(s.Cost), most(s.Without), most(s.With)})
	}
	return Table([]string{"partitions", "runs", "core without (min - max)", "core with (min - max)", "the standbys",
		"new connections without", "new connections with"}, lines)
}

// Total is the throughput of a number of nodes together.
type Total struct {
	Nodes  int     `json:"nodes"`
	Shape  Shape   `json:"shape"`
	Runs   []Run   `json:"runs"` // CPU, memory and bytes are sums over the nodes
	Steady Spread  `json:"steady"`
	Ratio  float64 `json:"ratio_to_first"`
}

// CompareTotals computes the spreads, and compares each total with the first.
func CompareTotals(list []Total) []Total {
	for i := range list {
		list[i].Steady = steadyOf(list[i].Runs)
		list[i].Ratio = Ratio(list[i].Steady.Median, list[0].Steady.Median)
	}
	return list
}

func totals(list []Total) string {
	var lines [][]string
	for _, t := range list {
		row := Row{Runs: t.Runs}
		cpu := row.spread(func(r Run) float64 { return r.SteadyCPU })
		rss := row.spread(func(r Run) float64 { return float64(r.PeakRSS) })
		lines = append(lines, []string{fmt.Sprint(t.Nodes), fmt.Sprint(len(t.Runs)), Short(float64(t.Shape.Points)),
			t.Steady.text(Short) + mark(t.Runs), times(t.Ratio), Short(cpu.Median), megabytes(int64(rss.Median))})
	}
	return Table([]string{"nodes", "runs", "points", "steady points/s (min - max)", "to the first row", "CPU s/M", "peak RSS"}, lines)
}

func steadyOf(runs []Run) Spread {
	return Row{Runs: runs}.spread(func(r Run) float64 { return r.Steady })
}
