package source

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"anomalydetector/episode"
	"anomalydetector/tail"
	"anomalydetector/tail/published"
	"anomalydetector/web/answers"
)

// publisher is a harness whose detector publishes its episodes.
type publisher struct {
	*harness
	topic *published.Episodes
	next  int64
}

func newPublisher(t *testing.T) *publisher {
	h := newHarness(t)
	d := h.known[0]
	d.Episodes, d.EpisodesTopic = published.New(published.Config{KeyFields: d.KeyFields, Bin: bin, Range: 7 * 24 * time.Hour}), "episodes"
	d.lives = &publishes{d, d.Episodes}
	d.Episodes.Tell(true, "")
	return &publisher{h, d.Episodes, 0}
}

// tell publishes an event, told as "event kind id entity outcome", at a number of bins.
func (p *publisher) tell(bins int, words string) *publisher {
	word := append(strings.Fields(words), "", "")
	r := episode.Record{Event: word[0], Kind: word[1], ID: word[2], Entity: word[3], OpenedAt: at(bins), At: at(bins), Points: 1}
	if list, _, _ := p.topic.List(published.Query{}, "", 0); len(list) > 0 {
		for _, e := range list {
			if e.ID == r.ID {
				r.OpenedAt = e.OpenedAt
			}
		}
	}
	if key := strings.Split(r.Entity, ","); len(key) == 2 {
		r.Fields = map[string]string{"scope": key[0], "asn": key[1]}
	}
	if r.Kind == published.Deviation {
		r.Peak = &episode.Peak{ID: r.ID, At: r.OpenedAt, Value: episode.NumberOf(0), Deviation: episode.NumberOf(-35)}
	}
	if r.Event == "resolved" {
		r.Resolved, r.Outcome = r.At, word[4]
		if r.Kind == published.Gap {
			r.Outcome = word[3]
		}
	}
	if r.Kind == published.Gap {
		r.Entity, r.Fields, r.Value, r.Usual = "", nil, episode.NumberOf(3), episode.NumberOf(40)
	}
	p.next++
	p.topic.Add([]published.Entry{{Record: r, Place: tail.Place{Partition: 1, Offset: p.next}}}, 0, tail.Vector{1: p.next + 1})
	return p
}

func words(e *answers.Episode) string {
	outcome := ""
	if e.Outcome != nil {
		outcome = ":" + string(*e.Outcome)
	}
	return fmt.Sprintf("%s %s %s%s", e.Kind, e.ID, e.State, outcome)
}

func TestPublishedEpisodesAreTheTruth(t *testing.T) {
	p := newPublisher(t)
	id := p.anomaly("-1,1", 280, 0, 0.7, 0.02) // the tail would fold it into an episode of its own
	p.tell(282, "opened absence a1 -1,2").tell(281, "opened gap g1").tell(282, "resolved gap g1 filled").
		tell(280, "opened deviation "+id+" -1,1").tell(284, "resolved deviation "+id+" -1,1 recovered").tell(286, "reopened deviation "+id+" -1,1")
	for name, c := range map[string]struct {
		query answers.EpisodesQuery
		want  []string
	}{
		"all":       {answers.EpisodesQuery{}, []string{"absence a1 open", "deviation " + id + " open", "gap g1 ended:filled"}},
		"silent":    {answers.EpisodesQuery{State: answers.SilentEntities}, []string{"absence a1 open"}},
		"ended":     {answers.EpisodesQuery{State: answers.Ended}, []string{"gap g1 ended:filled"}},
		"of a kind": {answers.EpisodesQuery{Kind: answers.Deviation}, []string{"deviation " + id + " open"}},
	} {
		list, err := p.Episodes(context.Background(), c.query)
		var got []string
		for i := range list.Items {
			got = append(got, words(&list.Items[i]))
		}
		if err != nil || !slices.Equal(got, c.want) || list.Partial {
			t.Errorf("%s: %v, want %v; %v, partial %t", name, got, c.want, err, list.Partial)
		}
	}
	list, _ := p.Episodes(context.Background(), answers.EpisodesQuery{})
	absent, deviation, gap := list.Items[0], list.Items[1], list.Items[2]
	if deviation.Reopened != 1 || *deviation.Deviation != -35 || deviation.PeakID != id || deviation.Direction != answers.Down || *deviation.Partition != 1 {
		t.Errorf("deviation %+v", deviation)
	}
	if absent.Direction != "" || absent.Deviation != nil || absent.Fields[1].Value != "2" || absent.PeakID != "" {
		t.Errorf("absence %+v", absent)
	}
	if gap.Entity != "" || len(gap.Fields) != 0 || *gap.Value != 3 || *gap.Usual != 40 || !gap.EndedAt.Equal(moment(at(282))) {
		t.Errorf("gap %+v", gap)
	}
	if all, _ := p.Detectors(context.Background()); all.Items[0].EpisodesTopic != "episodes" {
		t.Errorf("detector %+v", all.Items[0])
	}
}

// Events are published when an episode opens, grows or ends. What came since is in the tail.
func TestAnomaliesSinceTheLatestEventAreCounted(t *testing.T) {
	p := newPublisher(t)
	id := p.anomaly("-1,1", 280, 0, 0.7, 0.02)
	p.tell(280, "opened deviation "+id+" -1,1")
	p.anomaly("-1,1", 281, 0, 0.7, 0.02)
	p.anomaly("-1,1", 283, 0, 0.7, 0.02)
	p.anomaly("-1,2", 284, 0, 0.7, 0.02)
	list, err := p.Episodes(context.Background(), answers.EpisodesQuery{})
	if err != nil || list.Items[0].Points != 3 || !list.Items[0].LastAt.Equal(moment(at(283))) {
		t.Errorf("%+v, %v", list.Items, err)
	}
	p.tell(282, "resolved deviation "+id+" -1,1 unknown") // the anomaly of 283 is of no episode
	list, err = p.Episodes(context.Background(), answers.EpisodesQuery{})
	if err != nil || list.Items[0].Points != 2 || !list.Items[0].LastAt.Equal(moment(at(281))) {
		t.Errorf("%+v, %v", list.Items, err)
	}
}

func TestAnEntityTellsItsAbsencesAndTheGapsOfItsPartition(t *testing.T) {
	p := newPublisher(t)
	p.window("-1,1", steady(280)...)
	p.tell(270, "opened absence a1 -1,1").tell(275, "resolved absence a1 -1,1 returned").tell(271, "opened absence a2 -1,2").
		tell(272, "opened gap g1").tell(273, "resolved gap g1 filled")
	e, err := p.Entity(context.Background(), "", "-1,1")
	if err != nil || len(e.Episodes) != 1 || words(&e.Episodes[0]) != "absence a1 ended:returned" || len(e.Gaps) != 1 || e.Fields[1].Value != "1" {
		t.Errorf("%+v, %+v, %v, %v", e.Episodes, e.Gaps, e.Fields, err)
	}
	// One whose window has been dropped is known by its episodes.
	if e, err := p.Entity(context.Background(), "", "-1,2"); err != nil || len(e.Episodes) != 1 {
		t.Errorf("%+v, %v", e.Episodes, err)
	}
}

func TestLanesShowAbsencesAndGaps(t *testing.T) {
	p := newPublisher(t)
	for i := range 12 {
		p.anomaly(fmt.Sprintf("-1,%d", i), 280, 0, 0.7, 0.02)
	}
	p.tell(270, "opened absence a1 7,99").tell(275, "resolved absence a1 7,99 returned").tell(274, "opened absence a2 7,98").tell(281, "opened absence a3 -1,3").
		tell(272, "opened gap g1")
	lanes, err := p.Lanes(context.Background(), answers.LanesQuery{By: "entity", Limit: 6})
	if err != nil || len(lanes.Items) != 6 || len(lanes.Gaps) != 1 || lanes.Next == "" {
		t.Fatalf("%d lanes, %+v, %v", len(lanes.Items), lanes.Gaps, err)
	}
	rows := make(map[string]answers.Lane)
	for cursor := ""; ; {
		page, err := p.Lanes(context.Background(), answers.LanesQuery{By: "entity", Limit: 6, Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range page.Items {
			if _, twice := rows[row.Label]; twice {
				t.Errorf("%s comes twice", row.Label)
			}
			rows[row.Label] = row
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if len(rows) != 14 || len(rows["-1,3"].Absent) != 1 || rows["-1,3"].Count != 1 || rows["7,99"].Count != 0 || !rows["7,99"].Absent[0].Until.Equal(moment(at(275))) {
		t.Errorf("%d rows: %+v", len(rows), rows)
	}
	by, err := p.Lanes(context.Background(), answers.LanesQuery{By: "scope"})
	if err != nil || len(by.Items) != 2 || by.Items[1].Label != "7" || len(by.Items[1].Absent) != 1 || !by.Items[1].Absent[0].From.Equal(moment(at(270))) || !by.Items[1].Absent[0].Until.Equal(by.Until) {
		t.Errorf("by scope: %+v, %v", by.Items, err)
	}
}

func TestStreamTellsPublishedEpisodesOnceAfterACursor(t *testing.T) {
	p := newPublisher(t)
	p.tell(270, "opened deviation d1 -1,1").tell(274, "resolved deviation d1 -1,1 recovered").tell(275, "opened absence a1 -1,2").tell(276, "opened gap g1")
	var told []string
	cursor := "/0/0:0/"
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for range 3 {
		err := p.Follow(ctx, answers.FollowQuery{Cursor: cursor}, func(event answers.Event) error {
			if event.Episode != nil {
				told = append(told, words(event.Episode))
				cursor = event.ID
				return errEnough // end after each event
			}
			return nil
		})
		if !errors.Is(err, errEnough) {
			t.Fatal(err)
		}
	}
	if want := []string{"deviation d1 ended:recovered", "absence a1 open", "gap g1 open"}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
	// After that comes only what is new, and an anomaly brings the episode that it is of.
	told = nil
	err := p.Follow(ctx, answers.FollowQuery{Cursor: cursor}, func(event answers.Event) error {
		switch {
		case event.Status != nil && told == nil:
			p.tell(277, "opened deviation d2 -1,7")
			p.anomaly("-1,7", 277, 0, 0.7, 0.02)
			told = append(told, "status")
		case event.Anomaly != nil:
			told = append(told, "anomaly")
		case event.Episode != nil:
			told = append(told, words(event.Episode))
			if len(told) == 4 {
				return errEnough
			}
		}
		return nil
	})
	if want := []string{"status", "anomaly", "deviation d2 open", "deviation d2 open"}; !errors.Is(err, errEnough) || !slices.Equal(told, want) {
		t.Errorf("told %v, want %v; %v", told, want, err)
	}
}

func TestWithoutPublishedEpisodesNobodyKnowsWhoIsSilent(t *testing.T) {
	h := newHarness(t)
	h.anomaly("-1,1", 280, 0, 0.7, 0.02)
	_, err := h.Episodes(context.Background(), answers.EpisodesQuery{State: answers.SilentEntities})
	if p := problemOf(t, err); p.Status != 400 || p.Parameter != "state" {
		t.Errorf("%+v", p)
	}
	if list, err := h.Episodes(context.Background(), answers.EpisodesQuery{Kind: answers.Absence}); err != nil || len(list.Items) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	if list, err := h.Episodes(context.Background(), answers.EpisodesQuery{Kind: answers.Deviation}); err != nil || len(list.Items) != 1 || list.Items[0].Kind != answers.Deviation {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestEpisodesThatAreNotAllKnownArePartial(t *testing.T) {
	p := newPublisher(t)
	p.topic.Tell(true, "no broker")
	list, err := p.Episodes(context.Background(), answers.EpisodesQuery{})
	if err != nil || !list.Partial || len(list.Problems) != 1 || !strings.Contains(list.Problems[0], "episodes topic episodes") {
		t.Errorf("%+v, %v", list, err)
	}
	if anomalies, err := p.Anomalies(context.Background(), answers.AnomaliesQuery{}); err != nil || anomalies.Partial {
		t.Errorf("anomalies lack nothing: %+v, %v", anomalies, err)
	}
}

// TestPublishedDeviationOfHabitSaysWhy: the record of its peak says by what it was found.
func TestPublishedDeviationOfHabitSaysWhy(t *testing.T) {
	p := newPublisher(t)
	p.found("-1,1", 280, 0.7, -8.3, tail.Habit{OfMean: true, Mean: -0.05, UsualMean: 0.03})
	anomalies, err := p.Anomalies(context.Background(), answers.AnomaliesQuery{})
	if err != nil {
		t.Fatal(err)
	}
	p.tell(280, "opened deviation "+anomalies.Items[0].ID+" -1,1").tell(281, "opened deviation other -1,2")
	list, err := p.Episodes(context.Background(), answers.EpisodesQuery{})
	if err != nil || len(list.Items) != 2 {
		t.Fatal(list, err)
	}
	by := list.Items[1].ByHabit
	if !by.OfMean() || *by.Mean != -0.05 || by.Sentence != "the last 24 values lie 0.050 below expectation on average; up to 0.030 is usual" || list.Items[0].ByHabit != (answers.ByHabit{}) {
		t.Errorf("%+v", list.Items)
	}
}
