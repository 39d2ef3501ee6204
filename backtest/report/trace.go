package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"anomalydetector/backtest"
	"anomalydetector/web/answers"
	"anomalydetector/web/look"
)

// trace is one entity: its values, and what each setting says of them.
type trace struct {
	ID           string
	Name, Beside string
	Named        bool
	Chart        *look.Chart
	Says         []string // at each setting
	Rows         []anomalyRow
	More         string // how many anomalies the table leaves out
	Labels       []labelRow
}

// anomalyRow is a point that is anomalous at some setting.
type anomalyRow struct {
	At    moment
	Value string
	Usual string // at the first setting that found it
	Cells []cell // each setting
}

// cell is a deviation; empty if the point is no anomaly there. Usual is empty if it is that of the row.
type cell struct{ Deviation, Side, Mean, Usual string }

// labelRow is a label of the entity.
type labelRow struct {
	Kind        string
	From, Until moment
}

// traceLink leads to the picture of an entity; empty if there is none.
func traceLink(r *backtest.Result, entity string) string {
	for i := range r.Traces {
		if r.Traces[i].Entity == entity {
			return "#" + traceID(i)
		}
	}
	return ""
}

func traceID(i int) string { return fmt.Sprintf("entity-%d", i+1) }

func tracesOf(r *backtest.Result) []trace {
	var all []trace
	room := roomFor(len(r.Traces), len(r.Settings))
	for i := range r.Traces {
		t := &r.Traces[i]
		v := trace{ID: traceID(i), Named: t.Named}
		v.Name, v.Beside = name(r.KeyFields, t.Fields, t.Entity)
		c := &canvas{r: r, Trace: t, id: v.ID, room: room}
		v.Chart = c.draw(v.Name)
		v.Says = c.says
		v.Rows, v.More = c.table()
		for _, l := range c.labels {
			v.Labels = append(v.Labels, labelRow{cmp.Or(l.Kind, "not said"), when(l.From), when(l.Until)})
		}
		v.Labels = v.Labels[:min(len(v.Labels), room.rows)]
		all = append(all, v)
	}
	return all
}

// table is the anomalies of the entity in order of time. If there are too many it has the farthest.
func (c *canvas) table() (rows []anomalyRow, more string) {
	reach := func(p backtest.TracePoint) (far float64) {
		for _, s := range p.Settings {
			if s.Anomalous {
				far = max(far, math.Abs(s.Deviation))
			}
		}
		return far
	}
	var found []int
	for i, p := range c.Points {
		if slices.ContainsFunc(p.Settings, func(s backtest.TraceVerdict) bool { return s.Anomalous }) {
			found = append(found, i)
		}
	}
	if n := len(found) - c.room.rows; n > 0 {
		slices.SortStableFunc(found, func(a, b int) int { return cmp.Compare(reach(c.Points[b]), reach(c.Points[a])) })
		found = found[:c.room.rows]
		slices.Sort(found)
		more = "The " + look.Group(len(found)) + " farthest of " + look.Group(len(found)+n) + "."
	}
	for _, i := range found {
		p := c.Points[i]
		row := anomalyRow{At: when(p.At), Value: number(p.Value), Usual: look.Unknown}
		for _, s := range p.Settings {
			x := cell{}
			if s.Anomalous {
				x = cell{Deviation: deviation(s.Deviation), Side: string(answers.SideOf(s.Deviation))}
				if s.Mean != 0 {
					x.Mean = meanText(s.Mean, s.MeanLimit)
				}
				switch usual := number(s.Usual); {
				case row.Usual == look.Unknown:
					row.Usual = usual
				case row.Usual != usual:
					x.Usual = usual
				}
			}
			row.Cells = append(row.Cells, x)
		}
		rows = append(rows, row)
	}
	return rows, more
}

// verdicts says what a setting found, and if the picture draws only some of it.
func verdicts(found, drawn int) string {
	text := look.Count(found, "anomaly", "anomalies")
	if drawn < found {
		text += ", " + look.Group(drawn) + " drawn"
	}
	return text
}

// dots is a path of points.
func dots(id string, side answers.Direction, points []look.Vertex) look.Dots {
	for i := range points {
		points[i].Apart = true
	}
	return look.Dots{ID: id + "-" + string(side), Side: side, Path: look.Line(points)}
}
