package page

import (
	"context"
	"net/url"
	"slices"
	"time"

	"anomalydetector/web/answers"
	"anomalydetector/web/look"
)

// beside is what changed at the same time.
type beside struct {
	Title string
	What  string // the heading of the column that distinguishes them
	Rows  []row
	All   string // a link to all of them
	Count int
	None  string
}

// others are entities with the same last field.
type others struct {
	Title string
	What  string
	Rows  []other
	All   string
	More  bool
}

// other is another entity, with its latest episode if it has one.
type other struct {
	Name, Key, Href string
	Detector        string
	Episode         *row
}

const besideRows = 8

// beside finds the episodes that began together with the one that is shown: that of the chosen anomaly, or
// else the latest.
func (s *shell) beside(ctx context.Context, e answers.Entity, chosen *answers.Anomaly) (*beside, error) {
	if len(e.Episodes) == 0 {
		return nil, nil
	}
	of := e.Episodes[0]
	for _, x := range e.Episodes {
		if chosen != nil && !chosen.Time.Before(x.OpenedAt) && !chosen.Time.After(x.LastAt) {
			of = x
		}
	}
	b := &beside{Title: "Changed at the same time", What: "entity"}
	filter := answers.Filter{Detector: s.Detector.Name, Fields: map[string]string{}}
	if len(e.Fields) > 1 {
		filter.Fields[e.Fields[0].Name] = e.Fields[0].Value
		b.Title += " in this " + e.Fields[0].Name
		b.What = heading(e.Fields[1])
	}
	bin := binOf(s.Detector)
	filter.From, filter.Until = of.OpenedAt.UTC().Add(-bin), of.OpenedAt.UTC().Add(2*bin)
	found, err := s.source.Episodes(ctx, answers.EpisodesQuery{Filter: filter, Limit: 200})
	if err != nil {
		return nil, err
	}
	s.lacks(found.Partial, found.Problems)
	with := slices.DeleteFunc(found.Items, func(x answers.Episode) bool {
		return x.Entity == e.Key || x.Kind == answers.PartitionGap || !sameTime(x.OpenedAt, of.OpenedAt, bin)
	})
	slices.SortStableFunc(with, func(a, b answers.Episode) int {
		if opposite := side(a) != side(of); opposite != (side(b) != side(of)) {
			if opposite {
				return -1
			}
			return 1
		}
		if reach(a.Deviation) > reach(b.Deviation) {
			return -1
		}
		return 1
	})
	b.Count = len(with)
	for _, x := range with[:min(len(with), besideRows)] {
		r := s.row(x)
		r.Name = look.Short(rest(x.Fields), x.Entity)
		if side(x) != side(of) {
			r.Note = "the opposite way"
			if len(x.Fields) > 1 && x.Fields[len(x.Fields)-1].ASN {
				r.Note = "it may have taken over"
				if side(of) == answers.Up {
					r.Note = "its part may have been taken over"
				}
			}
		}
		b.Rows = append(b.Rows, r)
	}
	q := url.Values{"detector": {s.Detector.Name}, "from": {filter.From.Format(time.RFC3339)}, "to": {filter.Until.Format(time.RFC3339)}}
	for name, value := range filter.Fields {
		q.Set("field."+name, value)
	}
	b.All = "/?" + q.Encode()
	b.None = "Nothing else changed within " + look.Span(bin) + " of " + s.When(of.OpenedAt).Short + " UTC."
	return b, nil
}

// side is the side on which an episode's values lie. Those of an absent entity are as good as 0.
func side(e answers.Episode) answers.Direction {
	if e.Kind == answers.Absence {
		return answers.Down
	}
	return e.Direction
}

// others finds entities that differ only in the first field.
func (s *shell) others(ctx context.Context, e answers.Entity) (*others, error) {
	if len(e.Fields) < 2 {
		return nil, nil
	}
	first, last := e.Fields[0], e.Fields[len(e.Fields)-1]
	fields := map[string]string{last.Name: last.Value}
	o := &others{Title: "The same " + heading(last) + " in other " + first.Name + "s", What: first.Name}
	found, err := s.source.Entities(ctx, answers.EntitiesQuery{Detector: s.Detector.Name, Fields: fields, Limit: besideRows * 5})
	if err != nil {
		return nil, err
	}
	episodes, err := s.source.Episodes(ctx, answers.EpisodesQuery{Filter: answers.Filter{Detector: s.Detector.Name, Fields: fields}, Limit: 200})
	if err != nil {
		return nil, err
	}
	s.problems(found.Partial, found.Problems)
	s.lacks(episodes.Partial, episodes.Problems)
	for _, ref := range found.Items {
		if ref.Key == e.Key || len(ref.Fields) == 0 {
			continue
		}
		x := other{Name: look.Called(ref.Fields[0]), Key: ref.Key, Detector: ref.Detector, Href: entityLink(ref.Detector, ref.Key)}
		if at := slices.IndexFunc(episodes.Items, func(p answers.Episode) bool { return p.Entity == ref.Key }); at >= 0 {
			r := s.row(episodes.Items[at])
			x.Episode = &r
		}
		o.Rows = append(o.Rows, x)
	}
	slices.SortStableFunc(o.Rows, func(a, b other) int {
		switch {
		case a.Episode != nil && b.Episode == nil:
			return -1
		case a.Episode == nil && b.Episode != nil:
			return 1
		}
		return 0
	})
	o.More = found.Next != "" || len(o.Rows) > besideRows
	o.Rows = o.Rows[:min(len(o.Rows), besideRows)]
	o.All = "/" + s.Where() + "&field." + last.Name + "=" + escaped(last.Value)
	return o, nil
}

// rest are the fields without the first, if there are several.
func rest(fields []answers.Field) []answers.Field {
	if len(fields) > 1 {
		return fields[1:]
	}
	return fields
}

// heading is what the values of a field are called.
func heading(f answers.Field) string {
	if f.ASN && (f.Name == "asn" || f.Name == "as") {
		return "AS"
	}
	return f.Name
}

func escaped(text string) string     { return url.QueryEscape(text) }
func pathEscaped(text string) string { return url.PathEscape(text) }
