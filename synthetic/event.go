package synthetic

import (
	"slices"
	"time"
)

// Kind says what happens in an event.
type Kind uint8

const (
	// Shift is a new level for 8 to 24 bins, up or down, and then the usual one again.
	Shift Kind = iota
	// Spike is one bin far up or down.
	Spike
	// Outage is a value of 0 for 2 to 6 bins.
	Outage
	// Vanish is no datapoint for 4 to 48 bins.
	Vanish
	// TransitLoss is one AS that many scopes depend on, and that they lose for 4 to 24 bins: one event of many entities. All
	// drop to a part of their levels, or, in a hard stream, vanish in one event of two.
	TransitLoss
	// Hole is 1 to 3 bins in which nine entities of ten have no datapoint. Those with an event are not among them.
	Hole
	// Drift is a level that moves away over one or two days, and back in as long.
	Drift

	kinds = 7
)

var kindNames = [kinds]string{"shift", "spike", "outage", "vanish", "transit-loss", "hole", "drift"}

// usualEvents are the kinds of a stream that does not say which.
var usualEvents = []Kind{Shift, Spike, Outage}

// mostBins is the number of bins of the longest event of each kind. A drift is as long as its days.
var mostBins = [kinds]int{Shift: 24, Spike: 1, Outage: 6, Vanish: 48, TransitLoss: 24, Hole: 3}

const mostDrift = 4 * 24 * time.Hour

// Most is the number of bins that the longest event of the kind needs.
func (k Kind) Most(bin time.Duration) int {
	switch k {
	case Drift:
		return max(2, int(mostDrift/bin))
	case Hole:
		return 2 * mostBins[Hole] // it is apart from the next one
	}
	return mostBins[k]
}

// String is the kind's name in lower case.
func (k Kind) String() string {
	if k >= kinds {
		return "unknown"
	}
	return kindNames[k]
}

// ParseKind returns the kind of a name, and whether there is one.
func ParseKind(name string) (Kind, bool) {
	i := slices.Index(kindNames[:], name)
	return Kind(max(i, 0)), i >= 0
}

// KindNames are the names of all kinds.
func KindNames() []string { return slices.Clone(kindNames[:]) }

// Everything is the entity of an event that touches most entities.
const Everything = "*"

// Event is something that happens to an entity, for a detector to find.
type Event struct {
	Kind    Kind
	Number  int     // the entities of a transit loss have one number; all others have their own. From 0
	Entity  string  // "scope,asn", as the detector joins it; Everything for a hole
	From    int64   // time of the first bin it touches, Unix milliseconds
	Until   int64   // time of the last bin it touches, Unix milliseconds
	Usual   float64 // the entity's level before and after; 0 in a hole
	Changed float64 // its level in the event, the farthest one of a drift; in an outage also its exact value; 0 if it is silent
	Silent  bool    // the entity has no datapoint meanwhile
}

// planned is an Event with its entity and bins.
type planned struct {
	Event
	entity      int // index of the entity; -1 in a hole
	first, last int // the first and the last bin
}

// level is the level in a bin.
func (p *planned) level(bin int) float64 {
	if p.Kind != Drift {
		return p.Changed
	}
	half := float64(p.last-p.first) / 2
	far := min(float64(bin-p.first), float64(p.last-bin)) / max(half, 1)
	return p.Usual + float64((p.Changed-p.Usual)*far)
}

// longest is the number of bins of the longest event of an entity.
func longest(kinds []Kind, bin time.Duration) (bins int) {
	for _, k := range kinds {
		if k != Hole {
			bins = max(bins, k.Most(bin))
		}
	}
	return bins
}

// bins is a random length for an event of the kind.
func (k Kind) bins(d *dice, bin time.Duration) int {
	switch k {
	case Shift:
		return 8 + d.rand.IntN(24-8+1)
	case Outage:
		return 2 + d.rand.IntN(5)
	case Vanish:
		return 4 + d.rand.IntN(48-4+1)
	case TransitLoss:
		return 4 + d.rand.IntN(24-4+1)
	case Hole:
		return 1 + d.rand.IntN(3)
	case Drift:
		most := Drift.Most(bin)
		return max(2, most-d.rand.IntN(most/2+1))
	}
	return 1
}

// A change is at least the first and at most the second of these times as large as what is detectable.
const (
	leastChange = 1.1
	mostChange  = 2.5
)

// leastHard is the least change in a hard stream.
const leastHard = 0.02

// possible says whether an event of the kind can happen to the entity, and would be found unless the stream is hard. Shifts
// and spikes always can: on one side of the usual level there is room enough.
func (k Kind) possible(e *entity, hard bool) bool {
	if hard {
		return k != Outage || e.Usual >= leastHard
	}
	return k != Outage || e.Usual >= leastChange*e.detectable()
}

// changed is a random level for an event of the kind. The event must be possible in the entity.
func (k Kind) changed(d *dice, e *entity, hard bool) float64 {
	switch {
	case k == Outage || k == Vanish:
		return 0
	case hard:
		return hardChange(d, e.Usual)
	}
	least := leastChange * e.detectable()
	up := d.rand.IntN(2) == 0
	if 1-e.Usual < least {
		up = false
	} else if e.Usual < least {
		up = true
	}
	if up {
		return e.Usual + d.between(least, min(mostChange*e.detectable(), 1-e.Usual))
	}
	return e.Usual - d.between(least, min(mostChange*e.detectable(), e.Usual))
}

// hardChange is a random level on a random side of a level, more often near it than far from it.
func hardChange(d *dice, usual float64) float64 {
	up := d.rand.IntN(2) == 0
	if usual < 0.1 || usual > 0.9 {
		up = usual < 0.1
	}
	part := d.rand.Float64()
	part = float64(part * part)
	if up {
		return usual + leastHard + float64((1-usual-leastHard)*part)
	}
	return usual - leastHard - float64((usual-leastHard)*part)
}
