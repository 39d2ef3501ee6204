package report

import (
	"math"
	"slices"

	"anomalydetector/backtest"
)

// room is how much a picture may hold, so that the page stays small however many pictures and points there are.
type room struct {
	columns int // of the values: each has its lowest and its highest
	band    int // points of a setting's band
	dots    int // anomalies of a setting
	rows    int // of the table of anomalies
}

func roomFor(traces, settings int) room {
	pictures := max(1, traces)
	layers := pictures * max(1, settings)
	return room{
		columns: min(max(12000/pictures, 200), 700), band: min(max(30000/layers, 120), 600),
		dots: min(max(20000/layers, 60), 400), rows: min(max(600/pictures, 20), 60),
	}
}

// thinned are the points of a trace that its picture draws, as indices in their order, and the anomalies of each setting
// among them.
type thinned struct {
	points []int
	dots   [][]int
}

// thin keeps the lowest and the highest value of each column of the picture. Of a setting's anomalies it keeps all if there is
// room, else the farthest of each column.
func thin(t *backtest.Trace, settings int, room room) thinned {
	var kept thinned
	keep := make([]bool, len(t.Points))
	columns := columnsOf(t, room.columns)
	for _, column := range columns {
		low, high := column[0], column[0]
		for i := column[0]; i < column[1]; i++ {
			if t.Points[i].Value < t.Points[low].Value {
				low = i
			}
			if t.Points[i].Value >= t.Points[high].Value {
				high = i
			}
		}
		keep[low], keep[high] = true, true
	}
	for setting := range settings {
		dots := dotsOf(t, setting, room.dots)
		for _, i := range dots {
			keep[i] = true
		}
		kept.dots = append(kept.dots, dots)
	}
	for i, is := range keep {
		if is {
			kept.points = append(kept.points, i)
		}
	}
	return kept
}

// columnsOf cuts the points into at most n equal spans of time. It returns the indices at which the points of each begin and
// end. If there are few points, each has a column of its own.
func columnsOf(t *backtest.Trace, n int) [][2]int {
	var columns [][2]int
	if len(t.Points) <= 2*n {
		for i := range t.Points {
			columns = append(columns, [2]int{i, i + 1})
		}
		return columns
	}
	from, until := spanOf(t)
	length := float64(until-from) + 1
	last := -1
	for i, p := range t.Points {
		column := int(float64(p.At-from) / length * float64(n))
		if column == last {
			columns[len(columns)-1][1] = i + 1
			continue
		}
		columns = append(columns, [2]int{i, i + 1})
		last = column
	}
	return columns
}

// spanOf is the times of the earliest and the latest point. A late point may stand behind newer ones.
func spanOf(t *backtest.Trace) (from, until int64) {
	from, until = math.MaxInt64, math.MinInt64
	for _, p := range t.Points {
		from, until = min(from, p.At), max(until, p.At)
	}
	return from, until
}

// dotsOf are the anomalies of a setting; of each column the farthest on both sides if there are more than most.
func dotsOf(t *backtest.Trace, setting, most int) []int {
	var all []int
	for i, p := range t.Points {
		if p.Settings[setting].Anomalous {
			all = append(all, i)
		}
	}
	if len(all) <= most {
		return all
	}
	farthest := map[int]bool{}
	for _, column := range columnsOf(t, most/2) {
		up, down := -1, -1
		for i := column[0]; i < column[1]; i++ {
			v := t.Points[i].Settings[setting]
			if !v.Anomalous {
				continue
			}
			if v.Deviation < 0 && (down < 0 || v.Deviation < t.Points[down].Settings[setting].Deviation) {
				down = i
			}
			if v.Deviation >= 0 && (up < 0 || v.Deviation > t.Points[up].Settings[setting].Deviation) {
				up = i
			}
		}
		if up >= 0 {
			farthest[up] = true
		}
		if down >= 0 {
			farthest[down] = true
		}
	}
	return slices.DeleteFunc(all, func(i int) bool { return !farthest[i] })
}
