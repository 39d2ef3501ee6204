package synthetic

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// apart is the least time between two events of an entity. It is the history of the default settings, so the
// window before an event is free of other events.
const apart = 72 * time.Hour

// plan chooses the events. The kinds take turns, so that each occurs. Entities and times are random.
//
// The live bins are divided into slots with a gap between them. An entity has at most one event in a slot.
//
//	history | slot | gap | slot | gap | slot
func plan(d *dice, o Options, entities []entity) ([]planned, error) {
	if o.Events == 0 {
		return nil, nil
	}
	gap := int(apart / o.Bin)
	slots := (o.LiveBins + gap) / (longest + gap)
	var eventful []int
	for i := range entities {
		if entities[i].eventful() {
			eventful = append(eventful, i)
		}
	}
	places := len(eventful) * slots
	if o.Events > places {
		return nil, fmt.Errorf("synthetic stream: Events is %d, want at most %d: more entities, or more live bins (an event needs up to %d, and %d between two of an entity)",
			o.Events, places, longest, gap)
	}
	step := (o.LiveBins + gap) / slots

	d.take(o.Seed, forPlan, 0)
	order := d.rand.Perm(places)
	events := make([]planned, 0, o.Events)
	outages := true // an entity is left whose level is high enough for an outage
	for n := range o.Events {
		kind := Kind(n % kinds)
		if kind == Outage && outages {
			outages = choose(order[n:], func(place int) bool { return kind.possible(&entities[eventful[place/slots]]) })
		}
		if kind == Outage && !outages {
			kind = Spike
		}
		e := eventful[order[n]/slots]
		length := kind.bins(d)
		first := o.HistoryBins + order[n]%slots*step + d.rand.IntN(step-gap-length+1)
		last := first + length - 1
		events = append(events, planned{
			Event: Event{
				Kind: kind, Entity: entities[e].Key, From: o.at(first), Until: o.at(last),
				Usual: entities[e].Usual, Changed: kind.changed(d, &entities[e]),
			},
			entity: e, first: first, last: last,
		})
	}
	slices.SortFunc(events, func(a, b planned) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.entity, b.entity))
	})
	return events, nil
}

// choose moves the first good place to the front, and returns whether there is one.
func choose(order []int, good func(place int) bool) bool {
	i := slices.IndexFunc(order, good)
	if i < 0 {
		return false
	}
	order[0], order[i] = order[i], order[0]
	return true
}
