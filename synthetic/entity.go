package synthetic

import (
	"math"
	"slices"
)

// EntityKind says how an entity behaves while nothing happens to it. Unless the stream is hard, only Ordinary and Sparse
// entities have events of their own.
type EntityKind uint8

const (
	// Ordinary has a usual level, little noise and a mild wave of day and night.
	Ordinary EntityKind = iota
	// Constant has the same value in every bin.
	Constant
	// Noisy has so much noise that an event would not stand out.
	Noisy
	// Sparse is Ordinary, but about one bin in twenty has no datapoint, except in events.
	Sparse
	// Seasonal has a strong wave of day and night. For about half of these entities it is weak on Saturdays and
	// Sundays. The band is several times as wide as the wave, so a change hides in it.
	Seasonal
	// Flapping has two levels, and goes from one to the other for some hours at a time.
	Flapping

	entityKinds = 6
)

var entityKindNames = [entityKinds]string{"ordinary", "constant", "noisy", "sparse", "seasonal", "flapping"}

// usualKinds are the kinds of ten entities in a row.
var usualKinds = []EntityKind{Ordinary, Ordinary, Ordinary, Constant, Ordinary, Noisy, Ordinary, Ordinary, Sparse, Ordinary}

// String is the kind's name in lower case.
func (k EntityKind) String() string {
	if k >= entityKinds {
		return "unknown"
	}
	return entityKindNames[k]
}

// ParseEntityKind returns the kind of a name, and whether there is one.
func ParseEntityKind(name string) (EntityKind, bool) {
	i := slices.Index(entityKindNames[:], name)
	return EntityKind(max(i, 0)), i >= 0
}

// EntityKindNames are the names of all kinds of entities.
func EntityKindNames() []string { return slices.Clone(entityKindNames[:]) }

// Entity is a (scope, asn) pair of the stream.
type Entity struct {
	Key   string // "scope,asn", as the detector joins it
	Kind  EntityKind
	Usual float64 // the level that its values lie around, in [0, 1]
}

// The wave and the noise of an ordinary entity are so small that no value can be an anomaly. A value and a
// median are each at most wave+noise away from the usual level, so they are at most 0.064 apart. A window
// without any deviation has a threshold of 5 * 1.4826 * 0.01 = 0.074.
const (
	maxWave  = 0.015
	maxNoise = 0.017
)

const mostTail = 4 // of entity.tail

const missing = 0.05 // the part of bins in which a sparse entity has no datapoint

const inHole = 0.9 // the part of the entities without a datapoint in a hole

// entity is an Entity and the numbers that its values are made from.
type entity struct {
	Entity
	scope, asn string
	wave       float64 // how far the wave of day and night goes above and below the usual level
	phase      float64 // the phase of that wave, in days
	weekend    float64 // the part of that wave that is left on Saturdays and Sundays
	noise      float64 // how far the noise goes above and below, at most
	tail       float64 // the noise of a hard stream seldom goes up to 1+tail times as far
	flap       float64 // how far the other level is away
	flaps      float64 // the part of the time at the other level
	stay       int     // bins at one level, at least
	peers      int     // the least nb_peers
}

// newEntity makes the i-th entity.
func newEntity(d *dice, o *Options, i int) entity {
	d.take(o.Seed, i, forCharacter)
	e := entity{phase: d.between(0, 1), weekend: 1, peers: 60 + d.rand.IntN(50)}
	e.scope, e.asn = names(i)
	if o.transits() && isTransit(i) {
		e.asn = transitName(i)
		e.calm(d)
		e.Usual = d.between(0.45, 0.9) // its loss can be seen
	} else {
		e.characterise(d, o.entityKind(i))
	}
	if o.Hard && e.noise > 0 {
		e.tail = d.between(0, mostTail)
	}
	e.Key = e.scope + "," + e.asn
	return e
}

// characterise draws what makes an entity one of its kind.
func (e *entity) characterise(d *dice, kind EntityKind) {
	e.Kind = kind
	switch kind {
	case Constant:
		e.Usual = constants(d)
	case Noisy:
		e.Usual, e.noise = d.between(0.25, 0.75), d.between(0.1, 0.2)
	case Seasonal:
		e.Usual, e.wave, e.noise = d.between(0.35, 0.65), d.between(0.1, 0.3), maxNoise*d.between(0.2, 1)
		if d.rand.IntN(2) == 0 {
			e.weekend = d.between(0.1, 0.4)
		}
	case Flapping:
		e.calm(d)
		e.Usual = d.between(0.1, 0.5)
		e.flap, e.flaps, e.stay = d.between(0.1, 0.4), d.between(0.05, 0.5), 8+d.rand.IntN(41)
	default:
		e.calm(d)
	}
}

// calm gives an entity a usual level, and a wave and noise with which its values stay within (0, 1).
func (e *entity) calm(d *dice) {
	e.Usual = d.between(0.02, 0.9)
	e.wave = min(maxWave, e.Usual/4) * d.rand.Float64()
	e.noise = min(maxNoise, e.Usual/4) * d.between(0.2, 1)
}

// constants are often the ends of the scale, as in the real data.
func constants(d *dice) float64 {
	switch d.rand.IntN(4) {
	case 0:
		return 0
	case 1:
		return 1
	}
	return d.between(0.02, 0.9)
}

// eventful says whether events of one entity may happen to the entity.
func (e *entity) eventful(hard bool) bool {
	return hard || e.Kind == Ordinary || e.Kind == Sparse
}

// detectable is a change of level that is an anomaly whatever window lies before it, as long as the window is
// free of events. The mean deviation is at most wave+noise. The median and the new value are each off by at
// most that, too.
func (e *entity) detectable() float64 {
	const threshold, scale, minDeviation = 5, 1.4826, 0.01
	off := e.wave + e.noise
	return float64(threshold*scale*(minDeviation+off)) + 2*off
}

// value is the entity's value in a bin, at a level, in [0, 1].
func (e *entity) value(d *dice, level float64, at int64) float64 {
	amplitude := e.wave
	if e.weekend < 1 && isWeekend(at) {
		amplitude *= e.weekend
	}
	noise := d.bell()
	if e.tail > 0 {
		noise *= 1 + float64(e.tail*d.rare())
	}
	value := level + float64(amplitude*wave(at, e.phase)) + float64(e.noise*noise)
	return min(max(value, 0), 1)
}

// flapped is whether a flapping entity, of number n, is at its other level in a bin.
func (e *entity) flapped(d *dice, seed uint64, n, bin int) bool {
	d.take(seed, n, forLevels-bin/e.stay)
	return d.rand.Float64() < e.flaps
}

// wave has a period of a day and goes from -1 to 1: two parabolas, which look like a sine.
func wave(at int64, phase float64) float64 {
	const day = 24 * 60 * 60 * 1000
	days := float64(at%day)/day + phase
	x := 2*(days-math.Floor(days)) - 1
	return 4 * float64(x*(1-math.Abs(x)))
}

// isWeekend is whether a time is on a Saturday or a Sunday, in UTC.
func isWeekend(at int64) bool {
	const day = 24 * 60 * 60 * 1000
	return (at/day+3)%7 >= 5 // 1 January 1970 was a Thursday, three days after a Monday
}
