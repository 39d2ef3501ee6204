package main

import (
	"fmt"
	"math"
	"time"

	"anomalydetector/backtest/labels"
	"anomalydetector/synthetic"
)

const binLength = 15 * time.Minute

// The streams are made of these, in turn. Of ten events, about nine are of one entity.
var (
	eventKinds = turns(map[synthetic.Kind]int{synthetic.Shift: 5, synthetic.Spike: 5, synthetic.Outage: 5, synthetic.Vanish: 4, synthetic.Drift: 3,
		synthetic.TransitLoss: 1, synthetic.Hole: 1}, len(synthetic.KindNames()))
	entityKinds = turns(map[synthetic.EntityKind]int{synthetic.Ordinary: 10, synthetic.Constant: 2, synthetic.Noisy: 2, synthetic.Sparse: 2,
		synthetic.Seasonal: 3, synthetic.Flapping: 1}, len(synthetic.EntityKindNames()))
)

// turns has each kind as often as the map says.
func turns[K synthetic.Kind | synthetic.EntityKind](times map[K]int, kinds int) (all []K) {
	for round := 0; ; round++ {
		before := len(all)
		for k := range K(kinds) {
			if round < times[k] {
				all = append(all, k)
			}
		}
		if len(all) == before {
			return all
		}
	}
}

// streams are several streams of the same days. The entities of each have names of their own.
type streams struct {
	size
	seeds  []int
	parts  []*synthetic.Stream
	kinds  map[string]synthetic.EntityKind // by entity
	labels []labels.Label                  // without the holes: they are no event of an entity
	events map[happened]event              // by label
	holes  []labels.Label                  // one for each entity that a hole lacks; the kind is the hole's own
	lacks  int                             // how many holes
}

// happened is how a label is found again.
type happened struct {
	entity string
	from   int64
}

type event struct {
	synthetic.Event
	of synthetic.EntityKind
}

// newStreams makes every other seed: the even ones from 0, or the odd ones from 1.
func newStreams(n size, first int) (*streams, error) {
	all := &streams{size: n, kinds: make(map[string]synthetic.EntityKind), events: make(map[happened]event)}
	history := int(72 * time.Hour / binLength)
	for seed := first; seed < n.seeds; seed += 2 {
		part, err := synthetic.New(synthetic.Options{
			Seed: uint64(seed), Entities: n.entities, Start: time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC), Bin: binLength,
			HistoryBins: history, LiveBins: n.days*int(24*time.Hour/binLength) - history, Events: n.events,
			Kinds: eventKinds, EntityKinds: entityKinds, Hard: true,
		})
		if err != nil {
			return nil, err
		}
		all.seeds, all.parts = append(all.seeds, seed), append(all.parts, part)
		for _, e := range part.Entities() {
			all.kinds[keyOf(seed, e.Key)] = e.Kind
		}
		for _, e := range part.Events() {
			if e.Kind == synthetic.Hole {
				all.addHole(seed, part, e)
				continue
			}
			key := keyOf(seed, e.Entity)
			all.labels = append(all.labels, labels.Label{Entity: key, From: e.From, Until: e.Until, Kind: kindOf(e)})
			all.events[happened{key, e.From}] = event{e, all.kinds[key]}
		}
	}
	return all, nil
}

// addHole labels the entities that have no datapoint in a hole. A message of one of them would find it.
func (s *streams) addHole(seed int, part *synthetic.Stream, hole synthetic.Event) {
	there := make(map[string]bool)
	first := part.Bin(0)[0].At
	for at := hole.From; at <= hole.Until; at += binLength.Milliseconds() {
		for _, d := range part.Bin(int((at - first) / binLength.Milliseconds())) {
			there[d.Entity] = true
		}
	}
	for _, e := range part.Entities() {
		if !there[e.Key] {
			s.holes = append(s.holes, labels.Label{Entity: keyOf(seed, e.Key), From: hole.From, Until: hole.Until, Kind: fmt.Sprint("hole ", s.lacks)})
		}
	}
	s.lacks++
}

// keyOf is the name of an entity among those of all seeds: the seed is before its scope.
func keyOf(seed int, key string) string { return fmt.Sprintf("seed%d/%s", seed, key) }

// kindOf is a kind of the table.
func kindOf(e synthetic.Event) string {
	switch {
	case e.Kind != synthetic.TransitLoss:
		return e.Kind.String()
	case e.Silent:
		return "transit loss, vanishes"
	}
	return "transit loss, drops"
}

// streamDays is how many days all streams last together.
func (s *streams) streamDays() float64 { return float64(len(s.parts) * s.days) }

// sizeOf is how far the level changes.
func (e event) sizeOf() float64 { return math.Abs(e.Changed - e.Usual) }
