package report

import (
	"fmt"
	"math"
	"slices"
)

// Watched is what watchers cost a detector at full speed. Each round has one run of each
// kind, so run i of a kind is compared with run i of another.
type Watched struct {
	Shape     Shape  `json:"shape"`
	Streams   int    `json:"open_streams"`
	Off       []Run  `json:"runs_http_off"`
	Unwatched []Run  `json:"runs_unwatched"` // [http] is on, without clients
	Watched   []Run  `json:"runs_watched"`
	Paths     []Path `json:"paths"`

	Cost Pairs `json:"watched_to_unwatched"`
	HTTP Pairs `json:"unwatched_to_http_off"`
	All  Pairs `json:"watched_to_http_off"`
}

// Path counts the requests for a path, over all rounds.
type Path struct {
	Path     string `json:"path"`
	Asked    int    `json:"asked"`
	Answered int    `json:"answered"` // with 200
	Events   int    `json:"events,omitempty"`
	Bytes    int64  `json:"bytes"`
	Problem  string `json:"first_problem,omitempty"`
}

// Pairs compares runs of the same round, so that other load of the machine meets both.
type Pairs struct {
	Runs  int      `json:"pairs"`
	Speed Interval `json:"speed"` // ratio of the steady rates; below 1: slower
	CPU   Interval `json:"cpu"`   // ratio of the processor time a point; above 1: it costs more
}

// Interval is a ratio with its 95 % interval, if ratios are spread log-normally. One pair
// gives no interval: Low and High are -1.
type Interval struct {
	Ratio float64 `json:"ratio"` // geometric mean
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// MostCost is the largest part of its speed that a detector may lose by watchers.
const MostCost = 0.03

// Completed returns it with what follows from the runs.
func (w Watched) Completed() Watched {
	w.Cost, w.HTTP, w.All = pairs(w.Watched, w.Unwatched), pairs(w.Unwatched, w.Off), pairs(w.Watched, w.Off)
	return w
}

func pairs(these, those []Run) Pairs {
	var speed, cpu []float64
	for i := range min(len(these), len(those)) {
		speed = append(speed, Ratio(these[i].Steady, those[i].Steady))
		cpu = append(cpu, Ratio(these[i].SteadyCPU, those[i].SteadyCPU))
	}
	return Pairs{Runs: len(speed), Speed: IntervalOf(speed), CPU: IntervalOf(cpu)}
}

// student holds the 97.5 % quantiles of Student's distribution, from 1 degree of freedom on.
var student = []float64{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131}

// IntervalOf leaves out unknown ratios, which are 0.
func IntervalOf(ratios []float64) Interval {
	var logs []float64
	var sum float64
	for _, ratio := range ratios {
		if ratio > 0 {
			logs = append(logs, math.Log(ratio))
			sum += math.Log(ratio)
		}
	}
	n := len(logs)
	switch n {
	case 0:
		return Interval{Low: -1, High: -1}
	case 1:
		return Interval{Ratio: math.Exp(sum), Low: -1, High: -1}
	}
	mean, squares := sum/float64(n), 0.0
	for _, l := range logs {
		squares += (l - mean) * (l - mean)
	}
	wide := student[min(n-1, len(student))-1] * math.Sqrt(squares/float64(n-1)/float64(n))
	return Interval{Ratio: math.Exp(mean), Low: math.Exp(mean - wide), High: math.Exp(mean + wide)}
}

// Missing are the paths that were never answered with 200.
func (w Watched) Missing() (paths []string) {
	for _, p := range w.Paths {
		if p.Answered == 0 {
			paths = append(paths, p.Path)
		}
	}
	return paths
}

// LeastAnswered is the part of the requests that must be answered with 200.
const LeastAnswered = 0.99

// Answered counts the requests after the detector was ready, and those answered with 200.
func (w Watched) Answered() (answered, asked int) {
	for _, p := range w.Paths {
		answered, asked = answered+p.Answered, asked+p.Asked
	}
	return answered, asked
}

// Verdict is whether watchers cost at most MostCost. It fails if they cost more for sure,
// or if their requests were not answered.
func (w Watched) Verdict() (words string, fails bool) {
	speed := w.Cost.Speed
	answered, asked := w.Answered()
	switch limit := 1 - MostCost; {
	case len(w.Missing()) > 0:
		return fmt.Sprintf("not shown: there is no answer at %v", w.Missing()), true
	case float64(answered) < LeastAnswered*float64(asked):
		return fmt.Sprintf("not shown: of %d questions only %d were answered, want %.0f %%", asked, answered, LeastAnswered*100), true
	case speed.Low < 0:
		return "not shown: one pair of runs does not tell how far they scatter", false
	case speed.High < limit:
		return fmt.Sprintf("it does not hold: watchers cost more than %.0f %%", MostCost*100), true
	case speed.Low >= limit:
		return fmt.Sprintf("it holds: watchers cost at most %.0f %%", MostCost*100), false
	}
	return "not shown: the runs scatter too much; take more rounds", false
}

func (i Interval) text() string {
	if i.Low < 0 {
		return fmt.Sprintf("%.3f (scatter unknown)", i.Ratio)
	}
	return fmt.Sprintf("%.3f (%.3f - %.3f)", i.Ratio, i.Low, i.High)
}

func watched(w *Watched) string {
	var lines [][]string
	for _, row := range []struct {
		what string
		runs []Run
	}{{"[http] off", w.Off}, {"on, nobody asks", w.Unwatched}, {fmt.Sprintf("watched, %d streams", w.Streams), w.Watched}} {
		cpu := Row{Runs: row.runs}.spread(func(r Run) float64 { return r.SteadyCPU })
		lines = append(lines, []string{row.what, fmt.Sprint(len(row.runs)), steadyOf(row.runs).text(Short) + mark(row.runs), Short(cpu.Median)})
	}
	text := Table([]string{"detector", "runs", "steady points/s (min - max)", "CPU s/M"}, lines)
	lines = nil
	for _, row := range []struct {
		what string
		p    Pairs
	}{{"watched to nobody asks", w.Cost}, {"nobody asks to off", w.HTTP}, {"watched to off", w.All}} {
		lines = append(lines, []string{row.what, fmt.Sprint(row.p.Runs), row.p.Speed.text(), row.p.CPU.text()})
	}
	text += "\n" + Table([]string{"comparison", "pairs", "speed (95 %)", "CPU a point (95 %)"}, lines)
	lines = nil
	for _, p := range slices.Clone(w.Paths) {
		lines = append(lines, []string{p.Path, fmt.Sprint(p.Asked), fmt.Sprint(p.Answered), fmt.Sprint(p.Events), megabytes(p.Bytes), p.Problem})
	}
	words, _ := w.Verdict()
	answered, asked := w.Answered()
	return text + "\n" + Table([]string{"path", "asked", "answered", "events", "bytes", "first problem"}, lines) +
		fmt.Sprintf("\nonce it was ready, %d of %d questions were answered with 200\n", answered, asked) + words + "\n"
}
