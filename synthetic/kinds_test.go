package synthetic

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// varied are options with all kinds of events and entities.
func varied() Options {
	o := Default()
	o.LiveBins, o.Events = 1056, 56
	o.Kinds = []Kind{Shift, Spike, Outage, Vanish, TransitLoss, Hole, Drift, Shift, Spike, Outage, Vanish, Drift, Shift, Spike}
	o.EntityKinds = []EntityKind{Ordinary, Ordinary, Ordinary, Constant, Noisy, Sparse, Seasonal, Flapping, Ordinary, Sparse}
	return o
}

func hard() Options {
	o := varied()
	o.Hard = true
	return o
}

func TestAVariedStreamIsTheSameOnEveryMachine(t *testing.T) {
	for name, c := range map[string]struct {
		options Options
		want    string
	}{
		"found by construction": {varied(), "271dfb79cbcdac0cd60436e82d668dc82731c5fa50cc7e9adfd65ecd2e05cf0d"},
		"hard":                  {hard(), "31280bd1a4d40892bd18481fb4bb756acf5274300ce0fb85f51051048c29480c"},
	} {
		hash := sha256.New()
		s := mustNew(t, c.options)
		each(s, func(_ int, p Datapoint) { hash.Write(p.Payload) })
		fmt.Fprint(hash, s.Events())
		if got := hex.EncodeToString(hash.Sum(nil)); got != c.want {
			t.Errorf("%s: the hash of all payloads and events is %s, want %s", name, got, c.want)
		}
	}
}

// TestTheDefaultDetectorFindsAllButTheSilentAndTheSlow holds the guarantee beside events that are not found, and entities
// without events.
func TestTheDefaultDetectorFindsAllButTheSilentAndTheSlow(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			o := varied()
			o.Seed, o.Entities, o.LiveBins, o.Events = seed, 60, 800, 28
			s := mustNew(t, o)
			anomalies := detect(s)
			for _, e := range s.Events() {
				first := anomalies[bin{e.Entity, e.From}]
				if must := e.Kind == Shift || e.Kind == Spike || e.Kind == Outage || e.Kind == TransitLoss; first != must {
					t.Errorf("the first bin is an anomaly: %v: %+v", first, e)
				}
				for at := e.From; at <= e.Until; at += o.Bin.Milliseconds() {
					delete(anomalies, bin{e.Entity, at})
				}
			}
			flapping := make(map[string]bool)
			for _, e := range s.Entities() {
				flapping[e.Key] = e.Kind == Flapping
			}
			for b := range anomalies {
				if !flapping[b.entity] {
					t.Errorf("an anomaly without an event: %+v", b)
				}
			}
		})
	}
}

func TestAHardStreamHasEventsThatAreFoundAndSuchThatAreNot(t *testing.T) {
	o := hard()
	o.Entities = 60
	s := mustNew(t, o)
	anomalies := detect(s)
	found, all := make(map[Kind]int), make(map[Kind]int)
	for _, e := range s.Events() {
		all[e.Kind]++
		for at := e.From; at <= e.Until; at += s.options.Bin.Milliseconds() {
			if anomalies[bin{e.Entity, at}] {
				found[e.Kind]++
				break
			}
		}
	}
	for _, kind := range []Kind{Shift, Spike, Outage, TransitLoss} {
		if found[kind] == 0 || found[kind] == all[kind] {
			t.Errorf("%d of %d are found: %v", found[kind], all[kind], kind)
		}
	}
	if found[Vanish] > 0 || found[Hole] > 0 {
		t.Errorf("silence is found: %v", found)
	}
}

func TestChangesOfAHardStreamAreOfAllSizesAndMostAreSmall(t *testing.T) {
	o := hard()
	o.Events, o.Kinds = 300, []Kind{Shift, Spike, Drift}
	small, large := 0, 0
	for _, e := range mustNew(t, o).Events() {
		switch size := math.Abs(e.Changed - e.Usual); {
		case size < leastHard-1e-9 || e.Changed < 0 || e.Changed > 1:
			t.Errorf("a change of %v: %+v", size, e)
		case size < 0.15:
			small++
		case size > 0.4:
			large++
		}
	}
	if small < 120 || small > 220 || large < 20 {
		t.Errorf("of 300 changes, %d are small and %d are large", small, large)
	}
}

func TestKindsTakeTurns(t *testing.T) {
	o := varied()
	o.Kinds = []Kind{Drift, Vanish, Vanish}
	o.EntityKinds = []EntityKind{Sparse, Seasonal, Sparse, Sparse}
	o.Events = 30
	s := mustNew(t, o)
	count := make(map[Kind]int)
	for _, e := range s.Events() {
		count[e.Kind]++
	}
	if len(count) != 2 || count[Drift] != 10 || count[Vanish] != 20 {
		t.Errorf("the events are %v", count)
	}
	for i, e := range s.Entities() {
		if e.Kind != o.EntityKinds[i%4] {
			t.Errorf("entity %d is %v", i, e.Kind)
		}
	}
}

func TestSilentEntitiesHaveNoDatapointAndReturn(t *testing.T) {
	s := mustNew(t, hard())
	seen := make(map[bin]bool)
	each(s, func(_ int, p Datapoint) { seen[bin{p.Entity, p.At}] = true })
	step := s.options.Bin.Milliseconds()
	silent := map[Kind]int{}
	for _, e := range s.Events() {
		if !e.Silent || e.Kind == Hole {
			continue
		}
		silent[e.Kind]++
		for at := e.From; at <= e.Until; at += step {
			if seen[bin{e.Entity, at}] {
				t.Errorf("a datapoint at %d: %+v", at, e)
			}
		}
		around := func(from int64, step int64) bool { // a sparse one, or a hole, may miss a few
			return seen[bin{e.Entity, from}] || seen[bin{e.Entity, from + step}] || seen[bin{e.Entity, from + 2*step}] || seen[bin{e.Entity, from + 3*step}]
		}
		if !around(e.From-step, -step) || e.Until+3*step <= s.options.at(s.Bins()-1) && !around(e.Until+step, step) {
			t.Errorf("it is not there before and after: %+v", e)
		}
	}
	if silent[Vanish] == 0 || silent[TransitLoss] == 0 {
		t.Fatalf("silent are %v: not all was tested", silent)
	}
}

func TestATransitLossIsOneEventOfManyScopes(t *testing.T) {
	o := varied()
	o.Entities = 2000 // 100 scopes, three regions, six transits
	s := mustNew(t, o)
	first := make(map[int]Event)
	count := make(map[int]int)
	for _, e := range s.Events() {
		if e.Kind != TransitLoss {
			continue
		}
		f, known := first[e.Number]
		if !known {
			f, first[e.Number] = e, e
		}
		count[e.Number]++
		as := func(e Event) string { return e.Entity[strings.Index(e.Entity, ",")+1:] }
		if as(e) != as(f) || e.From != f.From || e.Until != f.Until {
			t.Errorf("one event: %+v and %+v", f, e)
		}
	}
	if len(count) != 4 {
		t.Errorf("%d transit losses, want 4", len(count))
	}
	for number, n := range count {
		if n != 40 && n != 20 {
			t.Errorf("event %d has %d entities, want all scopes of a region: 40, or 20 in the last one", number, n)
		}
	}
}

func TestInAHoleMostEntitiesAreMissing(t *testing.T) {
	s := mustNew(t, varied())
	holes := 0
	for _, e := range s.Events() {
		if e.Kind != Hole {
			continue
		}
		holes++
		if e.Entity != "*" || (e.Until-e.From)/s.options.Bin.Milliseconds() > 2 {
			t.Errorf("a hole is %+v", e)
		}
		for at := e.From; at <= e.Until; at += s.options.Bin.Milliseconds() {
			i := int((at - s.options.at(0)) / s.options.Bin.Milliseconds())
			if n := len(s.Bin(i)); n == 0 || n > s.Len()*3/10 {
				t.Errorf("%d of %d entities in a hole", n, s.Len())
			}
		}
	}
	if holes != 4 {
		t.Errorf("%d holes, want 4", holes)
	}
}

func TestADriftIsSlowThereAndBack(t *testing.T) {
	for _, p := range mustNew(t, varied()).events {
		if p.Kind != Drift {
			continue
		}
		if days := float64(p.Until-p.From) / (24 * time.Hour).Seconds() / 1000; days < 1.9 || days > 4 {
			t.Errorf("it lasts %.1f days: %+v", days, p)
		}
		farthest, before := 0.0, p.Usual
		for i := p.first; i <= p.last+1; i++ {
			level := p.Usual
			if i <= p.last {
				level = p.level(i)
			}
			if step := math.Abs(level - before); step > math.Abs(p.Changed-p.Usual)/90 {
				t.Errorf("bin %d is a step of %v: %+v", i, step, p)
			}
			farthest, before = max(farthest, math.Abs(level-p.Usual)), level
		}
		if want := math.Abs(p.Changed - p.Usual); farthest < 0.98*want || farthest > want+1e-9 {
			t.Errorf("it goes as far as %v, want %v", farthest, want)
		}
	}
}

func TestSeasonalAndFlappingEntitiesMoveByDay(t *testing.T) {
	o := varied()
	o.Events = 0
	s := mustNew(t, o)
	values := make(map[string][2][]float64) // on weekdays, on weekends
	each(s, func(_ int, p Datapoint) {
		v, end := values[p.Entity], 0
		if day := time.UnixMilli(p.At).UTC().Weekday(); day == time.Saturday || day == time.Sunday {
			end = 1
		}
		v[end] = append(v[end], p.Value)
		values[p.Entity] = v
	})
	calm, flapping := 0, 0
	for i := range s.entities {
		e := &s.entities[i]
		week, end := values[e.Key][0], values[e.Key][1]
		wide, wideEnd := slices.Max(week)-slices.Min(week), slices.Max(end)-slices.Min(end)
		switch e.Kind {
		case Seasonal:
			if wide < 0.18 {
				t.Errorf("%s moves by %v only", e.Key, wide)
			}
			if wideEnd < 0.7*wide {
				calm++
			}
		case Flapping:
			middle := e.Usual + e.flap/2
			share := float64(len(slices.DeleteFunc(slices.Concat(week, end), func(v float64) bool { return v < middle }))) / float64(len(week)+len(end))
			if share > 0.8 {
				t.Errorf("%s is at its other level in %.0f %% of the bins", e.Key, 100*share)
			}
			if share > 0.02 {
				flapping++
			}
		}
	}
	if flapping < 15 {
		t.Errorf("%d of 20 flapping entities flap", flapping)
	}
	if calm < 3 || calm > 17 {
		t.Errorf("%d of 20 seasonal entities are calm at weekends, want about half", calm)
	}
}

func TestKindsHaveNamesThatAreRead(t *testing.T) {
	for i, name := range KindNames() {
		if k, known := ParseKind(name); !known || int(k) != i || k.String() != name {
			t.Errorf("%s is %v", name, k)
		}
	}
	for i, name := range EntityKindNames() {
		if k, known := ParseEntityKind(name); !known || int(k) != i || k.String() != name {
			t.Errorf("%s is %v", name, k)
		}
	}
	if _, known := ParseKind("earthquake"); known {
		t.Error("an earthquake is a kind")
	}
	if _, known := ParseEntityKind("earthquake"); known {
		t.Error("an earthquake is a kind of entity")
	}
	if Kind(kinds).String() != "unknown" || EntityKind(entityKinds).String() != "unknown" {
		t.Error("kinds beyond the last one have names")
	}
}

func TestVariedEventsThatDoNotFitAreRefused(t *testing.T) {
	for name, change := range map[string]func(o *Options){
		"unknown kind":            func(o *Options) { o.Kinds = []Kind{kinds} },
		"unknown kind of entity":  func(o *Options) { o.EntityKinds = []EntityKind{entityKinds} },
		"a drift needs four days": func(o *Options) { o.LiveBins = 383 },
		"too many holes":          func(o *Options) { o.Kinds, o.Events = []Kind{Hole}, 177 },
		"too many transit losses": func(o *Options) { o.Kinds, o.Events = []Kind{TransitLoss}, 9 },
	} {
		o := varied()
		change(&o)
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), "Events") && !strings.Contains(err.Error(), "Kinds") {
			t.Errorf("%s: New returned %v", name, err)
		}
	}
	for name, change := range map[string]func(o *Options){
		"all holes":                       func(o *Options) { o.Kinds, o.Events = []Kind{Hole}, 176 },
		"all transit losses":              func(o *Options) { o.Kinds, o.Events = []Kind{TransitLoss}, 8 },
		"one entity in the second region": func(o *Options) { o.Kinds, o.Events, o.Entities = []Kind{TransitLoss}, 12, 801 },
		"bins of two days":                func(o *Options) { o.Bin = 48 * time.Hour },
		"bins longer than a drift":        func(o *Options) { o.Bin = 200 * time.Hour },
	} {
		o := varied()
		change(&o)
		s, err := New(o)
		if err != nil {
			t.Errorf("%s: New returned %v", name, err)
			continue
		}
		numbers := make(map[int]bool)
		for _, e := range s.Events() {
			numbers[e.Number] = true
		}
		if len(numbers) != o.Events {
			t.Errorf("%s: %d events, want %d", name, len(numbers), o.Events)
		}
		each(s, func(i int, p Datapoint) {
			if !(p.Value >= 0 && p.Value <= 1) {
				t.Fatalf("%s: bin %d: %s is %v", name, i, p.Entity, p.Value)
			}
		})
	}
}

func TestTransitsAreNotAmongOtherNames(t *testing.T) {
	o := varied()
	o.Entities = 5000
	keys := make(map[string]bool)
	for _, e := range mustNew(t, o).Entities() {
		if keys[e.Key] {
			t.Errorf("two entities are %s", e.Key)
		}
		keys[e.Key] = true
	}
	scope, _ := names(maxEntities - 1)
	if transit := transitName(maxEntities / eachScope * eachScope / 2); scope >= transit {
		t.Errorf("the scope %s reaches the transit %s", scope, transit)
	}
}
