package page

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"anomalydetector/web/answers"
	"anomalydetector/web/look"
)

// entityView is one entity: what is wrong with it, why, since when, and which others changed.
type entityView struct {
	Entity   answers.Entity
	Name     string
	Crumbs   []choice
	Verdict  verdict
	Chart    *chartView
	Ranges   []choice
	Value    string // the name of the value
	Beside   *beside
	Others   *others
	Episodes []row
	Facts    []factLine
	AS       string // the AS that the links are about
	Links    []choice
	Evidence evidence
	CSV      string
	JSON     string
	Link     string // the permalink
}

// verdict is the judgement in a headline and a few sentences.
type verdict struct {
	Name, Turned, Span string // for example: AS64524 in the global graph, fell, from 0.72 to 0
	Side               answers.Direction
	Plain              string // instead of Turned
	Kind               string // of the entity: normal, anomalous, too_few_points, silent, unknown
	Sentences          []string
	Have, Need         int // of points, if there are too few
	Part               string
	Selected           *selected
}

// selected is the anomaly that a permalink names.
type selected struct {
	At      moment
	Text    string
	Outside bool // its point is not in the window any more
}

type factLine struct {
	Name, Value string
	Time        *moment
}

// evidence is what a person hands on: all that the verdict follows from.
type evidence struct {
	Permalink string           `json:"permalink"`
	Detector  answers.Detector `json:"detector"`
	Entity    answers.Entity   `json:"entity"`
}

func entity(ctx context.Context, s *shell) error {
	key := s.Query.Get("key")
	if key == "" {
		return &answers.Problem{Status: http.StatusBadRequest, Detail: "An entity's page needs its key: /entity?detector=NAME&key=KEY.", Parameter: "key"}
	}
	e, err := s.source.Entity(ctx, s.Detector.Name, key)
	if err != nil {
		return err
	}
	s.problems(e.Partial, e.Problems)
	v := &entityView{Entity: e, Name: look.Full(e.Fields, e.Key), Value: s.Detector.ValueField}
	s.Title, s.Body = v.Name, v
	if v.Value == "" {
		v.Value = "value"
	}
	v.ranges(s)
	chosen := s.chosen(e)
	v.Verdict = s.judge(e, chosen)
	v.Chart = s.chart(e, chosen)
	v.crumbs(s)
	for _, episode := range e.Episodes {
		v.Episodes = append(v.Episodes, s.row(episode))
	}
	if v.Beside, err = s.beside(ctx, e, chosen); err != nil {
		return err
	}
	if v.Others, err = s.others(ctx, e); err != nil {
		return err
	}
	v.Facts = s.facts(e)
	v.AS, v.Links = elsewhere(e.Fields)
	v.Link = v.permalink(s, chosen)
	v.Evidence = evidence{Permalink: v.Link, Detector: s.Detector, Entity: e}
	filter := answers.Filter{Detector: s.Detector.Name, Entity: e.Key}
	v.CSV, v.JSON = s.data("anomalies", "csv", filter), "/api/v1/"+strings.TrimPrefix(entityLink(s.Detector.Name, e.Key), "/")
	return nil
}

// ranges are those of the chart: the whole history, or its last third.
func (v *entityView) ranges(s *shell) {
	history := int(s.WindowHours())
	if history < 1 {
		history = 72
	}
	if s.Hours < 24 {
		s.Hours = 24
	}
	if s.Hours != 24 {
		s.Hours = history
	}
	s.Ranges = nil
	if history > 24 {
		v.Ranges = []choice{{Label: "24 h", Href: s.link("range", "24h"), On: s.Hours == 24}, {Label: fmt.Sprintf("%d h", history), Href: s.link("range", ""), On: s.Hours != 24}}
	}
}

func (v *entityView) crumbs(s *shell) {
	v.Crumbs = []choice{{Label: "Now", Href: "/" + s.Where()}}
	f := v.Entity.Fields
	if len(f) > 1 {
		q := "/" + s.Where() + "&field." + f[0].Name + "=" + escaped(f[0].Value)
		v.Crumbs = append(v.Crumbs, choice{Label: look.Together(f[0]), Href: q})
		f = f[1:]
	}
	v.Crumbs = append(v.Crumbs, choice{Label: look.Short(f, v.Entity.Key)})
}

func (v *entityView) permalink(s *shell, chosen *answers.Anomaly) string {
	id := ""
	if chosen != nil {
		id = chosen.ID
	} else if len(v.Entity.Anomalies) > 0 {
		id = v.Entity.Anomalies[0].ID
	}
	if id == "" {
		return entityLink(s.Detector.Name, v.Entity.Key)
	}
	return "/anomaly/" + pathEscaped(id) + s.Where()
}

// chosen is the anomaly that the URL names.
func (s *shell) chosen(e answers.Entity) *answers.Anomaly {
	id := s.Query.Get("anomaly")
	if id == "" {
		return nil
	}
	for i := range e.Anomalies {
		if e.Anomalies[i].ID == id {
			return &e.Anomalies[i]
		}
	}
	s.Told = append(s.Told, "anomaly="+id+": it is not among the anomalies of this entity that are held")
	return nil
}

func (s *shell) judge(e answers.Entity, chosen *answers.Anomaly) verdict {
	v := verdict{Name: look.Full(e.Fields, e.Key), Kind: e.Reason}
	open := slices.IndexFunc(e.Episodes, func(x answers.Episode) bool { return x.State == answers.Open })
	if absent := slices.IndexFunc(e.Episodes, func(x answers.Episode) bool { return x.State == answers.Open && x.Kind == answers.Absence }); absent >= 0 {
		open = absent
	}
	switch {
	case open >= 0 && e.Episodes[open].Kind == answers.Absence:
		v.Plain, v.Kind = "has vanished", "silent"
	case e.Reason == "too_few_points":
		v.Plain, v.Have, v.Need = "has too little history", e.Points, e.Needed
		v.Part = look.Percent(min(1, float64(e.Points)/float64(max(1, e.Needed))))
	case open >= 0:
		x := e.Episodes[open]
		v.Turned, v.Span = hasTurned(x)
		v.Side = x.Direction
	case e.Reason == "silent":
		v.Plain = "is silent"
	case e.Reason == "normal" && e.Last != nil:
		v.Plain = "is as usual, at " + look.Brief(&e.Last.Value)
	case e.Reason == "normal":
		v.Plain = "is as usual"
	case e.Reason == "anomalous":
		v.Plain = "is out of its usual band"
	default:
		v.Plain = "is not known well enough to judge"
	}
	if e.Verdict != "" {
		v.Sentences = append(v.Sentences, e.Verdict)
	}
	if open >= 0 {
		x := e.Episodes[open]
		if x.Kind == answers.Absence {
			v.Sentences = append(v.Sentences, fmt.Sprintf("It has been absent since %s UTC, for %s so far, and was in most bins before.", s.When(x.OpenedAt).Short, s.lasted(x)))
		} else {
			v.Sentences = append(v.Sentences, fmt.Sprintf("The episode is open since %s UTC, %s so far.", s.When(x.OpenedAt).Short, look.Count(x.Points, "anomaly", "anomalies")))
		}
	} else if len(e.Episodes) > 0 {
		x := e.Episodes[0]
		what, ended := "episode", outcome(x)
		if again := s.row(x).Reopened; again != "" {
			ended += ", " + again
		}
		if x.Kind == answers.Absence {
			what = "absence"
		}
		v.Sentences = append(v.Sentences, fmt.Sprintf("Its last "+what+" began at %s UTC and lasted %s: %s.", s.When(x.OpenedAt).Short, s.lasted(x), ended))
	}
	if e.Full > 0 {
		v.Sentences = append(v.Sentences, fmt.Sprintf("%s of %s points of the last %s hours are known.", look.Group(e.Points), look.Group(max(e.Points, e.Full)), look.Digits(s.WindowHours(), 0)))
	}
	if chosen != nil {
		v.Selected = s.selected(e, chosen)
	}
	return v
}

func (s *shell) selected(e answers.Entity, a *answers.Anomaly) *selected {
	known := slices.ContainsFunc(e.Window, func(p answers.Point) bool { return p.Time.Equal(a.Time) })
	if a.Sentence != "" {
		return &selected{At: s.When(a.Time), Text: look.Signed(a.Deviation) + " deviations: " + a.Sentence + ".", Outside: !known}
	}
	side := "above"
	if a.Direction == answers.Down {
		side = "below"
	}
	text := fmt.Sprintf("%s lay %s deviations %s the usual level", look.Number(a.Value), look.Size(a.Deviation), side)
	if a.Usual != nil {
		text += " of then, " + look.Number(a.Usual)
	}
	if a.Low != nil && a.High != nil {
		text += "; " + look.Number(a.Low) + " to " + look.Number(a.High) + " was normal"
	}
	return &selected{At: s.When(a.Time), Text: text + ".", Outside: !known}
}

func (s *shell) facts(e answers.Entity) []factLine {
	d, habit := s.Detector, e.Method == answers.Habit
	var lines []factLine
	if habit {
		lines = s.habitFacts(e)
	} else {
		lines = append(lines, factLine{Name: "usual level (median)", Value: look.Number(e.Median)})
	}
	upTo := look.Count(int64(e.Threshold), "deviation", "deviations")
	if e.Threshold != float64(int64(e.Threshold)) {
		upTo = look.Digits(e.Threshold, 2) + " deviations"
	}
	lines = append(lines, factLine{Name: "one deviation", Value: look.Number(e.Scale)}, factLine{Name: "normal up to", Value: upTo})
	if e.Low != nil && e.High != nil && !habit {
		lines = append(lines, factLine{Name: "normal values", Value: look.Number(e.Low) + " to " + look.Number(e.High)})
	}
	lines = append(lines, factLine{Name: "points known", Value: look.Group(e.Points) + " of " + look.Group(max(e.Points, e.Full))}, factLine{Name: "points needed", Value: look.Group(e.Needed)})
	if e.Last != nil {
		m := s.When(e.Last.Time)
		lines = append(lines, factLine{Name: "last point", Value: m.Short + " UTC, " + m.Ago, Time: &m})
	}
	if d.DevMetric != "" && !habit {
		lines = append(lines, factLine{Name: "spread by", Value: d.DevMetric + " distance, at least " + look.Digits(d.MinDev, 4)})
	}
	if e.Input != nil {
		lines = append(lines, factLine{Name: "read from", Value: fmt.Sprintf("%s %d @ %s", e.Input.Topic, e.Input.Partition, look.Group(e.Input.Offset))})
	}
	node := e.Node
	if node == "" {
		node = "this one"
	}
	return append(lines, factLine{Name: "node", Value: node}, factLine{Name: "partition is", Value: e.Phase})
}

// sameTime is how far two episodes' begins may lie apart to be of the same time.
func sameTime(a, b time.Time, bin time.Duration) bool {
	d := a.Sub(b)
	return d <= bin && d >= -bin
}
