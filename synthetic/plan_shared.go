package synthetic

import "fmt"

// transitLosses chooses the events of all entities of a transit. Each takes the slot of each of them.
func (p *planner) transitLosses(numbers []int) error {
	all := transitsAmong(len(p.entities))
	if places := all * p.slots; len(numbers) > places {
		return fmt.Errorf("synthetic stream: Events is %d, %d of them transit losses, want at most %d: more entities, or more live bins (an event needs up to %d, and %d between two of an entity)",
			p.Events, len(numbers), places, p.most, p.gap)
	}
	d := p.dice
	d.take(p.Seed, forTransits, 0)
	order := d.rand.Perm(all * p.slots)
	for n, number := range numbers {
		inSlot := order[n] % p.slots
		first, last := p.when(TransitLoss, inSlot)
		left, silent := d.between(0, 0.05), false
		if p.Hard {
			left, silent = d.between(0, 0.9), d.rand.IntN(2) == 0
		}
		if silent {
			left = 0
		}
		for _, i := range dependents(order[n]/p.slots, len(p.entities)) {
			p.taken[slot{i, inSlot}] = true
			e := &p.entities[i]
			p.add(planned{
				Event:  Event{Kind: TransitLoss, Number: number, Entity: e.Key, Usual: e.Usual, Changed: float64(e.Usual * left), Silent: silent},
				entity: i, first: first, last: last,
			})
		}
	}
	return nil
}

// holes chooses the bins in which most entities are missing. They are far apart from each other.
func (p *planner) holes(numbers []int) error {
	part := p.LiveBins / len(numbers)
	if part < Hole.Most(p.Bin) {
		return fmt.Errorf("synthetic stream: Events is %d, %d of them holes, want at most %d: more live bins (a hole needs %d)",
			p.Events, len(numbers), p.LiveBins/Hole.Most(p.Bin), Hole.Most(p.Bin))
	}
	d := p.dice
	d.take(p.Seed, forHoles, 0)
	for n, number := range numbers {
		length := Hole.bins(d, p.Bin)
		first := p.HistoryBins + n*part + d.rand.IntN(part-mostBins[Hole]-length+1)
		p.add(planned{Event: Event{Kind: Hole, Number: number, Entity: Everything, Silent: true}, entity: -1, first: first, last: first + length - 1})
	}
	return nil
}
