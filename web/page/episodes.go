package page

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"time"

	"anomalydetector/web/answers"
	"anomalydetector/web/look"
)

// row is an episode in a table.
type row struct {
	Kind                      answers.EpisodeKind
	Name, Key, Href, Detector string
	Beside                    string // the key, if it says more than the name
	Since                     moment
	Day                       string
	Side                      answers.Direction
	Turned, Arrow             string
	From                      string // what is usual
	Span                      string // the rest of what happened
	Band                      string
	Deviation                 string
	Lasted                    string
	Open                      bool
	State                     string
	Note                      string // a remark
	Reopened                  string // empty: never
	Crowd                     string // if set, the row is no episode: how many more are like those above
}

func entityLink(detector, key string) string {
	return "/entity?" + url.Values{"detector": {detector}, "key": {key}}.Encode()
}

// publishes says whether the detector publishes its episodes.
func (s *shell) publishes() bool { return s.Detector.EpisodesTopic != "" }

func (s *shell) row(e answers.Episode) row {
	r := row{Kind: e.Kind, Name: look.Short(e.Fields, e.Entity), Key: e.Entity, Beside: look.KeyBeside(look.Short(e.Fields, e.Entity), e.Entity), Href: entityLink(e.Detector, e.Entity), Detector: e.Detector,
		Since: s.When(e.OpenedAt), Day: s.Day(e.OpenedAt), Side: e.Direction, Arrow: look.Arrow(e.Direction),
		From: look.Brief(e.Usual), Band: usually(e), Deviation: look.Signed(e.Deviation), Open: e.State == answers.Open, State: outcome(e)}
	r.Since.Short = e.OpenedAt.UTC().Format("15:04")
	r.Turned, r.Span = turned(e)
	r.Lasted = s.lasted(e)
	switch e.Kind {
	case answers.Deviation:
	case answers.Absence:
		r.Turned, r.Arrow, r.Deviation = "vanished", "", "–"
	case answers.PartitionGap:
		r.Turned, r.Arrow, r.Deviation, r.Href, r.Beside = "gap", "", "–", "", ""
		r.Name = "a partition"
		if e.Partition != nil {
			r.Name = fmt.Sprintf("partition %d", *e.Partition)
		}
	}
	switch e.Reopened {
	case 0:
	case 1:
		r.Reopened = "reopened once"
	default:
		r.Reopened = "reopened " + look.Group(e.Reopened) + " times"
	}
	return r
}

// fewOfACrowd is how many episodes of the same scope and time are shown one by one.
const fewOfACrowd = 4

// folded are rows. Of episodes that began together in one scope it shows a few and the number of the others,
// because one cause must not push everything else off the screen. A filter that names the crowd shows all of
// it.
func (s *shell) folded(episodes []answers.Episode) []row {
	var rows []row
	if s.publishes() {
		episodes = slices.Clone(episodes)
		slices.SortStableFunc(episodes, func(a, b answers.Episode) int {
			return cmp.Or(cmp.Compare(b.State, a.State), b.OpenedAt.Compare(a.OpenedAt), cmp.Compare(a.Kind, b.Kind), cmp.Compare(scopeOf(a), scopeOf(b)))
		})
	}
	for i := 0; i < len(episodes); {
		if episodes[i].Kind == answers.PartitionGap {
			end := i + 1
			for end < len(episodes) && episodes[end].Kind == answers.PartitionGap && episodes[end].State == episodes[i].State && episodes[end].OpenedAt.Equal(episodes[i].OpenedAt) {
				end++
			}
			for _, g := range gapsOf(episodes[i:end]) {
				r := s.row(g.Episode)
				r.Name, r.Note = g.where(), g.few()
				rows = append(rows, r)
			}
			i = end
			continue
		}
		e, end := episodes[i], i+1
		for end < len(episodes) && alike(e, episodes[end]) {
			end++
		}
		few := end - i
		slices.SortStableFunc(episodes[i:end], func(a, b answers.Episode) int { return cmp.Compare(reach(b.Deviation), reach(a.Deviation)) })
		if few > fewOfACrowd+2 && s.filter.From.IsZero() {
			few = fewOfACrowd
		}
		for _, x := range episodes[i : i+few] {
			rows = append(rows, s.row(x))
		}
		if more := end - i - few; more > 0 {
			_, to := s.crowdLink(e)
			rows = append(rows, row{Crowd: look.Group(more) + " more of " + look.Together(e.Fields[0]), Href: to, Note: changed(e) + " at " + s.When(e.OpenedAt).Short + " UTC, too."})
		}
		i = end
	}
	return rows
}

// scopeOf is the value of the first field.
func scopeOf(e answers.Episode) string {
	if len(e.Fields) == 0 {
		return ""
	}
	return e.Fields[0].Value
}

// changed is what an episode's entity did, in one word.
func changed(e answers.Episode) string {
	if e.Kind == answers.Absence {
		return "vanished"
	}
	return "changed"
}

// alike says whether two episodes began together in one scope.
func alike(a, b answers.Episode) bool {
	return len(a.Fields) > 1 && len(b.Fields) > 1 && a.Fields[0] == b.Fields[0] && a.Kind == b.Kind && a.State == b.State && a.OpenedAt.Equal(b.OpenedAt)
}

// crowdLink leads to all episodes that began together with this one, and says what they have in common.
func (s *shell) crowdLink(e answers.Episode) (where, to string) {
	bin := binOf(s.Detector)
	from := e.OpenedAt.UTC().Truncate(bin)
	q := url.Values{"detector": {s.Detector.Name}, "from": {from.Format(time.RFC3339)}, "to": {from.Add(bin).Format(time.RFC3339)}}
	if len(e.Fields) > 1 {
		where = look.Together(e.Fields[0])
		q.Set("field."+e.Fields[0].Name, e.Fields[0].Value)
	}
	return where, "/?" + q.Encode()
}

func (s *shell) lasted(e answers.Episode) string {
	end := s.Ref
	if e.EndedAt != nil {
		end = *e.EndedAt
	} else if e.State == answers.Ended {
		end = e.LastAt.Add(binOf(s.Detector))
	} else if s.Detector.DataUntil != nil {
		end = s.Detector.DataUntil.Add(binOf(s.Detector))
	}
	return look.Span(end.Sub(e.OpenedAt))
}

// outcome is an episode's state in words.
func outcome(e answers.Episode) string {
	switch {
	case e.State == answers.Open:
		return "open"
	case e.Outcome == nil:
		return "ended"
	case *e.Outcome == answers.Recovered:
		return "back to usual"
	case *e.Outcome == answers.Absorbed:
		return "new usual level"
	case *e.Outcome == answers.Silent:
		return "no data since"
	case *e.Outcome == answers.Returned:
		return "came back"
	case *e.Outcome == answers.Forgotten:
		return "never came back"
	case *e.Outcome == answers.Filled:
		return "over"
	case *e.Outcome == answers.NotKnown:
		return "end not known"
	}
	return string(*e.Outcome)
}
