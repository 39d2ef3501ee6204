package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"anomalydetector/backtest"
	"anomalydetector/web/look"
)

// lanes is the anomalies over time, with a lane for each setting.
type lanes struct {
	look.Lanes
	Legend []string // the numbers of anomalies at which the colours begin
	Empty  bool
}

// widths are the lengths of a cell that people think in.
var widths = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	24 * time.Hour, 48 * time.Hour, 7 * 24 * time.Hour, 14 * 24 * time.Hour, 28 * 24 * time.Hour, 84 * 24 * time.Hour, 364 * 24 * time.Hour}

// mostCells is how many cells a lane has at most. More cannot be told apart.
const mostCells = 170

// grid is equal spans of time.
type grid struct {
	from, width int64 // Unix milliseconds
	cells       int
}

// gridOf is a grid over the datapoints. Its cells are no shorter than the spans of the counts: these are longer than an hour only
// if a setting has anomalies in more than 2,000 of them, and then mostCells makes the cells longer still.
func gridOf(r *backtest.Result) grid {
	least := max(time.Hour.Milliseconds(), r.Bin.Milliseconds(), (r.Until-r.From)/mostCells)
	width := least
	if i := slices.IndexFunc(widths, func(w time.Duration) bool { return w.Milliseconds() >= least }); i >= 0 {
		width = widths[i].Milliseconds()
	}
	from := r.From - mod(r.From, width)
	return grid{from, width, int((r.Until-from)/width) + 1}
}

func mod(a, b int64) int64 { return (a%b + b) % b }

func (g grid) cell(at int64) int { return min(max(0, int((at-g.from)/g.width)), g.cells-1) }

func (g grid) until() int64 { return g.from + int64(g.cells)*g.width }

func lanesOf(r *backtest.Result) *lanes {
	if r.Points == 0 {
		return nil
	}
	g := gridOf(r)
	plot := look.Plot{From: at(g.from), Until: at(g.until())}
	v := &lanes{Lanes: look.Lanes{By: "setting", Long: true, Ticks: plot.Ticks()}, Empty: true}
	v.Caption = "Anomalies over time by setting, " + between(g.from, g.until())
	if known := labelled(r, g); known != nil {
		v.Each = append(v.Each, *known)
	}
	counts := make([][]backtest.Hour, len(r.Settings))
	var most int64
	for i, s := range r.Settings {
		counts[i] = make([]backtest.Hour, g.cells)
		for _, h := range s.Hours {
			c := &counts[i][g.cell(h.From)]
			c.Anomalies += h.Anomalies
			c.Episodes += h.Episodes
			most = max(most, c.Anomalies)
		}
	}
	v.Empty = most == 0
	steps := amounts(most)
	for _, s := range steps {
		v.Legend = append(v.Legend, look.Group(s))
	}
	short, _ := shortened(namesOf(r))
	for i, s := range r.Settings {
		lane := look.Lane{Label: short[i], Full: s.Name}
		for j, c := range counts[i] {
			if c.Anomalies == 0 {
				continue
			}
			cell := g.box(j, 1)
			cell.Class = amount(c.Anomalies, steps)
			cell.Says = look.Count(c.Anomalies, "anomaly", "anomalies") + ", " + look.Count(c.Episodes, "episode opens", "episodes open")
			lane.Cells = append(lane.Cells, cell)
		}
		v.Each = append(v.Each, lane)
	}
	v.Stack()
	return v
}

// box is a number of cells of the picture.
func (g grid) box(cell, n int) look.Cell {
	from := g.from + int64(cell)*g.width
	return look.Cell{X: look.Percent(float64(cell) / float64(g.cells)), Width: look.Percent((float64(n) - 0.12) / float64(g.cells)),
		Span: between(from, from+int64(n)*g.width) + " UTC"}
}

// amounts are the numbers at which the colours begin: each is as many times the one before.
func amounts(most int64) []int64 {
	factor := math.Cbrt(float64(max(most, 1)))
	second := max(2, int64(math.Ceil(factor)))
	return []int64{1, second, max(second+1, int64(math.Ceil(factor*factor)))}
}

func amount(n int64, steps []int64) string {
	for i := len(steps) - 1; i > 0; i-- {
		if n >= steps[i] {
			return fmt.Sprintf("n%d", i+1)
		}
	}
	return "n1"
}

// labelled is a lane with the times of the labels; nil if there are none in the time that is shown.
func labelled(r *backtest.Result, g grid) *look.Lane {
	change, kinds := make([]int, g.cells+1), make([]map[string]bool, g.cells+1)
	some := false
	for _, l := range r.Labels {
		if l.Until < g.from || l.From >= g.until() {
			continue
		}
		some = true
		from := g.cell(max(l.From, g.from))
		change[from]++
		change[g.cell(l.Until)+1]--
		if kinds[from] == nil {
			kinds[from] = map[string]bool{}
		}
		kinds[from][l.Kind] = true
	}
	if !some {
		return nil
	}
	lane := &look.Lane{Label: "labelled", Full: "Labelled", All: true}
	open, begin := 0, 0
	said := map[string]bool{}
	for i := range g.cells + 1 {
		before := open
		open += change[i]
		if before == 0 && open > 0 {
			begin, said = i, map[string]bool{}
		}
		if before > 0 && open == 0 {
			cell := g.box(begin, i-begin)
			cell.Class, cell.Says = "known-edge", kindsIn(said)
			lane.Cells = append(lane.Cells, cell)
		}
		for kind := range kinds[i] {
			said[kind] = true
		}
	}
	return lane
}

// kindsIn names the kinds of labels.
func kindsIn(said map[string]bool) string {
	var names []string
	for kind := range said {
		if kind != "" {
			names = append(names, kind)
		}
	}
	slices.Sort(names)
	if len(names) > 5 {
		names = append(names[:5], "other kinds")
	}
	if len(names) == 0 {
		return "labelled"
	}
	return "labelled " + strings.Join(names, ", ")
}
