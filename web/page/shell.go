package page

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"anomalydetector/web/answers"
	"anomalydetector/web/look"
)

// shell is what all views have in common. It is the data of their template.
type shell struct {
	Page     string // now, entity, live, nodes, api
	Title    string
	Path     string // of the URL
	Query    url.Values
	Config   Config
	Assets   string // the path of the assets
	Status   answers.Status
	Detector answers.Detector // the one that is shown
	Ranges   []choice
	Hours    int // of the range that is shown
	Search   search
	Chips    []chip
	Told     []string // what was not understood in the URL
	Banners  []banner
	clock
	Body any

	source  answers.Source // nil: the detectors have not begun
	problem error          // why there is no view at all
	filter  answers.Filter
	kind    answers.EpisodeKind // of the episodes that are shown; empty: all
	id      string              // from the path
}

// banner says that a view does not show what it usually shows.
type banner struct {
	Kind string // load, partial, old, bad, demo
	Lead string
	Text string
	At   *moment // a time to write after the text
}

// choice is one of several links.
type choice struct {
	Label, Href string
	On          bool
}

func (p *site) shell(ctx context.Context, page string, r *http.Request) *shell {
	s := &shell{Page: page, Path: r.URL.Path, Query: r.URL.Query(), Config: p.config, Assets: p.assets.prefix, source: p.source(), id: r.PathValue("id")}
	s.clock = clock{Now: p.config.Now().UTC()}
	s.clock.Ref = s.Now
	if s.source == nil {
		return s
	}
	var err error
	if s.Status, err = s.source.Status(ctx); err != nil {
		s.problem = err
		return s
	}
	if s.choose(s.Query.Get("detector")); s.problem != nil {
		return s
	}
	s.clock.follow(s.Detector)
	s.readFilter()
	s.warn()
	return s
}

// choose takes the detector of a name, or the first one if there is no name.
func (s *shell) choose(name string) {
	var names []string
	for _, d := range s.Status.Detectors {
		if d.Name == name || name == "" {
			s.Detector = d
			return
		}
		names = append(names, d.Name)
	}
	if name == "" {
		return // a process without detectors, which is still starting
	}
	s.problem = &answers.Problem{Status: http.StatusNotFound, Detail: fmt.Sprintf("There is no detector %q here.", name), Parameter: "detector", Similar: names}
}

// warn says what a reader must know before they believe a view.
func (s *shell) warn() {
	d := s.Detector
	if d.Synthetic {
		demo := banner{Kind: "demo", Lead: "Demo.", Text: "This stream is made up. Nothing here happened."}
		if s.Old && d.DataUntil != nil {
			at := s.byClock(*d.DataUntil)
			demo.Text, demo.At = "This stream is made up, and so is its time. Nothing here happened. Ages and ranges follow the stream, which is at", &at
		}
		s.Banners = append(s.Banners, demo)
	}
	if d.Problem != "" {
		s.Banners = append(s.Banners, banner{Kind: "bad", Lead: d.Name + " does not work.", Text: d.Problem})
	}
	if d.State == "replaying" || d.Replay != nil {
		s.Banners = append(s.Banners, s.replaying(d))
	}
	if s.Old && d.DataUntil != nil && !d.Synthetic {
		gap, side := s.Now.Sub(*d.DataUntil), "behind"
		if gap < 0 {
			gap, side = -gap, "ahead of"
		}
		at := s.byClock(*d.DataUntil)
		s.Banners = append(s.Banners, banner{Kind: "old", Lead: "The data is old.", At: &at,
			Text: fmt.Sprintf("The stream is %s %s the clock. Ages and ranges below follow the stream, whose time is", look.Span(gap), side)})
		if side == "ahead of" {
			s.Banners[len(s.Banners)-1].Lead = "The data is from the future."
		}
	}
	s.silent()
	if d.Tail.Problem != "" {
		s.partial("The list of anomalies cannot be read from " + d.OutputTopic + ": " + d.Tail.Problem)
	} else if !d.Tail.Caught {
		s.partial("The list of anomalies is still being read from " + d.OutputTopic + ".")
	}
	if d.Tail.Dropped > 0 {
		s.partial(look.Count(d.Tail.Dropped, "older anomaly is", "older anomalies are") + " not held any more, because there was no room.")
	}
}

// silent warns of nodes that do not answer, and of everything else that the status lacks.
func (s *shell) silent() {
	missing := s.Status.Nodes - s.Status.Answering
	if missing > 0 {
		lead := fmt.Sprintf("1 of %d nodes does not answer.", s.Status.Nodes)
		if missing > 1 {
			lead = fmt.Sprintf("%d of %d nodes do not answer.", missing, s.Status.Nodes)
		}
		s.Banners = append(s.Banners, banner{Kind: "partial", Lead: lead, Text: strings.TrimSuffix(strings.Join(s.Status.Problems, "; "), ".") +
			". If it has ended, the others take its partitions over as soon as its session in the consumer group ends, and nothing is lost."})
	} else if s.Status.Partial {
		s.problems(true, s.Status.Problems)
	}
}

// tailTold says whether a banner says what the list of anomalies lacks.
func (s *shell) tailTold() bool {
	tail := s.Detector.Tail
	return tail.Problem != "" || !tail.Caught || tail.Dropped > 0
}

// partial warns of something that is missing, once.
func (s *shell) partial(text string) {
	told := func(b banner) bool { return strings.Contains(b.Text, text) }
	if text != "" && !slices.ContainsFunc(s.Banners, told) {
		s.Banners = append(s.Banners, banner{Kind: "partial", Lead: "Something is missing.", Text: text})
	}
}

func (s *shell) replaying(d answers.Detector) banner {
	b := banner{Kind: "load", Lead: "The history is being replayed.",
		Text: fmt.Sprintf("%d of %d partitions are ready.", d.Partitions.Ready, d.Partitions.All)}
	if r := d.Replay; r != nil {
		b.Text += " " + look.Count(r.Remaining, "record", "records") + " to go"
		if r.PerSecond > 0 {
			b.Text += fmt.Sprintf(" at %s a second", look.Group(int64(r.PerSecond)))
		}
		if r.Ready != nil {
			b.Text += ", ready in about " + look.Span(r.Ready.Sub(s.Now)) + ", at"
			at := s.byClock(*r.Ready)
			b.At = &at
		} else {
			b.Text += "."
		}
	}
	return b
}

// trouble says why there is no view.
type trouble struct {
	Headline, Detail string
	Similar          []choice
	Again            bool // trying again may help soon
}

// explain makes a page of an error, and returns its HTTP status.
func (s *shell) explain(err error) int {
	problem := &answers.Problem{Status: http.StatusServiceUnavailable, Detail: "The answer took too long.", RetryAfter: time.Second}
	if !errors.As(err, &problem) && !errors.Is(err, context.DeadlineExceeded) {
		problem = &answers.Problem{Status: http.StatusInternalServerError, Detail: err.Error()}
	}
	t := trouble{Detail: problem.Detail, Again: problem.RetryAfter > 0}
	switch problem.Status {
	case http.StatusNotFound:
		t.Headline = "Not found."
	case http.StatusBadRequest:
		t.Headline = "This address is not valid."
	default:
		t.Headline = "No answer at the moment."
	}
	for _, similar := range problem.Similar {
		to := "/entity?" + url.Values{"detector": {s.Detector.Name}, "key": {similar}}.Encode()
		if problem.Parameter == "detector" {
			to = "/?" + url.Values{"detector": {similar}}.Encode()
		}
		t.Similar = append(t.Similar, choice{Label: similar, Href: to})
	}
	s.Title, s.Body = t.Headline, t
	return problem.Status
}

// link is this view with some parameters set; an empty value removes one. A list that changes begins with its
// first page.
func (s *shell) link(pairs ...string) string {
	q := url.Values{}
	for name, values := range s.Query {
		if name != "cursor" {
			q[name] = values
		}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			q.Del(pairs[i])
		} else {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return s.Path
	}
	return s.Path + "?" + q.Encode()
}

// Link is link, for templates.
func (s *shell) Link(pairs ...string) string { return s.link(pairs...) }

// Where is the query that keeps the detector on the way to another view.
func (s *shell) Where() string {
	if s.Detector.Name == "" {
		return ""
	}
	return "?" + url.Values{"detector": {s.Detector.Name}}.Encode()
}

// Tab is the link to a detector.
func (s *shell) Tab(name string) string {
	q := url.Values{"detector": {name}}
	if r := s.Query.Get("range"); r != "" {
		q.Set("range", r)
	}
	if s.Page == "live" || s.Page == "nodes" {
		return "/" + s.Page + "?" + q.Encode()
	}
	return "/?" + q.Encode()
}
