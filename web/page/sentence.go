package page

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"anomalydetector/web/answers"
	"anomalydetector/web/look"
)

// sentence is what the page says first.
type sentence struct {
	Headline string
	Largest  *row
	Others   bool   // it is the largest of several
	Full     string // its name in a sentence
	Far      string // how far it is from what is usual
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
		v.Largest, v.Full = &r, look.Full(largest.Fields, largest.Entity)
		side, level := "above", "its usual level"
		if largest.Direction == answers.Down {
			side = "below"
		}
		if largest.Method == answers.Habit {
			level = "what was expected"
		}
		v.Far = look.Size(largest.Deviation) + " deviations " + side + " " + level
		if largest.OfMean() {
			v.Far = "where up to " + look.Brief(largest.UsualMean) + " is usual"
		}
		r.Turned, r.Span = hasTurned(*largest)
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
