package source

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"anomalydetector/detection"
	"anomalydetector/episode"
	"anomalydetector/messages"
	"anomalydetector/tail"
	"anomalydetector/web/answers"
)

const (
	bin   = 15 * time.Minute
	begin = int64(1_700_000_100_000) / 900_000 * 900_000 // the beginning of a bin, in Unix milliseconds
)

// at is a number of bins after the beginning.
func at(bins int) int64 { return begin + int64(bins)*bin.Milliseconds() }

// actorsOf answers as the actors of one node do.
type actorsOf struct {
	status   messages.ClusterStatus
	asked    int           // how often for the status
	hang     chan struct{} // the status comes once this is closed; nil: at once
	entities map[string]messages.EntityAnswer
	names    []messages.EntityName
}

func (a *actorsOf) Status(ctx context.Context) messages.ClusterStatus {
	if _, has := ctx.Deadline(); !has {
		panic("a question needs a deadline")
	}
	a.asked++
	if a.hang != nil {
		<-a.hang
	}
	return a.status
}

func (a *actorsOf) Entity(_ context.Context, _, key string) (messages.EntityAnswer, bool) {
	return a.entities[key], true
}

func (a *actorsOf) Entities(_ context.Context, _ string, q messages.EntitiesQuery) (answer messages.EntitiesAnswer, known bool) {
	for _, one := range a.names {
		if one.Key <= q.After || !strings.Contains(one.Key, q.Text) {
			continue
		}
		if len(answer.Names) == q.Limit {
			answer.More = true
			break
		}
		answer.Names = append(answer.Names, one)
	}
	return answer, true
}

// harness is a source of one detector, hegemony, with a clock that the test moves.
type harness struct {
	*Source
	t      *testing.T
	actors *actorsOf
	tail   *tail.Tail
	clock  time.Time
	offset int64
}

func newHarness(t *testing.T) *harness {
	settings := detection.Settings{GranularityMinutes: 15, HistoryHours: 72, MinRatio: 0.6, Threshold: 5, MinDeviation: 0.01}
	h := &harness{t: t, actors: &actorsOf{entities: make(map[string]messages.EntityAnswer)}, clock: moment(at(288)),
		tail: tail.New(tail.Config{KeyFields: 2, Rules: episode.DefaultRules(bin, 5), Range: 7 * 24 * time.Hour})}
	h.actors.status = messages.ClusterStatus{Nodes: []messages.NodeStatus{{Node: "n1", Detectors: []messages.DetectorStatus{
		{Detector: "hegemony", State: messages.StateLive, Partitions: []messages.PartitionStatus{
			{Partition: 0, Role: messages.RoleAssigned, Phase: messages.Ready, Entities: 3, StreamTime: at(288)},
			{Partition: 1, Role: messages.RoleAssigned, Phase: messages.Ready, Entities: 4, StreamTime: at(287)},
		}},
	}}}}
	h.Source = New(Config{Version: "1", Node: "n1", Clustered: true, Now: func() time.Time { return h.clock }, Asker: h.actors, Detectors: []*Detector{{
		Name: "hegemony", Topic: "in", OutputTopic: "out", Group: "g", ValueField: "hege", KeyFields: []string{"scope", "asn"},
		Settings: settings, Tail: h.tail, Median: func() (float64, bool) { return 0.04, true },
	}}})
	h.tail.Tell(true, "")
	return h
}

// anomaly adds an anomaly to the tail.
func (h *harness) anomaly(key string, bins int, value, usual, scale float64) string {
	h.offset++
	id := fmt.Sprintf("%032x", h.offset)
	h.tail.Add([]tail.Entry{{
		ID: id, Entity: key, Fields: strings.Split(key, ","), At: at(bins), Value: value, Usual: usual, Scale: scale,
		Deviation: (value - usual) / scale, Output: tail.Place{Offset: h.offset}, Input: tail.Place{Partition: 1, Offset: 7 * h.offset},
	}}, tail.Vector{0: h.offset + 1})
	return id
}

// window gives the actors an entity, by its values in the bins up to the last; NaN is a bin without a point.
func (h *harness) window(key string, values ...float64) {
	status := messages.EntityStatus{Partition: 1, Role: messages.RoleAssigned, Phase: messages.Ready, Offset: 99, Needed: 173, Full: 288}
	scorer := detection.NewScorer(h.known[0].rules)
	var known []float64
	for i, value := range values {
		if !math.IsNaN(value) {
			status.Window = append(status.Window, messages.WindowPoint{At: at(288 - len(values) + 1 + i), Value: value})
			known = append(known, value)
		}
	}
	sum := scorer.Summarize(known)
	status.Points, status.Coverage, status.Scored = len(known), float64(len(known))/288, sum.Scored
	if sum.Scored {
		status.Median, status.Scale, status.Low, status.High = &sum.Median, &sum.Scale, &sum.Low, &sum.High
	}
	if sum.LastScored {
		status.LastDeviation = &sum.LastDeviation
	}
	h.actors.entities[key] = messages.EntityAnswer{Detector: "hegemony", Entity: key, Found: []messages.EntityStatus{status}}
}

// steady are n values around 0.7.
func steady(n int) (values []float64) {
	for i := range n {
		values = append(values, 0.7+0.01*float64(i%3-1))
	}
	return values
}

func problemOf(t *testing.T, err error) *answers.Problem {
	t.Helper()
	var p *answers.Problem
	if !errors.As(err, &p) {
		t.Fatalf("error %v, want a problem", err)
	}
	return p
}

func TestStatusSumsUpAllNodesAndIsAskedOnceASecond(t *testing.T) {
	h := newHarness(t)
	h.actors.status.Nodes = append(h.actors.status.Nodes, messages.NodeStatus{Address: "b:1", Problem: "no route"})
	h.actors.status.Partial = true
	h.actors.status.Unowned = []messages.PartitionName{{Detector: "hegemony", Partition: 2}}
	for range 3 {
		if _, err := h.Status(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	h.clock = h.clock.Add(time.Second)
	status, err := h.Status(context.Background())
	if err != nil || h.actors.asked != 2 {
		t.Errorf("asked %d times, %v; want 2", h.actors.asked, err)
	}
	d := status.Detectors[0]
	if d.Partitions != (answers.Partitions{All: 3, Ready: 2, Unowned: 1}) || d.Entities != 7 || d.State != string(messages.StateOpening) || d.Problem != "no node that answers has partition 2" ||
		!d.DataUntil.Equal(moment(at(288))) || *d.DetectionP50 != 0.04 || d.PointsNeeded != 173 || d.PointsFull != 288 {
		t.Errorf("detector %+v", d)
	}
	if status.Nodes != 2 || status.Answering != 1 || !status.Partial || !slices.Equal(status.Problems, []string{"node b:1 did not answer: no route"}) {
		t.Errorf("status %+v", status)
	}
}

// A status takes an older answer, and lists need none.
func TestANodeThatHangsHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t)
		h.actors.hang = make(chan struct{})
		h.anomaly("-1,1", 280, 0, 0.7, 0.02)
		begin := time.Now()
		if list, err := h.Anomalies(context.Background(), answers.AnomaliesQuery{}); err != nil || len(list.Items) != 1 || time.Since(begin) > lookPatience {
			t.Errorf("before the first answer: %v, %v, after %v", list, err, time.Since(begin))
		}
		gone, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := h.Status(gone); problemOf(t, err).Status != http.StatusServiceUnavailable {
			t.Errorf("a status without an answer: %v", err)
		}
		close(h.actors.hang)
		if _, err := h.Status(context.Background()); err != nil {
			t.Error(err)
		}
		h.clock, h.actors.hang = h.clock.Add(time.Minute), make(chan struct{})
		begin = time.Now()
		for range 3 {
			if status, err := h.Status(context.Background()); err != nil || len(status.Detectors) != 1 {
				t.Errorf("with an older answer: %v, %v", status, err)
			}
		}
		if took := time.Since(begin); took != 3*lookPatience {
			t.Errorf("three answers took %v", took)
		}
		close(h.actors.hang)
		if err := h.Close(); err != nil || h.actors.asked != 2 {
			t.Errorf("%d questions, %v", h.actors.asked, err)
		}
	})
}

// The other nodes have not reported the partitions yet.
func TestPartitionsOfANodeThatDiedAreMissing(t *testing.T) {
	h := newHarness(t)
	h.actors.status.Nodes = append(h.actors.status.Nodes, messages.NodeStatus{Address: "b:1", Detectors: []messages.DetectorStatus{
		{Detector: "hegemony", State: messages.StateLive, Partitions: []messages.PartitionStatus{{Partition: 2, Role: messages.RoleAssigned, Phase: messages.Ready}}},
	}})
	status, _ := h.Status(context.Background())
	if d := status.Detectors[0]; d.State != string(messages.StateLive) || d.Partitions != (answers.Partitions{All: 3, Ready: 3}) {
		t.Errorf("with both nodes: %+v", d)
	}
	h.actors.status.Nodes[1] = messages.NodeStatus{Address: "b:1", Problem: "no route"}
	h.clock = h.clock.Add(time.Minute)
	status, _ = h.Status(context.Background())
	if d := status.Detectors[0]; d.State == string(messages.StateLive) || d.Partitions != (answers.Partitions{All: 3, Ready: 2, Unowned: 1}) {
		t.Errorf("with one node: %+v", d)
	}
}

// A node of an earlier version does not say the step.
func TestNodesTellTheStepUnderWay(t *testing.T) {
	h := newHarness(t)
	for _, step := range []string{"", "storing"} {
		h.actors.status.Nodes[0].Detectors[0].Step = step
		h.clock = h.clock.Add(time.Minute)
		list, err := h.Nodes(context.Background())
		if err != nil || list.Items[0].Detectors[0].Step != step {
			t.Errorf("%+v, %v, want the step %q", list.Items, err, step)
		}
	}
}

// Their successors are not ready yet, so the draining nodes still do the work.
func TestDetectorIsDrainingWhenAllItsNodesAre(t *testing.T) {
	h := newHarness(t)
	h.actors.status.Nodes[0].Detectors[0].State = messages.StateDraining
	h.actors.status.Nodes = append(h.actors.status.Nodes, messages.NodeStatus{Address: "b:1", Detectors: []messages.DetectorStatus{
		{Detector: "hegemony", State: messages.StateDraining, Partitions: []messages.PartitionStatus{{Partition: 2, Role: messages.RoleAssigned, Phase: messages.Ready}}},
	}})
	status, _ := h.Status(context.Background())
	if d := status.Detectors[0]; d.State != string(messages.StateDraining) {
		t.Errorf("the state is %s, want draining", d.State)
	}
}

// The answer is not "there is no such entity".
func TestEntitiesCannotBeAskedForBeforePartitionsAreAssigned(t *testing.T) {
	h := newHarness(t)
	h.actors.status.Nodes[0].Detectors[0] = messages.DetectorStatus{Detector: "hegemony", State: messages.StateOpening, Problem: "no broker"}
	_, err := h.Entity(context.Background(), "", "-1,1")
	_, err2 := h.Entities(context.Background(), answers.EntitiesQuery{})
	for _, err := range []error{err, err2} {
		if p := problemOf(t, err); p.Status != http.StatusServiceUnavailable || p.RetryAfter == 0 || !strings.HasSuffix(p.Detail, ": no broker") {
			t.Errorf("%+v", p)
		}
	}
	h.anomaly("-1,1", 280, 0, 0.7, 0.02)
	if e, err := h.Entity(context.Background(), "", "-1,1"); err != nil || len(e.Anomalies) != 1 {
		t.Errorf("an entity with anomalies: %+v, %v", e, err)
	}
}

// It decides neither that an entity is silent, nor that an episode ended, nor how.
func TestAPartitionThatLagsDecidesNothingYet(t *testing.T) {
	h := newHarness(t)
	lagging := &h.actors.status.Nodes[0].Detectors[0].Partitions[1]
	lagging.StreamTime, lagging.Lag = at(201), 500
	h.window("-1,1", append(steady(200), 0)...)
	owner := &h.actors.entities["-1,1"].Found[0]
	for i := range owner.Window {
		owner.Window[i].At -= 87 * bin.Milliseconds() // the last one lies in bin 201
	}
	h.anomaly("-1,1", 201, 0, 0.7, 0.02)
	e, err := h.Entity(context.Background(), "", "-1,1")
	if err != nil || e.Reason != "anomalous" || e.Episodes[0].State != answers.Open {
		t.Errorf("while it lags: %s, %+v, %v", e.Reason, e.Episodes, err)
	}
	// The partition has caught up, and the entity is back.
	lagging.StreamTime, lagging.Lag = at(288), 0
	h.window("-1,1", append(append(steady(200), 0), steady(87)...)...)
	h.clock = h.clock.Add(time.Minute)
	list, err := h.Episodes(context.Background(), answers.EpisodesQuery{})
	if err != nil || list.Items[0].Outcome == nil || *list.Items[0].Outcome != answers.Recovered {
		t.Errorf("after it: %+v, %v", list.Items, err)
	}
}

func TestReplayHasItsRateAndTheTimeWhenItIsReady(t *testing.T) {
	h := newHarness(t)
	partition := &h.actors.status.Nodes[0].Detectors[0].Partitions[0]
	partition.Phase, partition.Pending = messages.Replaying, 5000
	status, _ := h.Status(context.Background())
	if r := status.Detectors[0].Replay; r == nil || r.Remaining != 5000 || r.PerSecond != 0 || r.Ready != nil {
		t.Errorf("at first: %+v", r)
	}
	h.clock, partition.Pending = h.clock.Add(2*time.Second), 3000
	status, _ = h.Status(context.Background())
	r := status.Detectors[0].Replay
	if r == nil || r.PerSecond != 1000 || !r.Ready.Equal(h.clock.Add(3*time.Second)) || status.Detectors[0].State != string(messages.StateReplaying) {
		t.Errorf("then: %+v", r)
	}
	h.clock, partition.Pending, partition.Phase = h.clock.Add(time.Second), 0, messages.Ready
	if status, _ = h.Status(context.Background()); status.Detectors[0].Replay != nil {
		t.Error("a replay is told that is over")
	}
}

func TestEntityIsJudgedInWords(t *testing.T) {
	for name, c := range map[string]struct {
		values          []float64
		reason, verdict string
	}{
		"normal": {steady(288), "normal", "The value 0.71 of 2023-11-17 22:15 UTC lies 0.4 deviations above the usual level 0.7; up to 5 are normal, which is 0.5765 to 0.8235."},
		"anomalous": {append(steady(287), 0), "anomalous",
			"The value 0 of 2023-11-17 22:15 UTC lies 28.3 deviations below the usual level 0.7; up to 5 are normal, which is 0.5765 to 0.8235."},
		"too few": {steady(41), "too_few_points", "The value 0.7 of 2023-11-17 22:15 UTC is not scored: 40 of 173 points needed were known."},
		"silent": {append(steady(280), math.NaN(), math.NaN(), math.NaN(), math.NaN()), "silent",
			"No point came since 2023-11-17 21:15 UTC, for 4 bins. The last value was 0.69."},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			h.window("-1,64510", c.values...)
			e, err := h.Entity(context.Background(), "hegemony", "-1,64510")
			if err != nil {
				t.Fatal(err)
			}
			if e.Reason != c.reason || e.Verdict != c.verdict {
				t.Errorf("%s: %q", e.Reason, e.Verdict)
			}
		})
	}
}

func TestMissingPointsAreListedUpToStreamTime(t *testing.T) {
	h := newHarness(t)
	values := steady(20)
	values[5], values[6], values[18], values[19] = math.NaN(), math.NaN(), math.NaN(), math.NaN()
	h.window("-1,64510", values...)
	e, err := h.Entity(context.Background(), "", "-1,64510")
	if err != nil {
		t.Fatal(err)
	}
	want := []answers.TimeSpan{{From: moment(at(274)), Until: moment(at(276))}, {From: moment(at(287)), Until: moment(at(289))}}
	if !slices.Equal(e.Missing, want) {
		t.Errorf("missing %v, want %v", e.Missing, want)
	}
}

func TestUnknownEntityNamesThoseThatAreLikeIt(t *testing.T) {
	h := newHarness(t)
	h.actors.names = []messages.EntityName{{Key: "-1,64510", Fields: []string{"-1", "64510"}}, {Key: "-1,99", Fields: []string{"-1", "99"}}, {Key: "x,y", Fields: []string{"x", "y"}}}
	_, err := h.Entity(context.Background(), "hegemony", "-1,64511")
	p := problemOf(t, err)
	if p.Status != http.StatusNotFound || p.Parameter != "key" || !slices.Equal(p.Similar, []string{"-1,64510", "-1,99"}) {
		t.Errorf("problem %+v", p)
	}
	if _, err := h.Entity(context.Background(), "atlas", "x"); problemOf(t, err).Parameter != "detector" {
		t.Errorf("unknown detector: %v", err)
	}
}

func TestEndedEpisodesGetTheirOutcomeFromTheWindow(t *testing.T) {
	h := newHarness(t)
	back, stays := steady(288), steady(288)
	back[200], back[201] = 0, 0
	for i := 200; i < 288; i++ {
		stays[i] = 0.2
	}
	gone := append(steady(200), 0)
	for len(gone) < 288 {
		gone = append(gone, math.NaN())
	}
	for i, values := range [][]float64{back, stays, gone} {
		key := fmt.Sprintf("-1,%d", 64496+i)
		h.window(key, values...)
		h.anomaly(key, 201, values[200], 0.7, 0.02)
	}
	h.anomaly("-1,1", 287, 0, 0.7, 0.02) // open
	h.anomaly("-1,2", 100, 0, 0.7, 0.02) // its window is not known
	list, err := h.Episodes(context.Background(), answers.EpisodesQuery{})
	if err != nil {
		t.Fatal(err)
	}
	outcomes := make(map[string]string)
	for _, e := range list.Items {
		outcomes[e.Entity] = string(e.State)
		if e.Outcome != nil {
			outcomes[e.Entity] += " " + string(*e.Outcome)
		}
	}
	want := map[string]string{"-1,64496": "ended recovered", "-1,64497": "ended absorbed", "-1,64498": "ended silent", "-1,1": "open", "-1,2": "ended"}
	if fmt.Sprint(outcomes) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", outcomes, want)
	}
}

func TestHoleIsWhereNoEntityHasAPoint(t *testing.T) {
	h := newHarness(t)
	for i := range 3 {
		values := steady(288)
		values[100], values[101] = math.NaN(), math.NaN() // the hole
		values[50+i] = math.NaN()                         // the others have a point there
		key := fmt.Sprintf("-1,%d", i)
		h.window(key, values...)
		h.anomaly(key, 200, 0, 0.7, 0.02)
	}
	lanes, err := h.Lanes(context.Background(), answers.LanesQuery{})
	if err != nil {
		t.Fatal(err)
	}
	if want := (answers.TimeSpan{From: moment(at(101)), Until: moment(at(103))}); len(lanes.Holes) != 1 || lanes.Holes[0] != want {
		t.Errorf("holes %v, want %v", lanes.Holes, want)
	}
	if got := common([][]messages.WindowPoint{h.actors.entities["-1,0"].Found[0].Window, h.actors.entities["-1,1"].Found[0].Window}, bin, moment(at(288))); len(got) != 1 || got[0].From != moment(at(101)) {
		t.Errorf("common to two windows: %v", got)
	}
}

func TestListsRefuseWhatTheyDoNotKnow(t *testing.T) {
	h := newHarness(t)
	ctx := context.Background()
	for name, ask := range map[string]func() error{
		"asn2": func() error {
			_, err := h.Anomalies(ctx, answers.AnomaliesQuery{Filter: answers.Filter{Fields: map[string]string{"asn2": "1"}}})
			return err
		},
		"cursor": func() error { _, err := h.Anomalies(ctx, answers.AnomaliesQuery{Cursor: "x"}); return err },
		"by":     func() error { _, err := h.Lanes(ctx, answers.LanesQuery{By: "nb_peers"}); return err },
		"id":     func() error { _, err := h.Anomaly(ctx, "", "0123"); return err },
	} {
		if p := problemOf(t, ask()); p.Parameter != name || p.Detail == "" {
			t.Errorf("%s: %+v", name, p)
		}
	}
	_, err := h.Entities(ctx, answers.EntitiesQuery{Cursor: "%"})
	if p := problemOf(t, err); p.Parameter != "cursor" {
		t.Errorf("cursor of entities: %+v", p)
	}
	err = h.Follow(ctx, answers.FollowQuery{Cursor: "1:"}, func(answers.Event) error { return nil })
	if p := problemOf(t, err); p.Parameter != "cursor" {
		t.Errorf("cursor of the stream: %+v", p)
	}
}

func TestEntitiesArePagedByTheirKeys(t *testing.T) {
	h := newHarness(t)
	for _, key := range []string{"-1,1", "-1,2", "CT4, \x00Ü, SG", "x"} {
		h.actors.names = append(h.actors.names, messages.EntityName{Key: key, Partition: 1})
	}
	var keys []string
	for cursor := ""; ; {
		page, err := h.Entities(context.Background(), answers.EntitiesQuery{Limit: 3, Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range page.Items {
			keys = append(keys, one.Key)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if len(keys) != 4 || keys[2] != "CT4, \x00Ü, SG" {
		t.Errorf("keys %q", keys)
	}
}

// errEnough ends a Follow.
var errEnough = errors.New("enough")

func TestStreamGoesOnFromACursorWithoutGapOrRepeat(t *testing.T) {
	h := newHarness(t)
	var want []string
	for i := range 10 {
		want = append(want, h.anomaly(fmt.Sprintf("-1,%d", i%3), 200+i, 0, 0.7, 0.02))
	}
	var seen []string
	cursor := "0:0"
	for len(seen) < len(want) {
		err := h.Follow(context.Background(), answers.FollowQuery{Cursor: cursor}, func(event answers.Event) error {
			if event.Anomaly != nil {
				seen = append(seen, event.Anomaly.ID)
				cursor = event.ID
				return errEnough // end after each event
			}
			return nil
		})
		if !errors.Is(err, errEnough) {
			t.Fatal(err)
		}
	}
	if !slices.Equal(seen, want) {
		t.Errorf("seen %v, want %v", seen, want)
	}
}

func TestStreamTellsOfTheEpisodeAndThenOfTheStatus(t *testing.T) {
	h := newHarness(t)
	h.anomaly("-1,1", 285, 0, 0.7, 0.02)
	var told []string
	err := h.Follow(context.Background(), answers.FollowQuery{Cursor: "0:0"}, func(event answers.Event) error {
		switch {
		case event.Anomaly != nil:
			told = append(told, "anomaly "+event.Anomaly.Entity)
		case event.Episode != nil:
			told = append(told, "episode "+string(event.Episode.State))
		case event.Status != nil:
			told = append(told, "status")
			return errEnough
		}
		return nil
	})
	if !errors.Is(err, errEnough) || !slices.Equal(told, []string{"anomaly -1,1", "episode open", "status"}) {
		t.Errorf("told %v, %v", told, err)
	}
}

// Answers are partial only while the range lacks something.
func TestAStormIsForgottenWithItsTime(t *testing.T) {
	h := newHarness(t)
	small := tail.New(tail.Config{KeyFields: 2, Rules: episode.DefaultRules(bin, 5), Range: 7 * 24 * time.Hour, MostBytes: 20_000})
	h.known[0].Tail, h.tail = small, small
	h.tail.Tell(true, "")
	for i := range 200 {
		h.anomaly(fmt.Sprintf("-1,%d", i), 285, 0, 0.7, 0.02)
	}
	list, err := h.Anomalies(context.Background(), answers.AnomaliesQuery{})
	if err != nil || !list.Partial || len(list.Problems) != 1 {
		t.Errorf("after the storm: partial %t, %v, %v", list.Partial, list.Problems, err)
	}
	for i := range h.actors.status.Nodes[0].Detectors[0].Partitions {
		h.actors.status.Nodes[0].Detectors[0].Partitions[i].StreamTime = at(288 + 96*8)
	}
	h.clock = h.clock.Add(time.Minute)
	list, err = h.Anomalies(context.Background(), answers.AnomaliesQuery{})
	status, _ := h.Status(context.Background())
	if err != nil || list.Partial || status.Detectors[0].Tail.Dropped != 0 {
		t.Errorf("eight days later: partial %t, %v, %v, %+v", list.Partial, list.Problems, err, status.Detectors[0].Tail)
	}
}

// A watcher is also told if the topic is another one.
func TestEpisodesThatEndedInBetweenAreToldOnResume(t *testing.T) {
	h := newHarness(t)
	h.actors.status.Nodes[0].Detectors[0].Partitions[0].StreamTime, h.actors.status.Nodes[0].Detectors[0].Partitions[1].StreamTime = at(201), at(201)
	h.anomaly("-1,1", 200, 0, 0.7, 0.02)
	follow := func(from string, until func(answers.Event) bool) (last string) {
		err := h.Follow(context.Background(), answers.FollowQuery{Cursor: from}, func(event answers.Event) error {
			last = event.ID
			if until(event) {
				return errEnough
			}
			return nil
		})
		if !errors.Is(err, errEnough) {
			t.Fatal(err)
		}
		return last
	}
	status := func(event answers.Event) bool { return event.Status != nil }
	cursor := follow("0:0", status)
	h.clock = h.clock.Add(time.Minute)
	h.actors.status.Nodes[0].Detectors[0].Partitions[0].StreamTime, h.actors.status.Nodes[0].Detectors[0].Partitions[1].StreamTime = at(250), at(250)
	var told []string
	cursor = follow(cursor, func(event answers.Event) bool {
		if event.Episode != nil {
			told = append(told, string(event.Episode.State))
		}
		return status(event)
	})
	if !slices.Equal(told, []string{"ended"}) {
		t.Errorf("told of episodes %v", told)
	}
	_, rest, _ := strings.Cut(cursor, "/")
	h.tail.Begin("made again", nil, 0, true)
	h.tail.Tell(true, "")
	var gap *answers.Gap
	follow("0123456789/"+rest, func(event answers.Event) bool { gap = event.Gap; return gap != nil || status(event) })
	if gap == nil || !strings.Contains(gap.Reason, "made again") {
		t.Errorf("gap %+v", gap)
	}
}

// A watcher waits until the topic has been read up to its end.
func TestNothingOldIsToldAsNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t)
		fresh := tail.New(tail.Config{KeyFields: 2, Rules: episode.DefaultRules(bin, 5), Range: 7 * 24 * time.Hour})
		h.known[0].Tail, h.tail = fresh, fresh
		ctx, cancel := context.WithCancel(context.Background())
		var told []string
		ended := make(chan error)
		go func() {
			ended <- h.Follow(ctx, answers.FollowQuery{}, func(event answers.Event) error {
				if event.Anomaly != nil {
					told = append(told, event.Anomaly.Entity)
				}
				if event.Anomaly != nil && event.ID == "" {
					told = append(told, "without an id")
				}
				return nil
			})
		}()
		time.Sleep(time.Minute)
		h.anomaly("-1,1", 285, 0, 0.7, 0.02)
		h.tail.Tell(true, "")
		synctest.Wait()
		h.anomaly("-1,2", 286, 0, 0.7, 0.02)
		synctest.Wait()
		cancel()
		<-ended
		if !slices.Equal(told, []string{"-1,2"}) {
			t.Errorf("told %v, want only what came after the end was reached", told)
		}
	})
}

func TestCursorReadsBack(t *testing.T) {
	for _, text := range []string{"1f0c92ab77/1767618900000/0:17,3:204", "/0/", "ab/-5/0:1", "ab/0/0:1/2:7", "ab/0/0:1/"} {
		if c, err := parseCursor(text); err != nil || c.String() != text {
			t.Errorf("%q is read as %+v, %v", text, c, err)
		}
	}
	for _, text := range []string{"a/b", "a/1/2/3", "a/x/0:1", "a/01/0:1", "a/1/0:1,0:2", "a/1/x", "a/1/0:1/x", "a/1/0:1/0:1/0:1"} {
		if c, err := parseCursor(text); err == nil {
			t.Errorf("%q is read as %+v", text, c)
		}
	}
	if c, err := parseCursor("0:5"); err != nil || c.vector[0] != 5 || c.topic != "" {
		t.Errorf("a vector alone: %+v, %v", c, err)
	}
}

func TestPartialAnswersSayWhy(t *testing.T) {
	h := newHarness(t)
	h.tail.Tell(true, "no broker")
	list, err := h.Anomalies(context.Background(), answers.AnomaliesQuery{})
	if err != nil || !list.Partial || !slices.Equal(list.Problems, []string{"the output topic out cannot be read: no broker"}) {
		t.Errorf("list %+v, %v", list, err)
	}
}
