package page

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"anomalydetector/web/answers"
)

// lanesView is the picture of when and where. Widths are fractions of the plot, so that it fits any screen
// without a script.
type lanesView struct {
	Rows    []choice // what a row may stand for
	By      string
	Lanes   []laneView
	Height  int
	Ticks   []tick
	Holes   []box
	Window  *box // the time that the filters choose
	More    string
	Fewer   string
	Legend  []string // the deviations at which the colours begin
	Empty   bool
	None    bool // no time is known that could be shown
	Caption string
}

type laneView struct {
	Label, Full, Href string
	Y, Text           int
	Cells             []cellView
	All               bool
}

type cellView struct {
	X, Width string
	Y        int
	Class    string
	Href     string
	Span     string // the time, for people
	Says     string
}

type box struct{ X, Width, Says string }

type tick struct{ X, Label, Anchor string }

const (
	laneHeight = 18
	laneStep   = 22
	fewLanes   = 10
	manyLanes  = 60
)

func (s *shell) lanes(ctx context.Context, shown answers.TimeSpan) (*lanesView, error) {
	v := &lanesView{By: s.Query.Get("by")}
	known := v.By == "" || v.By == "entity"
	for _, key := range s.Detector.KeyFields {
		known = known || key.Name == v.By
	}
	if !known {
		s.Told = append(s.Told, "by="+v.By+": this detector has no such field")
		v.By = ""
	}
	if v.By == "" {
		v.By = "entity"
		if len(s.Detector.KeyFields) > 0 {
			v.By = s.Detector.KeyFields[0].Name
		}
	}
	rows, limit := s.Query.Get("rows"), fewLanes
	if rows == "all" {
		limit = manyLanes
	}
	filter := s.filter
	filter.From, filter.Until = shown.From, shown.Until
	lanes, err := s.source.Lanes(ctx, answers.LanesQuery{Filter: filter, By: v.By, Limit: limit})
	if err != nil {
		return nil, err
	}
	s.lacks(lanes.Partial, lanes.Problems)
	v.choices(s)
	if rows == "all" {
		v.Fewer = s.link("rows", "")
	} else if lanes.Next != "" {
		v.More = s.link("rows", "all")
	}
	v.draw(s, lanes)
	return v, nil
}

func (v *lanesView) choices(s *shell) {
	for _, key := range s.Detector.KeyFields {
		label := key.Name
		if label == "asn" {
			label = "AS"
		}
		v.Rows = append(v.Rows, choice{Label: label, Href: s.link("by", key.Name), On: key.Name == v.By})
	}
	if len(s.Detector.KeyFields) != 1 {
		v.Rows = append(v.Rows, choice{Label: "entity", Href: s.link("by", "entity"), On: v.By == "entity"})
	}
	threshold := s.Detector.Threshold
	for _, part := range []float64{1, steps[0], steps[1]} {
		v.Legend = append(v.Legend, digits(part*threshold, 1))
	}
}

func (v *lanesView) draw(s *shell, lanes answers.Lanes) {
	bins := 1
	if lanes.BinSeconds > 0 {
		bins = max(1, int(lanes.Until.Sub(lanes.From).Seconds())/lanes.BinSeconds)
	}
	plot := plot{lanes.From, lanes.Until}
	v.Lanes = append(v.Lanes, v.lane(s, plot, lanes, lanes.All, bins, true))
	for _, lane := range lanes.Items {
		v.Lanes = append(v.Lanes, v.lane(s, plot, lanes, lane, bins, false))
	}
	v.Empty = lanes.All.Count == 0
	v.None = v.Empty && s.Detector.DataUntil == nil
	y := 4
	for i := range v.Lanes {
		l := &v.Lanes[i]
		l.Y, l.Text = y, y+13
		for j := range l.Cells {
			l.Cells[j].Y = y
		}
		if y += laneStep; i == 0 {
			y += 6
		}
	}
	v.Height = y
	for _, hole := range lanes.Holes {
		v.Holes = append(v.Holes, plot.box(hole.From, hole.Until, "No data: "+window(hole.From, hole.Until)))
	}
	if f := s.filter; !f.From.IsZero() && !f.Until.IsZero() && f.Until.After(f.From) {
		b := plot.box(f.From, f.Until, "")
		v.Window = &b
	}
	v.Ticks = plot.ticks()
	v.Caption = fmt.Sprintf("%s by time and %s, %s", count(lanes.All.Count, "anomaly", "anomalies"), v.By, window(lanes.From, lanes.Until))
}

func (v *lanesView) lane(s *shell, p plot, lanes answers.Lanes, lane answers.Lane, bins int, all bool) laneView {
	l := laneView{Label: lane.Label, All: all}
	filter := []string{"from", "", "to", ""}
	switch {
	case all:
		l.Label, l.Full = "all", "All"
	case v.By == "entity":
		l.Label = short(lane.Fields, lane.Label)
		l.Full, l.Href = l.Label, entityLink(s.Detector.Name, lane.Label)
		filter = append(filter, "entity", lane.Label)
	default:
		field := answers.Field{Name: v.By, Value: lane.Label}
		for _, f := range lane.Fields {
			if f.Name == v.By {
				field = f
			}
		}
		l.Label, l.Full = called(field), together(field)
		filter = append(filter, "field."+v.By, field.Value)
		l.Href = s.link(filter[4:]...)
	}
	bin := time.Duration(lanes.BinSeconds) * time.Second
	for _, c := range lane.Cells {
		from := lanes.From.Add(time.Duration(c.Bin) * bin)
		until := from.Add(bin)
		filter[1], filter[3] = from.UTC().Format(time.RFC3339), until.UTC().Format(time.RFC3339)
		l.Cells = append(l.Cells, cellView{
			X: percent(float64(c.Bin) / float64(bins)), Width: percent(0.88 / float64(bins)),
			Class: step(c.Deviation, s.Detector.Threshold), Href: s.link(filter...), Span: window(from, until),
			Says: fmt.Sprintf("%s, farthest %s deviations", count(c.Count, "anomaly", "anomalies"), signed(c.Deviation)),
		})
	}
	return l
}

// plot places times on a picture.
type plot struct{ from, until time.Time }

func (p plot) at(t time.Time) float64 {
	return float64(t.Sub(p.from)) / float64(max(1, p.until.Sub(p.from)))
}

func (p plot) box(from, until time.Time, says string) box {
	a, b := max(0, p.at(from)), min(1, p.at(until))
	return box{percent(a), percent(max(0, b-a)), says}
}

// ticks are at times that people use: midnight, or whole hours.
func (p plot) ticks() []tick {
	every, format := 24*time.Hour, "Mon 2"
	switch length := p.until.Sub(p.from); {
	case length <= 8*time.Hour:
		every, format = time.Hour, "15:04"
	case length <= 30*time.Hour:
		every, format = 6*time.Hour, "15:04"
	}
	var all []tick
	for t := p.from.UTC().Truncate(every); !t.After(p.until); t = t.Add(every) {
		at := p.at(t)
		if at < 0 {
			continue
		}
		k := tick{X: percent(at), Label: t.Format(format), Anchor: "start"}
		if at > 0.93 {
			k.Anchor = "end"
		}
		if every < 24*time.Hour && t.Hour() == 0 {
			k.Label = t.Format("Mon 2")
		}
		all = append(all, k)
	}
	return all
}

func percent(part float64) string { return strconv.FormatFloat(part*100, 'f', 3, 64) + "%" }
