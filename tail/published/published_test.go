package published

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"anomalydetector/episode"
	"anomalydetector/tail"
)

const bin = 15 * 60 * 1000

// topic is an episodes topic of two partitions that is read at once.
type topic struct {
	*Episodes
	next tail.Vector
}

func newTopic(config Config) *topic {
	if config.KeyFields == nil {
		config.KeyFields = []string{"scope", "asn"}
	}
	config.Bin = 15 * time.Minute
	t := &topic{New(config), tail.Vector{0: 0, 1: 0}}
	t.Begin(t.next, false)
	t.Tell(true, "")
	return t
}

// tell adds a record, told as "event kind id entity", at a number of bins; an outcome may follow.
func (t *topic) tell(bins int, words string) *topic {
	parts := strings.Fields(words)
	r := episode.Record{Event: parts[0], Kind: parts[1], ID: parts[2], OpenedAt: int64(bins) * bin, At: int64(bins) * bin, Points: 1, Usual: episode.NumberOf(0.5)}
	if r.Kind != Gap {
		r.Entity = parts[3]
		key := strings.Split(r.Entity, ",")
		r.Fields = map[string]string{"scope": key[0], "asn": key[1]}
	}
	if r.Kind == Deviation {
		r.Peak = &episode.Peak{ID: r.ID, At: r.At, Value: episode.NumberOf(0.1), Deviation: episode.NumberOf(-9)}
	}
	if before, known := t.byID[r.ID]; known {
		r.OpenedAt = before.OpenedAt
	}
	if r.Event == "resolved" {
		r.Resolved, r.Outcome = r.At, parts[len(parts)-1]
	}
	return t.add(r, 0)
}

func (t *topic) add(r episode.Record, partition int32) *topic {
	place := tail.Place{Partition: partition, Offset: t.next[partition]}
	t.next[partition] += 2 // a marker follows
	t.Add([]Entry{{r, place}}, 0, t.next)
	return t
}

// ids are the episodes of a list, with a plus if they are open.
func ids(list []Episode) string {
	var words []string
	for _, e := range list {
		word := e.ID
		if e.Open {
			word += "+"
		} else {
			word += ":" + e.Outcome
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// read are the ids of what a Reader gives next.
func read(r *Reader, limit int) string {
	var list []Episode
	for _, item := range r.Next(limit) {
		list = append(list, item.Episode)
	}
	return ids(list)
}

func (t *topic) list(test *testing.T, q Query) string {
	test.Helper()
	list, _, err := t.List(q, "", 0)
	if err != nil {
		test.Fatal(err)
	}
	return ids(list)
}

// storied is a topic with episodes of each kind.
func storied() *topic {
	return newTopic(Config{}).
		tell(1, "opened deviation d1 -1,1").
		tell(2, "opened deviation d2 7,2").tell(6, "resolved deviation d2 7,2 recovered").
		tell(3, "opened absence a1 -1,3").
		tell(4, "opened gap g1").tell(5, "resolved gap g1 filled").
		tell(4, "opened absence a2 7,4").tell(8, "resolved absence a2 7,4 returned").
		tell(5, "opened deviation d3 7,5").tell(9, "resolved deviation d3 7,5 silent")
}

func TestListOfPublishedEpisodes(t *testing.T) {
	told := storied()
	for name, c := range map[string]struct {
		query Query
		want  string
	}{
		"all":                      {Query{}, "a1+ d1+ d3:silent a2:returned g1:filled d2:recovered"},
		"open":                     {Query{State: Open}, "a1+ d1+"},
		"ended":                    {Query{State: Ended}, "d3:silent a2:returned g1:filled d2:recovered"},
		"silent":                   {Query{State: Silent}, "a1+ d3:silent"},
		"absences":                 {Query{Kind: Absence}, "a1+ a2:returned"},
		"gaps":                     {Query{Kind: Gap}, "g1:filled"},
		"an entity":                {Query{Filter: tail.Filter{Entity: "7,4"}}, "a2:returned"},
		"a field":                  {Query{Filter: tail.Filter{Fields: map[int]string{0: "7"}}}, "d3:silent a2:returned d2:recovered"},
		"a part of the key":        {Query{Filter: tail.Filter{Text: ",3"}}, "a1+"},
		"a span":                   {Query{Filter: tail.Filter{From: 7 * bin, Until: 8 * bin}}, "a1+ d1+ d3:silent a2:returned"},
		"before a time":            {Query{Filter: tail.Filter{Until: 3 * bin}}, "d1+ d2:recovered"},
		"a side is of deviations":  {Query{Filter: tail.Filter{Direction: tail.Down}}, "d1+ d3:silent d2:recovered"},
		"the other side":           {Query{Filter: tail.Filter{Direction: tail.Up}}, ""},
		"a least deviation":        {Query{Filter: tail.Filter{MinDeviation: 9}}, "d1+ d3:silent d2:recovered"},
		"a larger least deviation": {Query{Filter: tail.Filter{MinDeviation: 9.5}}, ""},
		"a field that is not":      {Query{Filter: tail.Filter{Fields: map[int]string{5: "7"}}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := told.list(t, c.query); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			// Pages of one give the same.
			var paged []Episode
			for cursor := ""; ; {
				list, next, err := told.List(c.query, cursor, 1)
				if err != nil {
					t.Fatal(err)
				}
				paged = append(paged, list...)
				if cursor = next; next == "" {
					break
				}
			}
			if got := ids(paged); got != c.want {
				t.Errorf("by pages %s, want %s", got, c.want)
			}
		})
	}
	for _, cursor := range []string{"x", "open.1", "open.x.d1", "closed.1.d1", "open.01.d1"} {
		if _, _, err := told.List(Query{}, cursor, 1); !errors.Is(err, tail.ErrCursor) {
			t.Errorf("cursor %s: %v", cursor, err)
		}
	}
}

func TestAnEntityIsSilentByItsLatestEpisode(t *testing.T) {
	for story, want := range map[string]string{
		"opened deviation d -1,1; resolved deviation d -1,1 silent":                                                             "d:silent",
		"opened deviation d -1,1; resolved deviation d -1,1 silent; opened absence a -1,1":                                      "a+",
		"opened deviation d -1,1; opened absence a -1,1; resolved deviation d -1,1 silent":                                      "a+",
		"opened deviation d -1,1; resolved deviation d -1,1 silent; opened absence a -1,1; resolved absence a -1,1 returned":    "",
		"opened deviation d -1,1; resolved deviation d -1,1 silent; reopened deviation d -1,1":                                  "",
		"opened deviation d -1,1; resolved deviation d -1,1 silent; opened deviation e -1,1; resolved deviation e -1,1 unknown": "",
	} {
		told := newTopic(Config{})
		for i, words := range strings.Split(story, "; ") {
			told.tell(i, words)
		}
		if got := told.list(t, Query{State: Silent}); got != want {
			t.Errorf("%s: %s, want %s", story, got, want)
		}
	}
}

// Compaction may remove the records from which a reader could count.
func TestAFlappingEpisodeIsOne(t *testing.T) {
	told := newTopic(Config{}).tell(1, "opened deviation d -1,1")
	for i := range 3 {
		told.tell(6+10*i, "resolved deviation d -1,1 recovered").tell(8+10*i, "reopened deviation d -1,1")
	}
	list, _, _ := told.List(Query{}, "", 0)
	if len(list) != 1 || list[0].Reopened != 3 || !list[0].Open || list[0].EndedAt != 0 || list[0].Outcome != "" {
		t.Errorf("%+v", list)
	}
	said := newTopic(Config{}).add(episode.Record{Event: "resolved", Kind: Deviation, ID: "d", Entity: "-1,1", Outcome: "recovered", Resolved: 9, Reopened: 7}, 0)
	if list, _, _ := said.List(Query{}, "", 0); list[0].Reopened != 7 || !math.IsNaN(list[0].Usual) || list[0].Fields != nil {
		t.Errorf("%+v", list)
	}
}

func TestRecordsThatComeTwiceChangeNothing(t *testing.T) {
	told := newTopic(Config{})
	one := Entry{episode.Record{Event: "opened", Kind: Deviation, ID: "d", Entity: "-1,1"}, tail.Place{Offset: 3}}
	again := one
	again.Event = "reopened"
	again.Place.Offset = 4
	told.Add([]Entry{one, again}, 0, tail.Vector{0: 5})
	told.Add([]Entry{one, again}, 0, tail.Vector{0: 5})
	if list, _, _ := told.List(Query{}, "", 0); len(list) != 1 || list[0].Reopened != 1 {
		t.Errorf("%+v", list)
	}
}

func TestEndedEpisodesLeaveAfterTheRange(t *testing.T) {
	told := newTopic(Config{Range: 10 * 15 * time.Minute}).tell(1, "opened deviation old -1,1").
		tell(2, "opened absence a -1,2").tell(4, "resolved absence a -1,2 returned").
		tell(3, "opened gap g").tell(6, "resolved gap g filled")
	told.Advance(14 * bin)
	if got := told.list(t, Query{}); got != "old+ g:filled a:returned" {
		t.Error(got)
	}
	told.Advance(15 * bin)
	if got := told.list(t, Query{}); got != "old+ g:filled" || len(told.Gaps(-1, 0, 0)) != 1 {
		t.Error(got)
	}
	told.Advance(17 * bin)
	if got := told.list(t, Query{}); got != "old+" || len(told.Gaps(-1, 0, 0)) != 0 || told.Status().Open != 1 {
		t.Error(got)
	}
}

func TestPublishedEpisodesKeepToTheirMemory(t *testing.T) {
	told := newTopic(Config{MostBytes: 40_000})
	for i := range 400 {
		id, key := fmt.Sprint("d", i), fmt.Sprint("-1,", i)
		told.tell(2*i, "opened deviation "+id+" "+key)
		if i > 10 {
			told.tell(2*i+1, "resolved deviation "+id+" "+key+" recovered")
		}
	}
	status := told.Status()
	if status.Bytes > 40_000 || status.Dropped == 0 || status.Open != 11 || int64(status.Episodes)+status.Dropped != 400 {
		t.Errorf("%+v", status)
	}
	if latest, _, _ := told.List(Query{State: Ended}, "", 1); latest[0].ID != "d399" {
		t.Errorf("%+v", latest)
	}
	// What has left takes nothing.
	for one := told.first; one != nil; one = told.first {
		told.remove(one)
	}
	if told.bytes != 0 || told.open != 0 || told.last != nil || len(told.byID)+len(told.byEntity)+len(told.gaps) != 0 {
		t.Errorf("%d bytes, %d open", told.bytes, told.open)
	}
}

func TestConcurrentEpisodesAreOfOneKind(t *testing.T) {
	told := newTopic(Config{})
	for i := range 4 {
		told.tell(5, fmt.Sprintf("opened absence a%d 7,%d", i, i)).tell(5, fmt.Sprintf("opened deviation d%d 7,%d", i, 10+i))
	}
	told.tell(6, "opened absence b 7,8").tell(5, "opened absence c 8,8")
	list, _, _ := told.List(Query{Kind: Absence}, "", 0)
	got := make(map[string]int)
	for _, e := range list {
		got[e.ID] = e.Concurrent
	}
	for id, want := range map[string]int{"a0": 3, "b": 0, "c": 0} {
		if got[id] != want {
			t.Errorf("%s: %d, want %d", id, got[id], want)
		}
	}
}

func TestAReaderGetsTheLatestStateOfEachEpisode(t *testing.T) {
	told := storied()
	reader := told.Since(tail.Vector{}, Query{})
	if got := read(reader, 100); got != "d1+ d2:recovered a1+ g1:filled a2:returned d3:silent" {
		t.Error(got)
	}
	more := reader.More()
	told.tell(20, "resolved deviation d1 -1,1 recovered").add(episode.Record{Event: "opened", Kind: Gap, ID: "g2"}, 1)
	<-more
	if got := read(reader, 100); got != "d1:recovered g2+" {
		t.Error(got)
	}
	if got := reader.Next(100); got != nil {
		t.Errorf("%+v", got)
	}
	now := told.Since(nil, Query{Filter: tail.Filter{Entity: "7,2"}})
	told.tell(21, "reopened deviation d2 7,2").tell(21, "reopened deviation d1 -1,1")
	if got := read(now, 100); got != "d2+" {
		t.Error(got)
	}
}

// Wherever a reader stops, another one that goes on from its vector gets the rest, in whatever steps.
func TestAReaderGoesOnFromAVector(t *testing.T) {
	told := storied()
	want := strings.Fields(read(told.Since(tail.Vector{}, Query{}), 100))
	for step := 1; step < 4; step++ {
		var got []string
		for vector := (tail.Vector{}); len(got) < 20; {
			reader := told.Since(vector, Query{})
			some := reader.Next(step + 1)
			if len(some) == 0 {
				break
			}
			some = some[:min(step, len(some))] // it is cut off in the middle of what it was given
			for _, item := range some {
				got, vector = append(got, ids([]Episode{item.Episode})), item.After
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("by %d: %v, want %v", step, got, want)
		}
	}
	if got := read(told.Since(tail.Vector{0: 1 << 40}, Query{}), 100); got != strings.Join(want, " ") {
		t.Errorf("after a topic that is gone: %s", got)
	}
	told.Begin(tail.Vector{0: 0}, true)
	if list, _, _ := told.List(Query{}, "", 0); len(list) != 0 {
		t.Errorf("of a topic that is gone: %+v", list)
	}
}

// Records do not tell fields that hold commas.
func TestFieldsThatAreNotToldAreAskedFor(t *testing.T) {
	told := newTopic(Config{FieldsOf: func(entity string) []string {
		return map[string][]string{"a, b,1": {"a, b", "1"}}[entity]
	}})
	told.add(episode.Record{ID: "a", Event: "opened", Kind: Absence, Entity: "a, b,1"}, 0).add(episode.Record{ID: "b", Event: "opened", Kind: Absence, Entity: "c, d,1"}, 0)
	list, _, _ := told.List(Query{Filter: tail.Filter{Fields: map[int]string{0: "a, b"}}}, "", 0)
	if ids(list) != "a+" || !slices.Equal(list[0].Fields, []string{"a, b", "1"}) {
		t.Errorf("%+v", list)
	}
	if all := told.list(t, Query{}); all != "a+ b+" {
		t.Error(all)
	}
}
