package labels

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// randomLabels are about the entities e0 to e5, all of them, and one that has no datapoint.
func randomLabels(r *rand.Rand, span int64) (all []Label) {
	for range r.IntN(15) {
		l := Label{Entity: fmt.Sprintf("data/e%d", r.IntN(7)), From: r.Int64N(span*5/4) - span/10, Kind: []string{"", "outage", "spike"}[r.IntN(3)]}
		switch r.IntN(6) {
		case 0:
			l.Entity = Everything
		case 1, 2:
			l.Entity, l.File = base(l.Entity), true
		}
		l.Until = l.From + r.Int64N(span/8)*int64(r.IntN(2))
		if r.IntN(2) == 0 { // at the same instants as datapoints and each other
			l.From, l.Until = l.From/1000*1000, l.Until/1000*1000
		}
		all = append(all, l)
	}
	return all
}

func randomRows(r *rand.Rand, bin int64) map[string][]row {
	all := map[string][]row{}
	rows := []int{3, 40, 400, 1500, 7000}[r.IntN(5)]
	for i := range 6 {
		at, chance := r.Int64N(10)*bin, 1/float64(2+r.IntN(300))
		var of []row
		for n := range rows {
			at += bin * int64(1+r.IntN(2)*r.IntN(3))
			if r.IntN(100) == 0 {
				at += int64(rows) * bin / 10
			}
			entry := row{at: at}
			if r.IntN(50) == 0 {
				entry.at -= r.Int64N(1 + int64(rows)*bin/10)
				entry.at -= entry.at % bin * r.Int64N(2)
			}
			entry.scored = n > rows/20
			entry.anom = entry.scored && r.Float64() < chance
			entry.opn = entry.anom && r.IntN(3) > 0
			of = append(of, entry)
		}
		if r.IntN(10) > 0 {
			all[fmt.Sprintf("data/e%d", i)] = of
		}
	}
	return all
}

func judged(j *Judge, rows map[string][]row) (all []*EntityJudge) {
	for entity, of := range rows {
		e := j.Entity(entity)
		for _, r := range of {
			e.Take(r.at, []Said{{r.scored, r.anom, r.opn}})
		}
		all = append(all, e)
	}
	return all
}

func TestScoreIsThatOfANaiveJudge(t *testing.T) {
	for seed := range uint64(250) {
		r := rand.New(rand.NewPCG(19, seed))
		const bin = 1000
		rows := randomRows(r, bin)
		all := randomLabels(r, 2*bin*int64(len(rows["data/e0"])+10))
		j := NewJudge(all, Options{time.Second, time.Duration(r.IntN(20)) * time.Second})
		s := j.Score(0, slices.Values(judged(j, rows)))
		events := naiveEvents(all, rows)
		if s.Labels != len(all) || s.Events != len(events) || s.Events+s.NoEntity+s.NoTime+s.TooEarly != s.Labels {
			t.Fatalf("seed %d: %d events, want %d: %+v", seed, s.Events, len(events), s)
		}
		if want := naiveDays(rows, bin); s.Days != want {
			t.Fatalf("seed %d: %v days, want %v", seed, s.Days, want)
		}
		for way, got := range []Fit{s.Anomalies, s.Episodes} {
			want := naiveJudge(all, rows, j.options.Grace.Milliseconds(), way)
			if got.Inside != want.inside || got.Aftermath != want.aftermath || got.False != want.outside || got.Reports != want.inside+want.aftermath+want.outside {
				t.Fatalf("seed %d, way %d: %d inside, %d after, %d outside, %d reports; want %+v", seed, way, got.Inside, got.Aftermath, got.False, got.Reports, want)
			}
			if got.Found != len(want.found) || got.Missed != len(events)-len(want.found) || len(got.MissedEvents) != got.Missed {
				t.Fatalf("seed %d, way %d: found %d, missed %d; want %d of %d", seed, way, got.Found, got.Missed, len(want.found), len(events))
			}
			kinds := map[string]KindFit{}
			for i := range all {
				k := kinds[all[i].Kind]
				if !slices.Contains(events, i) {
					continue
				}
				k.Kind = all[i].Kind
				k.Events++
				if _, has := want.found[i]; has {
					k.Found++
				} else {
					k.Missed++
				}
				kinds[k.Kind] = k
			}
			for _, k := range got.Kinds {
				k.DelayP50 = nil
				if k != kinds[k.Kind] {
					t.Fatalf("seed %d, way %d: kind %+v, want %+v", seed, way, k, kinds[k.Kind])
				}
			}
			if len(got.Kinds) != len(kinds) {
				t.Fatalf("seed %d, way %d: %d kinds, want %d", seed, way, len(got.Kinds), len(kinds))
			}
			delays := slices.Sorted(maps.Values(want.found))
			for percent, got := range map[float64]*int64{0.5: got.DelayP50, 0.9: got.DelayP90} {
				if len(delays) == 0 {
					if got != nil {
						t.Fatalf("seed %d: a delay of nothing", seed)
					}
					continue
				}
				// The nearest rank.
				if want := delays[int(math.Ceil(percent*float64(len(delays))))-1]; got == nil || *got != want {
					t.Fatalf("seed %d, way %d: delay %v, want %d", seed, way, got, want)
				}
			}
			for i, got := range []*float64{got.NAB.Standard, got.NAB.LowFP, got.NAB.LowFN} {
				if math.IsNaN(want.nab[i]) != (got == nil) || got != nil && math.Abs(*got-want.nab[i]) > 1e-9*(1+math.Abs(want.nab[i])) {
					t.Fatalf("seed %d, way %d, profile %d: %v, want %v", seed, way, i, number(got), want.nab[i])
				}
			}
		}
	}
}

func TestOrderOfEntitiesAndOfLabelsChangesNothing(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(20, seed))
		rows := randomRows(r, 1000)
		all := randomLabels(r, 2000*int64(len(rows["data/e0"])+10))
		j := NewJudge(all, DefaultOptions(time.Second))
		entities := judged(j, rows)
		want := printed(t, j.Score(0, slices.Values(entities)))
		for range 5 {
			r.Shuffle(len(entities), func(a, b int) { entities[a], entities[b] = entities[b], entities[a] })
			if got := printed(t, j.Score(0, slices.Values(entities))); got != want {
				t.Fatalf("seed %d:\n%s\nwant\n%s", seed, got, want)
			}
		}
		r.Shuffle(len(all), func(a, b int) { all[a], all[b] = all[b], all[a] })
		j = NewJudge(all, DefaultOptions(time.Second))
		if got := printed(t, j.Score(0, slices.Values(judged(j, rows)))); got != want {
			t.Fatalf("seed %d, labels shuffled:\n%s\nwant\n%s", seed, got, want)
		}
	}
}

// TestScoreMayBeAskedForInTheMiddle asks at each row, as Ctrl-C does at one.
func TestScoreMayBeAskedForInTheMiddle(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 1))
	all := []Label{{Entity: "a", From: 100, Until: 300}, {Entity: "a", From: 700, Until: 900}, {Entity: "a", From: 905, Until: 905}}
	j := NewJudge(all, DefaultOptions(time.Millisecond))
	asked := j.Entity("a")
	var rows []row
	for at := range int64(1000) {
		next := row{at: at, scored: true, anom: r.IntN(20) == 0, opn: r.IntN(40) == 0}
		rows = append(rows, next)
		asked.Take(next.at, []Said{{next.scored, next.anom, next.opn}})
		got := printed(t, j.Score(0, slices.Values([]*EntityJudge{asked})))
		if at%50 != 7 {
			continue
		}
		if want := printed(t, j.Score(0, slices.Values(judged(j, map[string][]row{"a": rows})))); got != want {
			t.Fatalf("row %d:\n%s\nwant\n%s", at, got, want)
		}
	}
}

func printed(t *testing.T, s *Score) string {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
