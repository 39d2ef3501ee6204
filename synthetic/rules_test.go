package synthetic

import (
	"slices"
	"testing"
)

// crowded are options with nearly as many events as fit.
func crowded() Options {
	o := Default()
	o.Entities, o.LiveBins, o.Events = 100, 700, 150
	return o
}

func TestEventsAreSortedAndOfAllKinds(t *testing.T) {
	for _, o := range []Options{Default(), crowded()} {
		s := mustNew(t, o)
		events := s.Events()
		if len(events) != o.Events {
			t.Fatalf("%d events, want %d", len(events), o.Events)
		}
		if !slices.IsSortedFunc(events, func(a, b Event) int { return int(a.From - b.From) }) {
			t.Fatal("events are not sorted by From")
		}
		count := make(map[Kind]int)
		for _, e := range events {
			count[e.Kind]++
		}
		for _, kind := range []Kind{Shift, Spike, Outage} {
			if count[kind] < o.Events/len(usualEvents) {
				t.Errorf("%d of %d events are of the kind %v", count[kind], o.Events, kind)
			}
		}
	}
}

func TestEventsHappenInLiveBinsToEntitiesThatShowThem(t *testing.T) {
	o := crowded()
	s := mustNew(t, o)
	kind := make(map[string]EntityKind)
	for _, e := range s.Entities() {
		kind[e.Key] = e.Kind
	}
	lengths := map[Kind][2]int64{Shift: {8, 24}, Spike: {1, 1}, Outage: {2, 6}}
	for _, e := range s.Events() {
		if e.From < o.at(o.HistoryBins) || e.Until > o.at(s.Bins()-1) {
			t.Errorf("not in live bins: %+v", e)
		}
		if k := kind[e.Entity]; k != Ordinary && k != Sparse {
			t.Errorf("the entity is %v: %+v", k, e)
		}
		if n := (e.Until-e.From)/o.Bin.Milliseconds() + 1; n < lengths[e.Kind][0] || n > lengths[e.Kind][1] {
			t.Errorf("%d bins: %+v", n, e)
		}
	}
}

func TestEventsOfAnEntityNeverShareAWindow(t *testing.T) {
	before := make(map[string]Event)
	again := 0
	for _, e := range mustNew(t, crowded()).Events() {
		if other, ok := before[e.Entity]; ok {
			again++
			if e.From-other.Until <= apart.Milliseconds() {
				t.Errorf("too near: %+v and %+v", other, e)
			}
		}
		before[e.Entity] = e
	}
	if again == 0 {
		t.Fatal("no entity has two events: nothing was tested")
	}
}

func TestValuesAreHegemonies(t *testing.T) {
	each(mustNew(t, crowded()), func(i int, p Datapoint) {
		if !(p.Value >= 0 && p.Value <= 1) {
			t.Fatalf("bin %d: %s is %v", i, p.Entity, p.Value)
		}
	})
}

func TestValuesLieAroundTheLevelThatTheLabelSays(t *testing.T) {
	s := mustNew(t, crowded())
	width := make(map[string]float64)
	usual := make(map[string]float64)
	for _, e := range s.entities {
		width[e.Key], usual[e.Key] = e.wave+e.noise+1e-12, e.Usual
	}
	each(s, func(i int, p Datapoint) {
		level, low := usual[p.Entity], width[p.Entity]
		for _, e := range s.Events() {
			if e.Entity == p.Entity && e.From <= p.At && p.At <= e.Until {
				level = e.Changed
				if e.Kind == Outage {
					low = 0
				}
			}
		}
		if p.Value < level-low || p.Value > level+low {
			t.Fatalf("bin %d: %s is %v, its level is %v", i, p.Entity, p.Value, level)
		}
	})
}

func TestConstantEntitiesNeverChange(t *testing.T) {
	s := mustNew(t, crowded())
	want := make(map[string]float64)
	for _, e := range s.Entities() {
		if e.Kind == Constant {
			want[e.Key] = e.Usual
		}
	}
	each(s, func(i int, p Datapoint) {
		if value, ok := want[p.Entity]; ok && p.Value != value {
			t.Fatalf("bin %d: %s is %v, was %v", i, p.Entity, p.Value, value)
		}
	})
}

func TestOnlySparseEntitiesMissBinsAndNeverInEvents(t *testing.T) {
	s := mustNew(t, crowded())
	seen := make(map[bin]bool)
	each(s, func(_ int, p Datapoint) { seen[bin{p.Entity, p.At}] = true })
	for _, e := range s.Entities() {
		absent := 0
		for i := range s.Bins() {
			if !seen[bin{e.Key, s.options.at(i)}] {
				absent++
			}
		}
		part := float64(absent) / float64(s.Bins())
		if e.Kind != Sparse && absent > 0 || e.Kind == Sparse && (part < 0.02 || part > 0.08) {
			t.Errorf("%s is %v and misses %.1f %% of the bins", e.Key, e.Kind, 100*part)
		}
	}
	for _, e := range s.Events() {
		for at := e.From; at <= e.Until; at += s.options.Bin.Milliseconds() {
			if !seen[bin{e.Entity, at}] {
				t.Errorf("no datapoint at %d: %+v", at, e)
			}
		}
	}
}

func TestEveryKindOfEntityOccurs(t *testing.T) {
	count := make(map[EntityKind]int)
	for _, e := range mustNew(t, Default()).Entities() {
		count[e.Kind]++
	}
	for kind, want := range map[EntityKind]int{Ordinary: 140, Constant: 20, Noisy: 20, Sparse: 20} {
		if count[kind] != want {
			t.Errorf("%d entities are %v, want %d", count[kind], kind, want)
		}
	}
}
