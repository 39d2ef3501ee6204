package page

import (
	"cmp"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
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
	From, To                  string
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
		Since: s.When(e.OpenedAt), Day: s.Day(e.OpenedAt), Side: e.Direction, Turned: look.Turned(e.Direction), Arrow: look.Arrow(e.Direction),
		From: look.Brief(e.Usual), To: look.Brief(e.Value), Deviation: look.Signed(e.Deviation), Open: e.State == answers.Open, State: outcome(e)}
	r.Since.Short = e.OpenedAt.UTC().Format("15:04")
	if e.Low != nil && e.High != nil {
		r.Band = "usual is " + look.Brief(e.Low) + " to " + look.Brief(e.High)
	}
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

// gaps are the gaps of several partitions that begin and end together, as one.
type gaps struct {
	answers.Episode
	partitions int
	value      float64 // entities in all of them
	usual      float64
	valueIs    bool // false: it is not known
	usualIs    bool
}

// gapsOf puts gaps together. They come in any order.
func gapsOf(episodes []answers.Episode) (all []gaps) {
	for _, e := range episodes {
		if e.Kind != answers.PartitionGap {
			continue
		}
		at := slices.IndexFunc(all, func(g gaps) bool {
			return g.OpenedAt.Equal(e.OpenedAt) && (g.EndedAt == nil) == (e.EndedAt == nil) && (e.EndedAt == nil || g.EndedAt.Equal(*e.EndedAt))
		})
		if at < 0 {
			at = len(all)
			all = append(all, gaps{Episode: e, valueIs: true, usualIs: true})
		}
		g := &all[at]
		g.partitions++
		g.valueIs, g.usualIs = g.valueIs && e.Value != nil, g.usualIs && e.Usual != nil
		if g.valueIs {
			g.value += *e.Value
		}
		if g.usualIs {
			g.usual += *e.Usual
		}
	}
	return all
}

// where names the partitions.
func (g *gaps) where() string {
	if g.partitions == 1 && g.Partition != nil {
		return fmt.Sprintf("partition %d", *g.Partition)
	}
	return look.Count(g.partitions, "partition", "partitions")
}

// few says how many entities there were in the latest bin.
func (g *gaps) few() string {
	switch {
	case g.valueIs && g.usualIs:
		return look.Digits(g.value, 0) + " of usually " + look.Count(int64(math.Round(g.usual)), "entity", "entities")
	case g.valueIs:
		return look.Count(int64(g.value), "entity", "entities")
	}
	return "far fewer entities than usual"
}

func (g *gaps) says() string { return "Gap in " + g.where() + ", " + g.few() }

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

// sentence is what the page says first.
type sentence struct {
	Headline string
	Largest  *row
	Others   bool   // it is the largest of several
	Full     string // its name in a sentence
	Size     string
	Side     string // above, below
	Away     []away // what is missing now
	Crowd    string // "37 entities"
	Changed  string // what the crowd did
	Where    string // "scope AS64500"; empty: the detector has one key field
	WhereTo  string
	Within   string
	Ended    string
}

// away is an entity or a partition of which points are missing.
type away struct {
	Text, Href string // Text is "3 entities"
	Says       string // "are absent"
	Since      *moment
}

// missing says who is away.
func (s *shell) missing(v *sentence, open []answers.Episode) {
	absent := slices.DeleteFunc(slices.Clone(open), func(e answers.Episode) bool { return e.Kind != answers.Absence })
	if len(absent) == 1 {
		since := s.When(absent[0].OpenedAt)
		v.Away = append(v.Away, away{look.Full(absent[0].Fields, absent[0].Entity), entityLink(s.Detector.Name, absent[0].Entity), "has vanished", &since})
	} else if len(absent) > 1 {
		v.Away = append(v.Away, away{Text: look.Count(len(absent), "entity", "entities"), Href: s.link("state", string(answers.SilentEntities)), Says: "have vanished"})
	}
	for _, g := range gapsOf(open) {
		since := s.When(g.OpenedAt)
		has := "have"
		if g.partitions == 1 {
			has = "has"
		}
		v.Away = append(v.Away, away{titled(g.where()), s.link("kind", string(answers.PartitionGap)), has + " a gap, with " + g.few(), &since})
	}
}

func (s *shell) say(open, ended answers.List[answers.Episode]) sentence {
	v := sentence{}
	switch n := len(open.Items); {
	case n == 1 && open.Next == "":
		v.Headline = "1 episode is open."
	case n > 0:
		v.Headline = atLeast(open) + " episodes are open."
	case s.Detector.State == "replaying" && len(ended.Items) == 0:
		v.Headline = "The history is being replayed."
	case s.Detector.DataUntil == nil:
		v.Headline = s.before()
	case len(ended.Items) == 0 && (s.Detector.Tail.Problem != "" || !s.Detector.Tail.Caught):
		v.Headline = "No anomalies are known yet."
	case len(ended.Items) == 0 && s.Filtered():
		v.Headline = "No anomalies match."
	case len(ended.Items) == 0:
		v.Headline = "No anomalies since " + s.since() + "."
	default:
		v.Headline = "No episode is open."
	}
	if s.Filtered() && len(open.Items)+len(ended.Items) > 0 {
		v.Headline = strings.TrimSuffix(v.Headline, ".") + ", with these filters."
	}
	s.missing(&v, open.Items)
	if largest, of := farthest(open.Items); largest != nil {
		r := s.row(*largest)
		v.Others = of > 1
		v.Largest, v.Full, v.Size, v.Side = &r, look.Full(largest.Fields, largest.Entity), look.Size(largest.Deviation), "above"
		if largest.Direction == answers.Down {
			v.Side = "below"
		}
	}
	crowded := open.Items
	if len(crowded) == 0 {
		crowded = ended.Items
	}
	s.sayCrowd(&v, crowded)
	if n := len(ended.Items); n > 0 {
		v.Ended = fmt.Sprintf("%s ended in these %d hours.", strings.Replace(look.Count(n, "episode", "episodes"), look.Group(n), atLeast(ended), 1), s.Hours)
	}
	return v
}

// sayCrowd says where most entities changed at the same time.
func (s *shell) sayCrowd(v *sentence, episodes []answers.Episode) {
	most := -1
	for i, e := range episodes {
		if e.Concurrent > 1 && (most < 0 || e.Concurrent > episodes[most].Concurrent) {
			most = i
		}
	}
	if most < 0 {
		return
	}
	e := episodes[most]
	v.Changed = changed(e)
	v.Crowd, v.Within = look.Count(e.Concurrent+1, "entity", "entities"), look.Within(binOf(s.Detector))
	v.Where, v.WhereTo = s.crowdLink(e)
}

// farthest is the deviation with the largest peak, and of how many.
func farthest(episodes []answers.Episode) (found *answers.Episode, of int) {
	for i := range episodes {
		e := &episodes[i]
		if e.Kind != answers.Deviation {
			continue
		}
		of++
		if found == nil || reach(e.Deviation) > reach(found.Deviation) {
			found = e
		}
	}
	return found, of
}

// reach orders deviations; an infinite one is the largest.
func reach(deviation *float64) float64 {
	if deviation == nil {
		return math.Inf(1)
	}
	return math.Abs(*deviation)
}

// since is the time from which on anomalies are known.
func (s *shell) since() string {
	from := s.shown().From
	if held := s.Detector.Tail.From; held != nil && held.After(from) {
		from = *held
	}
	return s.When(from).Short + " UTC"
}

// before is the headline while stream time is not known.
func (s *shell) before() string {
	switch s.Detector.State {
	case "opening":
		return "Not connected to Kafka yet."
	case "stopped":
		return "The detector has stopped."
	case "live", "standby", "draining", "replaying":
		return "No data has come yet."
	}
	return "The state of the detector is not known."
}

// nothing says why there are no episodes.
func (s *shell) nothing() string {
	d := s.Detector
	switch {
	case s.Filtered():
		return "No episode matches these filters in the time that is shown."
	case d.DataUntil == nil && d.State != "live" && d.State != "replaying":
		text := "The detector waits for its consumer group " + d.ConsumerGroup + "."
		if d.State != "opening" {
			text = ""
		}
		if d.Problem != "" || d.Tail.Problem != "" {
			text += " The reason is given above."
		}
		return text
	case d.DataUntil == nil:
		return "The detector waits for the first point of " + d.Topic + "."
	case d.State == "replaying":
		return "Points are scored once the replay has ended."
	}
	return fmt.Sprintf("%s scored, last point %s.", look.Count(d.Entities, "entity", "entities"), clock{Now: s.Now, Ref: s.Ref}.When(*d.DataUntil).Ago)
}

func titled(word string) string {
	if word == "" {
		return "Unknown"
	}
	return strings.ToUpper(word[:1]) + word[1:]
}

// stateKind is the colour of a state.
func stateKind(state string) string {
	switch state {
	case "live":
		return "ok"
	case "opening", "replaying", "draining":
		return "warn"
	case "standby":
		return ""
	}
	return "bad"
}
