package labels

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const minute = 60_000

// taken judges one datapoint a minute, scored from the tenth on.
func taken(j *Judge, key string, from, until int64, anomalies ...int64) *EntityJudge {
	e := j.Entity(key)
	for at := from; at <= until; at++ {
		is := slices.Contains(anomalies, at)
		e.Take(at*minute, []Said{{at >= from+10, is, is && !slices.Contains(anomalies, at-1)}})
	}
	return e
}

func TestScoreCountsEvents(t *testing.T) {
	j := NewJudge([]Label{
		{Entity: "a", From: 100 * minute, Until: 110 * minute, Kind: "outage"},   // found after 3 minutes
		{Entity: "a", From: 150 * minute, Until: 160 * minute, Kind: "outage"},   // missed
		{Entity: "b", From: 50 * minute, Until: 124 * minute, Kind: "vanish"},    // missed: b has no datapoint then
		{Entity: "*", From: 120 * minute, Until: 125 * minute, Kind: "hole"},     // found by b at its end
		{Entity: "a", From: 0, Until: 9 * minute, Kind: "early"},                 // before a is scored
		{Entity: "c", From: 100 * minute, Until: 110 * minute, Kind: "unknown"},  // not in the input
		{Entity: "a", From: 1440 * minute, Until: 1500 * minute, Kind: "beyond"}, // after the input
	}, DefaultOptions(time.Minute))
	a := taken(j, "a", 0, 1439, 50, 103, 104, 112, 113, 114, 115, 900)
	b := taken(j, "b", 0, 49)
	b.Take(125*minute, []Said{{true, true, true}})
	s := j.Score(0, slices.Values([]*EntityJudge{a, b, j.Entity("c")})) // c has no datapoint
	got := []any{s.Labels, s.Events, s.NoEntity, s.NoEntityFirst, s.NoTime, s.TooEarly, s.Days, s.GraceMS}
	if want := []any{7, 4, 1, []string{"c"}, 1, 1, 1.0, int64(4 * minute)}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	// The report of b at minute 125 follows its own label, and lies in that of each entity.
	f := s.Anomalies
	if got, want := []int64{f.Reports, f.Inside, f.Aftermath, f.False}, []int64{9, 3, 3, 3}; !slices.Equal(got, want) {
		t.Errorf("anomalies: %v, want %v", got, want)
	}
	f = s.Episodes
	if got, want := []int64{f.Reports, f.Inside, f.Aftermath, f.False}, []int64{5, 2, 1, 2}; !slices.Equal(got, want) {
		t.Errorf("episodes: %v, want %v", got, want)
	}
	var out map[string]any
	if err := json.Unmarshal([]byte(printed(t, s)), &out); err != nil {
		t.Fatal(err)
	}
	episodes := out["episodes"].(map[string]any)
	delete(episodes, "nab")
	want := `{"aftermath":1,"delay_p50_bins":3,"delay_p50_ms":180000,"delay_p90_bins":5,"delay_p90_ms":300000,"f1":0.5,` +
		`"false":2,"false_per_day":2,"found":2,"inside":2,"kinds":[` +
		`{"delay_p50_ms":300000,"events":1,"found":1,"kind":"hole","missed":0},` +
		`{"delay_p50_ms":180000,"events":2,"found":1,"kind":"outage","missed":1},` +
		`{"delay_p50_ms":null,"events":1,"found":0,"kind":"vanish","missed":1}],"missed":2,"missed_events":[` +
		`{"entity":"a","from":"1970-01-01T02:30:00Z","kind":"outage","until":"1970-01-01T02:40:00Z"},` +
		`{"entity":"b","from":"1970-01-01T00:50:00Z","kind":"vanish","until":"1970-01-01T02:04:00Z"}],` +
		`"precision":0.5,"recall":0.5,"reports":5}`
	if got, _ := json.Marshal(episodes); string(got) != want {
		t.Errorf("\n%s\nwant\n%s", got, want)
	}
}

func TestScoreOfNothingIsNull(t *testing.T) {
	s := NewJudge(nil, DefaultOptions(time.Minute)).Score(0, slices.Values([]*EntityJudge{}))
	for name, value := range flat(t, s) {
		if value != nil && value != 0.0 && name != "grace_ms" && !reflect.DeepEqual(value, []any{}) {
			t.Errorf("%s is %v", name, value)
		}
	}
}

func TestEachNumberHasADefinition(t *testing.T) {
	defined := map[string]bool{"report": true}
	for _, d := range Definitions() {
		if defined[d.Name] && d.Name != "report" || !strings.HasSuffix(d.Means, ".") {
			t.Errorf("%+v", d)
		}
		defined[d.Name] = true
	}
	s := NewJudge(nil, Options{}).Score(0, slices.Values([]*EntityJudge{}))
	fields := flat(t, s)
	for name := range fields {
		if name != "grace_ms" && name != "kinds" && name != "missed_events" && name != "entities_not_in_input" && !defined[name] {
			t.Errorf("%s has no definition", name)
		}
	}
	for name := range defined {
		if _, has := fields[name]; !has && name != "report" {
			t.Errorf("%s is defined, but no score has it", name)
		}
	}
}

// flat is a Score's fields by their names in JSON, those of one way of counting without its name.
func flat(t *testing.T, s *Score) map[string]any {
	t.Helper()
	all := map[string]any{}
	if err := json.Unmarshal([]byte(printed(t, s)), &all); err != nil {
		t.Fatal(err)
	}
	fit := all["episodes"].(map[string]any)
	delete(all, "episodes")
	delete(all, "anomalies")
	for name, value := range fit["nab"].(map[string]any) {
		all["nab."+name] = value
	}
	delete(fit, "nab")
	maps.Copy(all, fit)
	return all
}

func TestEntitiesAreJudgedAtTheSameTime(t *testing.T) {
	j := NewJudge([]Label{{Entity: "a", From: 100 * minute, Until: 110 * minute}, {Entity: "a", From: 120 * minute, Until: 120 * minute}, {Entity: "a", From: 130 * minute, Until: 130 * minute}, {Entity: "*", From: 200 * minute, Until: 210 * minute}}, DefaultOptions(time.Minute))
	judge := func(key string) *EntityJudge { return taken(j, key, 0, 1000, 105, 205, 300) }
	keys := []string{"a", "a", "b", "c"}
	var alone []*EntityJudge
	together := make([]*EntityJudge, len(keys))
	var all sync.WaitGroup
	for i, key := range keys {
		all.Go(func() { together[i] = judge(key) })
	}
	for _, key := range keys {
		alone = append(alone, judge(key))
	}
	all.Wait()
	if got, want := printed(t, j.Score(0, slices.Values(together))), printed(t, j.Score(0, slices.Values(alone))); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestNormalDatapointsCostNoMemory(t *testing.T) {
	e := NewJudge([]Label{{Entity: "a", From: 1e6, Until: 2e6}}, DefaultOptions(time.Minute)).Entity("a")
	at := int64(1e7)
	if allocated := testing.AllocsPerRun(1000, func() { at++; e.Take(at, []Said{{true, false, false}}); e.Take(at, []Said{{true, true, true}}) }); allocated > 0 {
		t.Errorf("%v allocations a datapoint", allocated)
	}
}

func BenchmarkTake(b *testing.B) {
	var all []Label
	for i := range int64(1000) {
		all = append(all, Label{Entity: "a", From: i * 1e6, Until: i*1e6 + 5e5})
	}
	for name, every := range map[string]int64{"normal": 1 << 62, "one in a hundred anomalous": 100} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			e := NewJudge(all, DefaultOptions(time.Minute)).Entity("a")
			for at := range int64(b.N) {
				e.Take(at*500, []Said{{true, at%every == 1, false}})
			}
		})
	}
}
