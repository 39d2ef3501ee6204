package page

import (
	"fmt"
	"slices"
	"time"

	"anomalydetector/web/answers"
	"anomalydetector/web/look"
)

// chartView is the picture of a window.
type chartView struct {
	look.Chart
	Table []tableRow
}

// tableRow is an anomaly in the table below the picture.
type tableRow struct {
	At                      moment
	Value, Usual, Deviation string
	Note                    string
	Href                    string
	Selected                bool
}

func (s *shell) chart(e answers.Entity, chosen *answers.Anomaly) *chartView {
	bin := binOf(s.Detector)
	until := s.shown().Until
	if n := len(e.Window); n > 0 && e.Window[n-1].Time.After(until) {
		until = e.Window[n-1].Time.Add(bin)
	}
	if e.NextAt != nil && e.NextAt.After(until) {
		until = *e.NextAt
	}
	p := look.Plot{From: until.Add(-time.Duration(s.Hours) * time.Hour), Until: until}
	c := &chartView{Chart: look.Chart{Label: fmt.Sprintf("Values of the last %d hours with the usual level and band", s.Hours), Ticks: p.Ticks()}}
	if e.Method == answers.Habit {
		c.Label = fmt.Sprintf("Values of the last %d hours with what was expected of them", s.Hours)
	}
	points := slices.DeleteFunc(slices.Clone(e.Window), func(x answers.Point) bool { return x.Time.Before(p.From) })
	if len(points) == 0 {
		c.Note = "No point is known of these hours."
	}
	y := scaleOf(points, e)
	c.draw(e, points, p, y, bin)
	c.Levels = y.Levels()
	c.mark(s, e, p, y, chosen)
	c.Data.From, c.Data.Until, c.Data.Low, c.Data.High = p.From.Unix(), p.Until.Unix(), y.Low, y.High
	return c
}

func (c *chartView) draw(e answers.Entity, points []answers.Point, p look.Plot, y look.Scale, bin time.Duration) {
	var path []look.Vertex
	for i, point := range points {
		apart := i > 0 && point.Time.Sub(points[i-1].Time) > bin*3/2
		path = append(path, look.Vertex{X: p.At(point.Time), Y: y.At(point.Value), Apart: apart})
	}
	c.Path = look.Line(path)
	switch {
	case e.Method == answers.Habit:
		c.Course = look.CourseOf(edges(e, points, p, y, bin)) // it may be empty
	case e.Low != nil && e.High != nil:
		top, bottom := max(0, y.At(*e.High)), min(1, y.At(*e.Low))
		c.Band = &look.Box{X: look.Percent(top), Width: look.Percent(max(0, bottom-top))}
		c.Data.Band = "usual " + look.Number(e.Median) + ", normal " + look.Number(e.Low) + " to " + look.Number(e.High)
	}
	if e.Median != nil && e.Method != answers.Habit {
		c.Usual = look.Percent(y.At(*e.Median))
	}
	for _, m := range e.Missing {
		if !m.Until.After(p.From) {
			continue
		}
		if slices.ContainsFunc(e.Episodes, func(x answers.Episode) bool {
			return x.Kind == answers.Absence && x.OpenedAt.Before(m.Until) && (x.EndedAt == nil || x.EndedAt.After(m.From))
		}) {
			continue // it is shown as an absence
		}
		if slices.ContainsFunc(e.Gaps, func(x answers.Episode) bool {
			return !x.OpenedAt.After(m.From) && (x.EndedAt == nil || !x.EndedAt.Before(m.Until))
		}) {
			continue // it is shown as a gap
		}
		gap := p.Box(m.From, m.Until, "No point: "+window(m.From, m.Until))
		if m.Until.Sub(m.From) < look.Skipped*bin {
			c.Skipped = append(c.Skipped, gap)
		} else {
			c.Missing = append(c.Missing, gap)
		}
	}
	c.away(e, p)
	anomalies := map[int64]answers.Anomaly{}
	for _, a := range e.Anomalies {
		anomalies[a.Time.Unix()] = a
	}
	for _, point := range points {
		x := look.ChartPoint{At: point.Time.Unix(), Value: point.Value, Text: look.Number(&point.Value)}
		if e.Method == answers.Habit {
			x.Band = expected(point)
		}
		if a, is := anomalies[x.At]; is {
			x.More = look.Arrow(a.Direction) + " " + far(a)
		}
		c.Data.Points = append(c.Data.Points, x)
	}
}

// away shows absences of the entity and gaps of its partition.
func (c *chartView) away(e answers.Entity, p look.Plot) {
	end := func(x *answers.Episode) time.Time {
		if x.EndedAt != nil {
			return *x.EndedAt
		}
		return p.Until
	}
	for i := range e.Episodes {
		if x := &e.Episodes[i]; x.Kind == answers.Absence && end(x).After(p.From) {
			c.Absent = append(c.Absent, p.Box(x.OpenedAt, end(x), "Absent: "+window(x.OpenedAt, end(x))))
		}
	}
	for i := range e.Gaps {
		if x := &e.Gaps[i]; end(x).After(p.From) {
			c.Gaps = append(c.Gaps, p.Box(x.OpenedAt, end(x), "Gap in its partition: "+window(x.OpenedAt, end(x))))
		}
	}
}

func (c *chartView) mark(s *shell, e answers.Entity, p look.Plot, y look.Scale, chosen *answers.Anomaly) {
	for _, a := range e.Anomalies {
		row := tableRow{At: s.When(a.Time), Value: look.Number(a.Value), Usual: look.Number(a.Usual), Deviation: look.Signed(a.Deviation),
			Href: s.link("anomaly", a.ID), Selected: chosen != nil && chosen.ID == a.ID}
		if a.OfMean() {
			row.Note = a.Sentence // its value may be usual
		}
		c.Table = append(c.Table, row)
		if a.Value == nil || a.Time.Before(p.From) || a.Time.After(p.Until) {
			continue
		}
		c.Hits = append(c.Hits, look.Hit{X: look.Percent(p.At(a.Time)), Y: look.Percent(min(1, max(0, y.At(*a.Value)))), Side: a.Direction, Selected: row.Selected, Href: row.Href,
			Says: row.At.Exact + ": " + row.Value + ", " + far(a)})
	}
}

// scaleOf is a scale that holds all points and the band.
func scaleOf(points []answers.Point, e answers.Entity) look.Scale {
	var values, levels []float64
	for _, point := range points {
		values = append(values, point.Value)
	}
	ends := []*float64{e.Low, e.High, e.Median}
	for _, point := range points {
		ends = append(ends, point.Low, point.High)
	}
	for _, v := range ends {
		if v != nil {
			levels = append(levels, *v)
		}
	}
	return look.ScaleOf(values, levels)
}
