package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"anomalydetector/backtest"
	"anomalydetector/backtest/labels"
	"anomalydetector/web/answers"
	"anomalydetector/web/look"
)

// canvas draws the picture of a trace.
type canvas struct {
	r *backtest.Result
	*backtest.Trace
	id    string
	room  room
	plot  look.Plot
	scale look.Scale
	kept  thinned

	// draw fills these in, too.
	says   []string       // what each setting found
	labels []labels.Label // of the entity, in the time that is shown and in its order
}

func (c *canvas) draw(name string) *look.Chart {
	chart := &look.Chart{Bare: true}
	chart.Label = "Values of " + name + " with the usual level, the band and the anomalies at each setting"
	from, until := spanOf(c.Trace)
	if len(c.Points) == 0 {
		from, until = c.r.From, c.r.Until
		chart.Note = "No point is known."
	}
	c.plot = look.Plot{From: at(from), Until: at(until + c.r.Bin.Milliseconds())}
	c.labels = c.labelsInPlot()
	c.scale = c.scaleOf()
	c.kept = thin(c.Trace, len(c.r.Settings), c.room)
	chart.Ticks, chart.Levels = c.plot.Ticks(), c.scale.Levels()
	chart.Path = c.values()
	c.gaps(chart)
	chart.Known = c.known()
	for i := range c.r.Settings {
		chart.Layers = append(chart.Layers, c.layer(i))
		found := 0
		for _, p := range c.Points {
			if p.Settings[i].Anomalous {
				found++
			}
		}
		c.says = append(c.says, verdicts(found, len(c.kept.dots[i])))
	}
	chart.Data = c.data()
	return chart
}

// scaleOf holds all values, and of the bands as much as leaves the values half of the picture.
func (c *canvas) scaleOf() look.Scale {
	var values, levels []float64
	low, high := math.Inf(1), math.Inf(-1)
	for _, p := range c.Points {
		values = append(values, p.Value)
		low, high = min(low, p.Value), max(high, p.Value)
	}
	beyond := (high - low) / 2
	for _, p := range c.Points {
		for i, s := range p.Settings {
			if !banded(s) {
				continue
			}
			reach := c.r.Settings[i].Rules.Threshold * s.Scale
			if high == low {
				levels = append(levels, s.Usual-reach, s.Usual+reach)
			} else {
				levels = append(levels, max(s.Usual-reach, low-beyond), min(s.Usual+reach, high+beyond))
			}
		}
	}
	return look.ScaleOf(values, slices.DeleteFunc(levels, func(v float64) bool { return answers.Finite(v) == nil }))
}

// banded tells whether a setting has a band at a point.
func banded(v backtest.TraceVerdict) bool { return !math.IsNaN(v.Usual) && !math.IsNaN(v.Scale) }

func (c *canvas) vertex(i int, value float64) look.Vertex {
	return look.Vertex{X: c.plot.At(at(c.Points[i].At)), Y: min(1, max(0, c.scale.At(value)))}
}

// column is the least time that can be seen.
func (c *canvas) column() int64 {
	return c.plot.Until.Sub(c.plot.From).Milliseconds() / int64(c.room.columns)
}

// values is the path of the values. It is cut where points are missing for long enough to see it.
func (c *canvas) values() string {
	least := max(c.r.Bin.Milliseconds()*3/2, c.column())
	var path []look.Vertex
	before := 0
	for _, i := range c.kept.points {
		v := c.vertex(i, c.Points[i].Value)
		for j := before + 1; j <= i; j++ {
			v.Apart = v.Apart || c.Points[j].At-c.Points[j-1].At > least
		}
		path = append(path, v)
		before = i
	}
	return look.Line(path)
}

// mostGaps is how many spans without a point a picture has at most: the longest.
const mostGaps = 60

func (c *canvas) gaps(chart *look.Chart) {
	type gap struct{ from, until int64 }
	var gaps []gap
	bin := c.r.Bin.Milliseconds()
	for i := 1; i < len(c.Points); i++ {
		if from, until := c.Points[i-1].At+bin, c.Points[i].At; until-from >= max(bin/2, c.column()/2, 1) {
			gaps = append(gaps, gap{from, until})
		}
	}
	slices.SortStableFunc(gaps, func(a, b gap) int { return cmp.Compare(b.until-b.from, a.until-a.from) })
	for _, g := range gaps[:min(len(gaps), mostGaps)] {
		box := c.plot.Box(at(g.from), at(g.until), "No point: "+between(g.from, g.until)+" UTC")
		if g.until-g.from < look.Skipped*bin {
			chart.Skipped = append(chart.Skipped, box)
		} else {
			chart.Missing = append(chart.Missing, box)
		}
	}
}

// layer is what one setting says.
func (c *canvas) layer(setting int) look.Layer {
	layer := look.Layer{Class: fmt.Sprintf("at at-%d", setting)}
	layer.Band, layer.Usual = c.band(setting)
	sides := map[answers.Direction][]look.Vertex{}
	for _, i := range c.kept.dots[setting] {
		side := answers.SideOf(c.Points[i].Settings[setting].Deviation)
		sides[side] = append(sides[side], c.vertex(i, c.Points[i].Value))
	}
	id := fmt.Sprintf("%s-%d", c.id, setting)
	layer.Up, layer.Down = dots(id, answers.Up, sides[answers.Up]), dots(id, answers.Down, sides[answers.Down])
	return layer
}

// band is an area and a line as paths, for each run of scored points.
func (c *canvas) band(setting int) (area, line string) {
	var areas strings.Builder
	var usual []look.Vertex
	type edge struct{ low, high look.Vertex }
	var run []edge
	end := func() {
		if len(run) > 1 {
			to := "M"
			for _, e := range run {
				fmt.Fprintf(&areas, "%s%.1f %.0f", to, e.high.X*1000, e.high.Y*1000)
				to = "L"
			}
			for _, e := range slices.Backward(run) {
				fmt.Fprintf(&areas, "L%.1f %.0f", e.low.X*1000, e.low.Y*1000)
			}
			areas.WriteString("Z")
		}
		run = run[:0]
	}
	reach, every := c.r.Settings[setting].Rules.Threshold, max(1, (len(c.Points)+c.room.band-1)/c.room.band)
	for i, p := range c.Points {
		v := p.Settings[setting]
		if !banded(v) {
			end()
			continue
		}
		last := i+1 == len(c.Points) || math.IsNaN(c.Points[i+1].Settings[setting].Usual)
		if len(run) > 0 && i%every != 0 && !last {
			continue
		}
		half := reach * v.Scale
		middle := c.vertex(i, v.Usual)
		middle.Apart = len(run) == 0
		usual = append(usual, middle)
		run = append(run, edge{c.vertex(i, v.Usual-half), c.vertex(i, v.Usual+half)})
	}
	end()
	return areas.String(), look.Line(usual)
}

func (c *canvas) labelsInPlot() []labels.Label {
	var all []labels.Label
	from, until := c.plot.From.UnixMilli(), c.plot.Until.UnixMilli()
	for _, l := range c.r.Labels {
		if l.Fits(c.Entity) && l.Until >= from && l.From < until {
			all = append(all, l)
		}
	}
	slices.SortStableFunc(all, func(a, b labels.Label) int { return cmp.Compare(a.From, b.From) })
	return all
}

// known are the labels as spans. Spans that would touch are one.
func (c *canvas) known() []look.Known {
	type span struct {
		from, until float64
		kinds       map[string]bool
		times       [2]int64
	}
	var spans []*span
	for _, l := range c.labels {
		from, until := max(0, c.plot.At(at(l.From))), min(1, c.plot.At(at(l.Until).Add(time.Millisecond)))
		until = max(until, from+0.003)
		if n := len(spans); n > 0 && from < spans[n-1].until+0.003 {
			last := spans[n-1]
			last.until, last.times[1] = max(last.until, until), max(last.times[1], l.Until)
			last.kinds[l.Kind] = true
			continue
		}
		spans = append(spans, &span{from, until, map[string]bool{l.Kind: true}, [2]int64{l.From, l.Until}})
	}
	var all []look.Known
	for i, s := range spans {
		k := look.Known{Box: look.Box{X: look.Percent(s.from), Width: look.Percent(s.until - s.from)}}
		k.Says = kindsIn(s.kinds)
		k.Label = strings.TrimPrefix(k.Says, "labelled ")
		k.Says += ", " + between(s.times[0], s.times[1]) + " UTC"
		next, before := 1.0, 0.0
		if i+1 < len(spans) {
			next = spans[i+1].from
		}
		if i > 0 {
			before = spans[i-1].until
		}
		k.Fit(s.from, s.until, before, next)
		all = append(all, k)
	}
	return all
}

// data is what the script's read-out needs, in columns.
func (c *canvas) data() look.ChartData {
	d := look.ChartData{From: c.plot.From.Unix(), Until: c.plot.Until.Unix(), Low: c.scale.Low, High: c.scale.High, Year: true}
	before, place := d.From, map[int]int{}
	for n, i := range c.kept.points {
		p := c.Points[i]
		seconds := at(p.At).Unix()
		d.Times, before = append(d.Times, seconds-before), seconds
		d.Heights = append(d.Heights, int(math.Round(c.scale.At(p.Value)*1000)))
		d.Texts = append(d.Texts, number(p.Value))
		place[i] = n
	}
	for setting := range c.r.Settings {
		found := map[int][2]string{}
		for _, i := range c.kept.dots[setting] {
			v := c.Points[i].Settings[setting]
			found[place[i]] = [2]string{deviation(v.Deviation), number(v.Usual)}
		}
		d.Layers = append(d.Layers, found)
	}
	return d
}
