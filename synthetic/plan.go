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

// planner chooses the events. The kinds take turns, so that each occurs. Entities and times are random.
//
// The live bins are divided into slots with a gap between them. An entity has at most one event in a slot.
//
//	history | slot | gap | slot | gap | slot
type planner struct {
	*Options
	entities         []entity
	dice             *dice
	gap, slots, step int           // bins, number, bins from one slot to the next
	most             int           // bins of the longest event
	taken            map[slot]bool // by transit losses
	events           []planned
}

// slot is the slot of an entity.
type slot struct{ entity, number int }

func newPlanner(d *dice, o *Options, entities []entity) *planner {
	p := &planner{Options: o, entities: entities, dice: d, gap: int(apart / o.Bin), most: longest(o.kinds(), o.Bin), taken: make(map[slot]bool)}
	p.slots = (o.LiveBins + p.gap) / max(p.most+p.gap, 1)
	if p.slots > 0 {
		p.step = (o.LiveBins + p.gap) / p.slots
	}
	return p
}

// plan chooses all events. They are in the order of their first bins.
func (p *planner) plan() ([]planned, error) {
	var losses, single, holes []int // the numbers of the events
	for n := range p.Events {
		switch p.kind(n) {
		case Hole:
			holes = append(holes, n)
		case TransitLoss:
			losses = append(losses, n)
		default:
			single = append(single, n)
		}
	}
	for _, plan := range []struct {
		numbers []int
		choose  func(numbers []int) error
	}{{losses, p.transitLosses}, {single, p.ofEntities}, {holes, p.holes}} {
		if len(plan.numbers) > 0 {
			if err := plan.choose(plan.numbers); err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(p.events, func(a, b planned) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.entity, b.entity))
	})
	return p.events, nil
}

func (p *planner) kind(number int) Kind {
	kinds := p.kinds()
	return kinds[number%len(kinds)]
}

// eventful are the indexes of the entities that events may happen to.
func (p *planner) eventful() (all []int) {
	for i := range p.entities {
		if p.entities[i].eventful(p.Hard) {
			all = append(all, i)
		}
	}
	return all
}

// ofEntities chooses the events of one entity each.
func (p *planner) ofEntities(numbers []int) error {
	eventful := p.eventful()
	places := len(eventful)*p.slots - len(p.taken)
	if len(numbers) > places {
		return fmt.Errorf("synthetic stream: Events is %d, %d of them of one entity each, want at most %d: more entities, or more live bins (an event needs up to %d, and %d between two of an entity), or shorter kinds",
			p.Events, len(numbers), max(places, 0), p.most, p.gap)
	}
	d := p.dice
	d.take(p.Seed, forPlan, 0)
	order := d.rand.Perm(len(eventful) * p.slots)
	if len(p.taken) > 0 {
		order = slices.DeleteFunc(order, func(place int) bool { return p.taken[slot{eventful[place/p.slots], place % p.slots}] })
	}
	outages := true // an entity is left whose level is high enough for an outage
	for n, number := range numbers {
		kind := p.kind(number)
		if kind == Outage && outages {
			outages = choose(order[n:], func(place int) bool { return kind.possible(&p.entities[eventful[place/p.slots]], p.Hard) })
		}
		if kind == Outage && !outages {
			kind = Spike
		}
		i := eventful[order[n]/p.slots]
		e := &p.entities[i]
		first, last := p.when(kind, order[n]%p.slots)
		p.add(planned{
			Event: Event{
				Kind: kind, Number: number, Entity: e.Key,
				Usual: e.Usual, Changed: kind.changed(d, e, p.Hard), Silent: kind == Vanish,
			},
			entity: i, first: first, last: last,
		})
	}
	return nil
}

// when is a random time for an event in a slot: its first and its last bin.
func (p *planner) when(kind Kind, number int) (first, last int) {
	length := kind.bins(p.dice, p.Bin)
	first = p.HistoryBins + number*p.step + p.dice.rand.IntN(p.step-p.gap-length+1)
	return first, first + length - 1
}

func (p *planner) add(event planned) {
	event.From, event.Until = p.at(event.first), p.at(event.last)
	p.events = append(p.events, event)
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
