package report

import (
	"fmt"
	"slices"
	"strings"
)

// Text is the result for people, as Markdown.
func (r *Result) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, revision %s, %d CPUs (%s), %s MB, load at start %s\n",
		r.Began.UTC().Format("2006-01-02 15:04 UTC"), r.Revision, r.Machine.CPUs, r.Machine.Processor,
		fmt.Sprint(r.Machine.MemoryMB), r.Machine.Load)
	part := func(title, table string, any bool) {
		if any {
			fmt.Fprintf(&b, "\n%s\n\n%s", title, table)
		}
	}
	part("Throughput, points/s", throughput(r.Throughput), len(r.Throughput) > 0)
	part("Alarm latency: append to visible", latencies(r.Latency), len(r.Latency) > 0)
	part("A burst: times from the moment it can be read", bursts(r.Burst), len(r.Burst) > 0)
	part("Scaling by partitions", scales(r.Partitions), len(r.Partitions) > 0)
	part("Scaling by entities", scales(r.Entities), len(r.Entities) > 0)
	part("Restart after SIGKILL: process start to visible anomaly", restarts(r.Restart), len(r.Restart) > 0)
	part("Memory with full windows", memories(r.Memory), len(r.Memory) > 0)
	for _, m := range r.Moves {
		part(m.title(), m.table(), true)
	}
	part("Questions while points are processed", questions(r.Questions), len(r.Questions) > 0)
	part("What several nodes do together", totals(r.Total), len(r.Total) > 0)
	part("Standbys of all partitions", standbys(r.Standby), len(r.Standby) > 0)
	if r.Watched != nil {
		part("Watchers at full speed", watched(r.Watched), true)
	}
	for _, h := range r.Heap {
		part(h.title(), h.table(), true)
	}
	for _, one := range r.Backtest {
		part(one.title(), one.table(), true)
	}
	if r.Soak != nil {
		part("Soak", r.Soak.text(), true)
	}
	for _, note := range r.Notes {
		fmt.Fprintf(&b, "\nNote: %s\n", note)
	}
	return b.String()
}

func throughput(rows []Row) string {
	header := []string{"system", "runs", "points", "steady (min - max)", "incl. start-up"}
	var others []string
	for _, row := range rows {
		for name := range row.Ratios {
			if !slices.Contains(others, name) {
				others = append(others, name)
			}
		}
	}
	slices.SortFunc(others, func(a, b string) int { return position(rows, a) - position(rows, b) })
	for _, name := range others {
		header = append(header, "to "+name)
	}
	header = append(header, "CPU s/M", "GC", "peak RSS", "written B/point", "dir B/live point")
	var lines [][]string
	for _, row := range rows {
		cpu := row.spread(func(r Run) float64 { return r.SteadyCPU })
		written := row.spread(func(r Run) float64 { return r.WrittenPerPoint })
		collector := "-"
		if gc := row.spread(func(r Run) float64 { return float64(r.Collector) }).Median; gc > 0 {
			collector = fmt.Sprintf("%.0f %%", gc)
		}
		dir := row.spread(func(r Run) float64 { return r.BytesPerLive })
		rss := row.spread(func(r Run) float64 { return float64(r.PeakRSS) })
		line := []string{row.Label, fmt.Sprint(len(row.Runs)), Short(float64(row.Shape.Points)),
			row.Steady.text(Short) + mark(row.Runs), Short(row.Total.Median)}
		for _, name := range others {
			line = append(line, times(row.Ratios[name]))
		}
		lines = append(lines, append(line, Short(cpu.Median), collector, megabytes(int64(rss.Median)), Short(written.Median), Short(dir.Median)))
	}
	return Table(header, lines)
}

// mark is a star if a run was too short for a steady rate.
func mark(runs []Run) string {
	if slices.ContainsFunc(runs, func(r Run) bool { return r.Unsteady }) {
		return " *"
	}
	return ""
}

func position(rows []Row, name string) int {
	return slices.IndexFunc(rows, func(r Row) bool { return r.Name == name })
}

func latencies(list []Latency) string {
	var lines [][]string
	for _, l := range list {
		lines = append(lines, []string{l.Stream, fmt.Sprint(l.Count), fmt.Sprintf("%.0f ms", l.P50),
			fmt.Sprintf("%.0f ms", l.P99), fmt.Sprintf("%.0f ms", l.Max)})
	}
	return Table([]string{"stream", "alarms", "p50", "p99", "max"}, lines)
}

func bursts(list []Burst) string {
	var lines [][]string
	for _, burst := range list {
		lines = append(lines, []string{burst.Bin, Short(float64(burst.Points)),
			seconds(burst.Committed), seconds(burst.Checkpointed), megabytes(burst.PeakRSS)})
	}
	return Table([]string{"bin", "points", "committed", "checkpointed (at most)", "peak RSS"}, lines)
}

func scales(list []Scale) string {
	var lines [][]string
	for _, s := range list {
		lines = append(lines, []string{fmt.Sprintf("%s, %s entities", count(s.Shape.Partitions, "partition"), Short(float64(s.Shape.Entities))),
			Short(float64(s.Shape.Points)), fmt.Sprint(s.Shape.Bins), s.Steady.text(Short) + mark(s.Runs)})
	}
	return Table([]string{"topic", "points", "bins", "steady points/s (min - max)"}, lines)
}

func restarts(list []Restart) string {
	var lines [][]string
	for _, r := range list {
		var cpu, peak, rest, next []float64
		for _, bin := range r.ColdBins {
			cpu, peak, rest, next = append(cpu, bin.CPU), append(peak, float64(bin.Peak)), append(rest, float64(bin.Rest)), append(next, float64(bin.Next))
		}
		lines = append(lines, []string{Short(float64(r.Entities)), fmt.Sprint(r.WindowPoints), r.State,
			megabytes(r.DirectoryBytes), fmt.Sprint(len(r.Seconds)), r.Spread.text(seconds), r.Bin.text(seconds),
			fmt.Sprintf("%.1f us", SpreadOf(cpu).Median), megabytes(int64(SpreadOf(peak).Median)), megabytes(int64(SpreadOf(rest).Median)),
			megabytes(int64(SpreadOf(next).Median)), megabytes(r.PeakRSS)})
	}
	return Table([]string{"entities", "points each", "state", "directory", "runs", "time (min - max)", "first bin after a start",
		"its CPU a window", "its peak memory", "memory after it", "peak in the next bin", "peak RSS"}, lines)
}

func memories(list []Memory) string {
	var lines [][]string
	for _, m := range list {
		lines = append(lines, []string{Short(float64(m.Entities)), fmt.Sprint(m.WindowPoints), megabytes(m.Before), megabytes(m.After),
			megabytes(m.Mapped), megabytes(m.Peak), megabytes(m.Budget), Short(m.PerEntity) + " B", Short(m.GrowthByEntity) + " B"})
	}
	return Table([]string{"entities", "points each", "before", "after", "mapped files", "peak RSS", "Badger's budget",
		"(after - budget)/entity", "(after - before)/entity"}, lines)
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
