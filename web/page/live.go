package page

import (
	"context"

	"anomalydetector/web/answers"
	"anomalydetector/web/look"
)

// liveView is the list of anomalies, the latest first. The script adds to it while the page is open.
type liveView struct {
	Rows  []liveRow
	Next  string
	First string
	CSV   string
	JSON  string
	Least string
	Side  string
	Text  string
	Empty string
}

type liveRow struct {
	ID, Name, Key, Href string
	Beside              string // the key, if it says more than the name
	At                  moment
	Day                 string
	Side                answers.Direction
	Arrow, Turned       string
	Usual               string
	Span                string // the rest of what happened
	Deviation           string
	Step                string
}

// liveRows is how many anomalies are shown at first.
const liveRows = 100

func live(ctx context.Context, s *shell) error {
	v := &liveView{Least: s.Query.Get("min_deviation"), Side: string(s.filter.Direction), Text: s.Search.Query}
	s.Title, s.Body = "Live", v
	s.Ranges = nil
	found, err := s.source.Anomalies(ctx, answers.AnomaliesQuery{Filter: s.filter, Limit: liveRows, Cursor: s.Query.Get("cursor")})
	if err != nil {
		return err
	}
	s.lacks(found.Partial, found.Problems)
	for _, a := range found.Items {
		r := liveRow{ID: a.ID, Name: look.Short(a.Fields, a.Entity), Key: a.Entity, Beside: look.KeyBeside(look.Short(a.Fields, a.Entity), a.Entity), Href: entityLink(a.Detector, a.Entity) + "&anomaly=" + escaped(a.ID),
			At: s.When(a.Time), Day: s.Day(a.Time), Side: a.Direction, Arrow: look.Arrow(a.Direction), Turned: look.Turned(a.Direction),
			Span: "to " + look.Number(a.Value), Usual: look.Number(a.Usual), Deviation: look.Signed(a.Deviation), Step: look.Step(a.Deviation, s.Detector.Threshold)}
		if a.OfMean() {
			r.Turned, r.Span = lower(a.ByHabit), "by "+look.Number(size(a.Mean))+" on average"
		}
		r.At.Short = a.Time.UTC().Format("15:04")
		v.Rows = append(v.Rows, r)
	}
	if found.Next != "" {
		v.Next = s.link("cursor", found.Next)
	}
	if s.Query.Get("cursor") != "" {
		v.First = s.link()
	}
	v.CSV, v.JSON = s.data("anomalies", "csv", s.filter), s.data("anomalies", "", s.filter)
	if len(v.Rows) == 0 {
		v.Empty = s.nothing()
		if !s.Filtered() {
			v.Empty = "No anomalies since " + s.since() + ". " + v.Empty
		}
	}
	return nil
}
