package page

import (
	"context"
	"fmt"
	"strconv"

	"anomalydetector/web/answers"
	"anomalydetector/web/look"
)

// nowView is the view Now: the state of the detector, what happened, when and where.
type nowView struct {
	Strip    []fact
	Sentence sentence
	Lanes    *lanesView
	Episodes []row
	States   []choice
	Next     string
	First    string // on a later page, the link of the first one
	CSV      string
	JSON     string
	Matches  []match // entities that the search finds
	MoreHits bool
	Empty    string // why there are no episodes
	None     string // what an empty table says in place of that
}

// fact is a number of the health strip.
type fact struct {
	Value, Label, Kind string
	Time               *moment
}

// match is an entity that a search found.
type match struct{ Name, Key, Href string }

// episodesAPage is how many episodes the table shows at once.
const episodesAPage = 50

func now(ctx context.Context, s *shell) error {
	v := &nowView{}
	s.Title, s.Body = "Now", v
	v.Strip = s.strip()
	range_ := s.shown()
	filter := s.filter
	if filter.From.IsZero() && filter.Until.IsZero() {
		filter.From, filter.Until = range_.From, range_.Until
	}
	open, err := s.source.Episodes(ctx, answers.EpisodesQuery{Filter: filter, State: answers.Open, Kind: s.kind, Limit: answers.MostItems})
	if err != nil {
		return err
	}
	ended, err := s.source.Episodes(ctx, answers.EpisodesQuery{Filter: filter, State: answers.Ended, Kind: s.kind, Limit: answers.MostItems})
	if err != nil {
		return err
	}
	s.lacks(open.Partial, open.Problems)
	v.Sentence = s.say(open, ended)
	if err := v.list(ctx, s, filter, open, ended); err != nil {
		return err
	}
	if v.Lanes, err = s.lanes(ctx, range_); err != nil {
		return err
	}
	if s.Search.Query != "" {
		if err := v.find(ctx, s); err != nil {
			return err
		}
	}
	if len(v.Episodes) == 0 && v.None == "" {
		v.Empty = s.nothing()
	}
	return nil
}

// list fills the table of episodes, and its filter by state.
func (v *nowView) list(ctx context.Context, s *shell, filter answers.Filter, open, ended answers.List[answers.Episode]) error {
	state := answers.EpisodeState(s.Query.Get("state"))
	if s.Search.state != "" {
		state = s.Search.state
	}
	switch {
	case state == "", state == answers.Open, state == answers.Ended, state == answers.SilentEntities && s.publishes():
	case state == answers.SilentEntities:
		s.Told = append(s.Told, "silent: this detector does not publish its episodes, so it does not know which entities are silent")
		state = ""
	default:
		words := "open or ended"
		if s.publishes() {
			words = "open, ended or silent"
		}
		s.Told = append(s.Told, fmt.Sprintf("state=%s: it is %s", state, words))
		state = ""
	}
	shown, err := s.source.Episodes(ctx, answers.EpisodesQuery{Filter: filter, State: state, Kind: s.kind, Limit: episodesAPage, Cursor: s.Query.Get("cursor")})
	if err != nil {
		return err
	}
	v.Episodes = s.folded(shown.Items)
	if len(v.Episodes) == 0 && state == answers.SilentEntities && !s.Filtered() {
		v.None = "No entity is silent."
	}
	if shown.Next != "" {
		v.Next = s.link("cursor", shown.Next)
	}
	if s.Query.Get("cursor") != "" {
		v.First = s.link()
	}
	all := answers.List[answers.Episode]{Items: append(open.Items[:len(open.Items):len(open.Items)], ended.Items...), Next: open.Next + ended.Next}
	type choosable struct {
		state answers.EpisodeState
		list  answers.List[answers.Episode]
		name  string
	}
	states := []choosable{{"", all, "all"}, {answers.Open, open, "open"}, {answers.Ended, ended, "ended"}}
	if s.publishes() {
		silent, err := s.source.Episodes(ctx, answers.EpisodesQuery{Filter: filter, State: answers.SilentEntities, Kind: s.kind, Limit: answers.MostItems})
		if err != nil {
			return err
		}
		states = append(states, choosable{answers.SilentEntities, silent, "silent"})
	}
	for _, c := range states {
		v.States = append(v.States, choice{Label: c.name + " " + atLeast(c.list), Href: s.link("state", string(c.state)), On: c.state == state})
	}
	v.CSV = s.data("episodes", "csv", filter, "state", string(state), "kind", string(s.kind))
	v.JSON = s.data("episodes", "", filter, "state", string(state), "kind", string(s.kind))
	return nil
}

// find looks for entities, even for those without anomalies.
func (v *nowView) find(ctx context.Context, s *shell) error {
	if len(s.filter.Fields) == 0 && s.filter.Text == "" {
		return nil
	}
	const most = 8
	found, err := s.source.Entities(ctx, answers.EntitiesQuery{Detector: s.Detector.Name, Text: s.filter.Text, Fields: s.filter.Fields, Limit: most})
	if err != nil {
		return err
	}
	s.problems(found.Partial, found.Problems)
	for _, e := range found.Items {
		v.Matches = append(v.Matches, match{look.Short(e.Fields, e.Key), look.KeyBeside(look.Short(e.Fields, e.Key), e.Key), entityLink(e.Detector, e.Key)})
	}
	v.MoreHits = found.Next != ""
	return nil
}

// atLeast is how many items there are, followed by a plus if there are more pages.
func atLeast(l answers.List[answers.Episode]) string {
	if l.Next != "" {
		return look.Group(len(l.Items)) + "+"
	}
	return look.Group(len(l.Items))
}

// lacks shows what a list of anomalies or episodes lacks, unless a banner says so already.
func (s *shell) lacks(partial bool, problems []string) {
	if !s.tailTold() {
		s.problems(partial, problems)
	}
}

func (s *shell) problems(partial bool, problems []string) {
	if partial && len(problems) == 0 && s.Status.Answering >= s.Status.Nodes {
		s.partial("Not all nodes have answered.")
	}
	for _, problem := range problems {
		s.partial(problem)
	}
}

// strip is the health of a detector in six numbers.
func (s *shell) strip() []fact {
	d := s.Detector
	state := fact{Value: titled(d.State), Kind: stateKind(d.State), Label: fmt.Sprintf("%d of %d partitions ready", d.Partitions.Ready, d.Partitions.All)}
	if d.Partitions.All == 0 {
		state.Label = "no partitions yet"
	}
	if d.Partitions.Ready < d.Partitions.All && state.Kind == "ok" {
		state.Kind = "warn"
	}
	if n := d.Partitions.Unowned; n > 0 {
		state.Label += fmt.Sprintf(", %d without a node", n)
	}
	until := fact{Value: "–", Label: "no data yet"}
	if d.DataUntil != nil {
		m := s.byClock(*d.DataUntil)
		until = fact{Time: &m, Label: "data until, " + m.Ago}
		if s.Old {
			until.Label = "data until " + s.When(*d.DataUntil).Short + " UTC, " + m.Ago
			m.Short = d.DataUntil.UTC().Format("2 Jan 2006")
		}
	}
	behind := fact{Value: look.Group(d.LagRecords), Label: "records behind"}
	if d.LagRecords > 100_000 && d.Replay == nil {
		behind.Kind = "warn"
	}
	fast := fact{Value: "–", Label: "record to alarm, p50"}
	if d.DetectionP50 != nil {
		fast.Value = strconv.FormatFloat(*d.DetectionP50, 'g', 2, 64) + " s"
	}
	nodes := fact{Value: strconv.Itoa(s.Status.Nodes), Label: "nodes, all answering"}
	if s.Status.Nodes == 1 {
		nodes.Label = "node, answering"
	}
	if s.Status.Answering < s.Status.Nodes {
		nodes = fact{Value: fmt.Sprintf("%d of %d", s.Status.Answering, s.Status.Nodes), Label: "nodes answer", Kind: "bad"}
	}
	return []fact{state, until, behind, {Value: look.Group(d.Entities), Label: "entities scored"}, fast, nodes}
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
