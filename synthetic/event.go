package synthetic

// Kind says what happens in an event.
type Kind uint8

const (
	// Shift is a new level for 8 to 24 bins, up or down, and then the usual one again.
	Shift Kind = iota
	// Spike is one bin far up or down.
	Spike
	// Outage is a value of 0 for 2 to 6 bins.
	Outage

	kinds = 3
)

// longest is the number of bins of the longest event. After it, only these few values of a window are not
// usual ones, so the median stays among the usual ones.
const longest = 24

// String is the kind's name in lower case.
func (k Kind) String() string {
	switch k {
	case Shift:
		return "shift"
	case Spike:
		return "spike"
	case Outage:
		return "outage"
	}
	return "unknown"
}

// Event is something that happens to an entity, for a detector to find.
type Event struct {
	Kind    Kind
	Entity  string  // "scope,asn", as the detector joins it
	From    int64   // time of the first bin it touches, Unix milliseconds
	Until   int64   // time of the last bin it touches, Unix milliseconds
	Usual   float64 // the entity's level before and after
	Changed float64 // its level in the event; in an outage also its exact value
}

// planned is an Event with its entity and bins.
type planned struct {
	Event
	entity      int // index of the entity
	first, last int // the first and the last bin
}

// bins is a random length for an event of the kind.
func (k Kind) bins(d *dice) int {
	switch k {
	case Shift:
		return 8 + d.rand.IntN(longest-8+1)
	case Outage:
		return 2 + d.rand.IntN(5)
	}
	return 1
}

// A change is at least the first and at most the second of these times as large as what is detectable.
const (
	leastChange = 1.1
	mostChange  = 2.5
)

// possible says whether an event of the kind would be found in the entity. Shifts and spikes always would: on
// one side of the usual level there is room enough.
func (k Kind) possible(e *entity) bool {
	return k != Outage || e.Usual >= leastChange*e.detectable()
}

// changed is a random level for an event of the kind. The event must be possible in the entity.
func (k Kind) changed(d *dice, e *entity) float64 {
	if k == Outage {
		return 0
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
