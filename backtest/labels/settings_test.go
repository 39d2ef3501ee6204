package labels

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestSettingsAreJudgedTogetherAsEachAlone compares a judge of several settings with one for each.
func TestSettingsAreJudgedTogetherAsEachAlone(t *testing.T) {
	const settings = 3
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(22, seed))
		rows := randomRows(r, 1000)
		all := randomLabels(r, 2000*int64(len(rows["data/e0"])+10))
		j := NewJudge(all, DefaultOptions(time.Second))
		var together []*EntityJudge
		alone := make([][]*EntityJudge, settings)
		for key, of := range rows {
			one, each := j.Entity(key), [settings]*EntityJudge{}
			for k := range each {
				each[k] = j.Entity(key)
				alone[k] = append(alone[k], each[k])
			}
			begin, chance := [settings]int{}, [settings]float64{}
			for k := range each {
				begin[k], chance[k] = r.IntN(1+len(of)), r.Float64()*r.Float64()*0.2
			}
			for n, row := range of {
				var said [settings]Said
				for k := range said {
					said[k].Scored = n >= begin[k]
					said[k].Anomalous = said[k].Scored && r.Float64() < chance[k]
					said[k].Opened = said[k].Anomalous && r.IntN(3) > 0
					each[k].Take(row.at, said[k:k+1])
				}
				anomalous := slices.ContainsFunc(said[:], func(s Said) bool { return s.Anomalous })
				if anomalous || !one.TakeNormal(row.at) {
					one.Take(row.at, said[:])
				}
			}
			together = append(together, one)
		}
		for k := range alone {
			if got, want := printed(t, j.Score(k, slices.Values(together))), printed(t, j.Score(0, slices.Values(alone[k]))); got != want {
				t.Fatalf("seed %d, setting %d:\n%s\nwant\n%s", seed, k, got, want)
			}
		}
	}
}

// TestSettingsShareAnEntity: a grid of settings is tried on many entities, and most of these have no report.
func TestSettingsShareAnEntity(t *testing.T) {
	j := NewJudge([]Label{{Entity: "a", From: 1e6, Until: 2e6}}, DefaultOptions(time.Minute))
	said := make([]Said, 128)
	for k := range said {
		said[k].Scored = true
	}
	const want = 2 // the entity, and when its settings first scored it
	if allocated := testing.AllocsPerRun(100, func() {
		e := j.Entity("b")
		for at := range int64(100) {
			if !e.TakeNormal(at) {
				e.Take(at, said)
			}
		}
	}); allocated > want {
		t.Errorf("%v allocations for an entity without reports, want %d", allocated, want)
	}
}
