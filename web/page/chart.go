package page

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"anomalydetector/web/answers"
)

// chartView is the picture of a window. Places are fractions of the plot, so that it fits any screen. The
// path has coordinates of its own from 0 to 1000, and is stretched.
type chartView struct {
	Label   string
	Path    string
	Band    *box // X is its top, Width its height
	Usual   string
	Levels  []tick // X is the distance from the top
	Ticks   []tick
	Missing []box // spans without a point, hatched
	Skipped []box // spans of only a few bins without a point
	Hits    []hit
	Data    chartData
	Table   []tableRow
	Note    string
}

// skipped is how many bins without a point make a span that is hatched. A missing point now and then matters
// little.
const skipped = 4

// hit is an anomaly on the picture.
type hit struct {
	X, Y     string
	Side     answers.Direction
	Selected bool
	Href     string
	Says     string
}

// chartData is what the script's read-out needs.
type chartData struct {
	From   int64        `json:"from"` // Unix seconds
	Until  int64        `json:"until"`
	Low    float64      `json:"low"` // the lower edge of the plot
	High   float64      `json:"high"`
	Points []chartPoint `json:"points"`
	Band   string       `json:"band"`
}

type chartPoint struct {
	At    int64   `json:"at"`
	Value float64 `json:"value"`
	Text  string  `json:"text"`
	More  string  `json:"more,omitempty"` // the text about an anomaly
}

// tableRow is an anomaly in the table below the picture.
type tableRow struct {
	At                      moment
	Value, Usual, Deviation string
	Href                    string
	Selected                bool
}

func (s *shell) chart(e answers.Entity, chosen *answers.Anomaly) *chartView {
	bin := binOf(s.Detector)
	until := s.shown().Until
	if n := len(e.Window); n > 0 && e.Window[n-1].Time.After(until) {
		until = e.Window[n-1].Time.Add(bin)
	}
	p := plot{until.Add(-time.Duration(s.Hours) * time.Hour), until}
	c := &chartView{Label: fmt.Sprintf("Values of the last %d hours with the usual level and band", s.Hours), Ticks: p.ticks()}
	points := slices.DeleteFunc(slices.Clone(e.Window), func(x answers.Point) bool { return x.Time.Before(p.from) })
	if len(points) == 0 {
		c.Note = "No point is known of these hours."
	}
	y := scaleOf(points, e)
	c.draw(e, points, p, y, bin)
	for _, level := range y.levels() {
		c.Levels = append(c.Levels, tick{X: percent(y.at(level)), Label: digits(level, 4)})
	}
	c.mark(s, e, p, y, chosen)
	c.Data.From, c.Data.Until, c.Data.Low, c.Data.High = p.from.Unix(), p.until.Unix(), y.low, y.high
	return c
}

func (c *chartView) draw(e answers.Entity, points []answers.Point, p plot, y scale, bin time.Duration) {
	var path strings.Builder
	for i, point := range points {
		to := "L"
		if i == 0 || point.Time.Sub(points[i-1].Time) > bin*3/2 {
			to = "M"
		}
		fmt.Fprintf(&path, "%s%.1f %.1f", to, p.at(point.Time)*1000, y.at(point.Value)*1000)
		if to == "M" && (i+1 == len(points) || points[i+1].Time.Sub(point.Time) > bin*3/2) {
			path.WriteString("h.1") // a single point is a dot
		}
	}
	c.Path = path.String()
	if e.Low != nil && e.High != nil {
		top, bottom := max(0, y.at(*e.High)), min(1, y.at(*e.Low))
		c.Band = &box{X: percent(top), Width: percent(max(0, bottom-top))}
		c.Data.Band = "usual " + number(e.Median) + ", normal " + number(e.Low) + " to " + number(e.High)
	}
	if e.Median != nil {
		c.Usual = percent(y.at(*e.Median))
	}
	for _, m := range e.Missing {
		if !m.Until.After(p.from) {
			continue
		}
		gap := p.box(m.From, m.Until, "No point: "+window(m.From, m.Until))
		if m.Until.Sub(m.From) < skipped*bin {
			c.Skipped = append(c.Skipped, gap)
		} else {
			c.Missing = append(c.Missing, gap)
		}
	}
	anomalies := map[int64]answers.Anomaly{}
	for _, a := range e.Anomalies {
		anomalies[a.Time.Unix()] = a
	}
	for _, point := range points {
		x := chartPoint{At: point.Time.Unix(), Value: point.Value, Text: number(&point.Value)}
		if a, is := anomalies[x.At]; is {
			x.More = arrow(a.Direction) + " " + signed(a.Deviation) + " deviations from " + number(a.Usual)
		}
		c.Data.Points = append(c.Data.Points, x)
	}
}

func (c *chartView) mark(s *shell, e answers.Entity, p plot, y scale, chosen *answers.Anomaly) {
	for _, a := range e.Anomalies {
		row := tableRow{At: s.When(a.Time), Value: number(a.Value), Usual: number(a.Usual), Deviation: signed(a.Deviation),
			Href: s.link("anomaly", a.ID), Selected: chosen != nil && chosen.ID == a.ID}
		c.Table = append(c.Table, row)
		if a.Value == nil || a.Time.Before(p.from) || a.Time.After(p.until) {
			continue
		}
		c.Hits = append(c.Hits, hit{X: percent(p.at(a.Time)), Y: percent(min(1, max(0, y.at(*a.Value)))), Side: a.Direction, Selected: row.Selected, Href: row.Href,
			Says: row.At.Exact + ": " + row.Value + ", " + row.Deviation + " deviations"})
	}
}

// scale places values on a picture: the highest value at 0, the lowest at 1.
type scale struct{ low, high, step float64 }

// scaleOf is a scale that holds all values and the band. It ends at round numbers. It begins at 0 if no value
// is below 0 and some come close to it.
func scaleOf(points []answers.Point, e answers.Entity) scale {
	low, high := math.Inf(1), math.Inf(-1)
	take := func(v float64) { low, high = min(low, v), max(high, v) }
	for _, point := range points {
		take(point.Value)
	}
	least := low
	for _, v := range []*float64{e.Low, e.High, e.Median} {
		if v != nil {
			take(*v)
		}
	}
	if math.IsInf(low, 0) || math.IsInf(high, 0) {
		return scale{0, 1, 0.25}
	}
	if least >= 0 && !math.IsInf(least, 0) && (low < 0 || low < high/2) {
		low = 0
	}
	if high-low < 1e-12*max(1, math.Abs(high)) {
		low, high = low-0.5, high+0.5
	}
	step := niceStep((high - low) / 4)
	return scale{math.Floor(low/step) * step, math.Ceil(high/step) * step, step}
}

// niceStep is the smallest of 1, 2, 2.5 and 5 times a power of ten that is not below v.
func niceStep(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, part := range []float64{1, 2, 2.5, 5} {
		if part*power >= v*0.999999 {
			return part * power
		}
	}
	return 10 * power
}

func (s scale) at(v float64) float64 { return (s.high - v) / (s.high - s.low) }

func (s scale) levels() []float64 {
	var all []float64
	for i := 0; i < 12; i++ {
		if v := s.low + float64(i)*s.step; v <= s.high+s.step/2 {
			if math.Abs(v) < s.step/1e6 {
				v = 0
			}
			all = append(all, v)
		}
	}
	return all
}
