package page

import (
	"context"
	"fmt"
	"slices"
	"time"

	"anomalydetector/web/answers"
	"anomalydetector/web/look"
)

// lanesView is the picture of when and where.
type lanesView struct {
	look.Lanes
	Rows   []choice // what a row may stand for
	More   string
	Fewer  string
	Legend []string // the deviations at which the colours begin
	Empty  bool
	None   bool // no time is known that could be shown
}

const (
	fewLanes  = 10
	manyLanes = 60
)

func (s *shell) lanes(ctx context.Context, shown answers.TimeSpan) (*lanesView, error) {
	v := &lanesView{Lanes: look.Lanes{By: s.Query.Get("by")}}
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
	for _, part := range []float64{1, look.Steps[0], look.Steps[1]} {
		v.Legend = append(v.Legend, look.Digits(part*threshold, 1))
	}
}

func (v *lanesView) draw(s *shell, lanes answers.Lanes) {
	bins := 1
	if lanes.BinSeconds > 0 {
		bins = max(1, int(lanes.Until.Sub(lanes.From).Seconds())/lanes.BinSeconds)
	}
	plot := look.Plot{From: lanes.From, Until: lanes.Until}
	v.Long = v.By == "entity"
	v.Each = append(v.Each, v.lane(s, plot, lanes, lanes.All, bins, true))
	for _, lane := range lanes.Items {
		v.Each = append(v.Each, v.lane(s, plot, lanes, lane, bins, false))
	}
	v.Empty = lanes.All.Count == 0 && len(lanes.Items) == 0
	v.None = v.Empty && s.Detector.DataUntil == nil
	v.Stack()
	for _, gap := range gapsOf(lanes.Gaps) {
		until := lanes.Until
		if gap.EndedAt != nil {
			until = *gap.EndedAt
		}
		v.Gaps = append(v.Gaps, plot.Box(gap.OpenedAt, until, gap.says()+": "+window(gap.OpenedAt, until)))
	}
	for _, hole := range lanes.Holes {
		if slices.ContainsFunc(lanes.Gaps, func(gap answers.Episode) bool {
			return gap.OpenedAt.Before(hole.Until) && (gap.EndedAt == nil || gap.EndedAt.After(hole.From))
		}) {
			continue // it is shown as a gap
		}
		v.Holes = append(v.Holes, plot.Box(hole.From, hole.Until, "No data: "+window(hole.From, hole.Until)))
	}
	if f := s.filter; !f.From.IsZero() && !f.Until.IsZero() && f.Until.After(f.From) {
		b := plot.Box(f.From, f.Until, "")
		v.Window = &b
	}
	v.Ticks = plot.Ticks()
	v.Caption = fmt.Sprintf("%s by time and %s, %s", look.Count(lanes.All.Count, "anomaly", "anomalies"), v.By, window(lanes.From, lanes.Until))
}

func (v *lanesView) lane(s *shell, p look.Plot, lanes answers.Lanes, lane answers.Lane, bins int, all bool) look.Lane {
	l := look.Lane{Label: lane.Label, All: all}
	filter := []string{"from", "", "to", ""}
	switch {
	case all:
		l.Label, l.Full = "all", "All"
	case v.By == "entity":
		l.Label = look.Short(lane.Fields, lane.Label)
		l.Full, l.Href = l.Label, entityLink(s.Detector.Name, lane.Label)
		filter = append(filter, "entity", lane.Label)
	default:
		field := answers.Field{Name: v.By, Value: lane.Label}
		for _, f := range lane.Fields {
			if f.Name == v.By {
				field = f
			}
		}
		l.Label, l.Full = look.Called(field), look.Together(field)
		filter = append(filter, "field."+v.By, field.Value)
		l.Href = s.link(filter[4:]...)
	}
	bin := time.Duration(lanes.BinSeconds) * time.Second
	for _, c := range lane.Cells {
		from := lanes.From.Add(time.Duration(c.Bin) * bin)
		until := from.Add(bin)
		filter[1], filter[3] = from.UTC().Format(time.RFC3339), until.UTC().Format(time.RFC3339)
		l.Cells = append(l.Cells, look.Cell{
			X: look.Percent(float64(c.Bin) / float64(bins)), Width: look.Percent(0.88 / float64(bins)),
			Class: look.Step(c.Deviation, s.Detector.Threshold), Href: s.link(filter...), Span: window(from, until),
			Says: fmt.Sprintf("%s, farthest %s deviations", look.Count(c.Count, "anomaly", "anomalies"), look.Signed(c.Deviation)),
		})
	}
	v.absent(&l, p, lane.Absent)
	return l
}

// absent adds the times in which an entity of a lane was absent. They lie below the other cells.
func (v *lanesView) absent(l *look.Lane, p look.Plot, spans []answers.TimeSpan) {
	var cells []look.Cell
	for _, span := range spans {
		box, says := p.Box(span.From, span.Until, ""), "absent"
		if v.By != "entity" {
			says = "an entity is absent"
		}
		cells = append(cells, look.Cell{X: box.X, Width: box.Width, Class: look.Absent, Href: l.Href, Span: window(span.From, span.Until), Says: says})
		v.Absent = true
	}
	l.Cells = append(cells, l.Cells...)
}
