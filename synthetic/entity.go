package synthetic

import (
	"math"
	"strconv"
)

// EntityKind says how an entity behaves while nothing happens to it.
type EntityKind uint8

const (
	// Ordinary has a usual level, little noise and a mild wave of day and night.
	Ordinary EntityKind = iota
	// Constant has the same value in every bin. No events.
	Constant
	// Noisy has so much noise that an event would not stand out. No events.
	Noisy
	// Sparse is Ordinary, but about one bin in twenty has no datapoint, except in events.
	Sparse
)

// String is the kind's name in lower case.
func (k EntityKind) String() string {
	switch k {
	case Ordinary:
		return "ordinary"
	case Constant:
		return "constant"
	case Noisy:
		return "noisy"
	case Sparse:
		return "sparse"
	}
	return "unknown"
}

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

const missing = 0.05 // the part of bins in which a sparse entity has no datapoint

// entity is an Entity and the numbers that its values are made from.
type entity struct {
	Entity
	scope, asn string
	wave       float64 // how far the wave of day and night goes above and below the usual level
	phase      float64 // the phase of that wave, in days
	noise      float64 // how far the noise goes above and below, at most
	peers      int     // the least nb_peers
}

// newEntity makes the i-th entity. Of ten in a row, seven are ordinary.
func newEntity(d *dice, seed uint64, i int) entity {
	d.take(seed, i, forCharacter)
	e := entity{phase: d.between(0, 1), peers: 60 + d.rand.IntN(50)}
	e.scope, e.asn = names(i)
	e.Key = e.scope + "," + e.asn
	switch i % 10 {
	case 3:
		e.Kind, e.Usual = Constant, constants(d)
	case 5:
		e.Kind, e.Usual, e.noise = Noisy, d.between(0.25, 0.75), d.between(0.1, 0.2)
	case 8:
		e.Kind = Sparse
		e.calm(d)
	default:
		e.calm(d)
	}
	return e
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

// eventful says whether events may happen to the entity.
func (e *entity) eventful() bool {
	return e.Kind == Ordinary || e.Kind == Sparse
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
	value := level + float64(e.wave*wave(at, e.phase)) + float64(e.noise*d.bell())
	return min(max(value, 0), 1)
}

// wave has a period of a day and goes from -1 to 1: two parabolas, which look like a sine.
func wave(at int64, phase float64) float64 {
	const day = 24 * 60 * 60 * 1000
	days := float64(at%day)/day + phase
	x := 2*(days-math.Floor(days)) - 1
	return 4 * float64(x*(1-math.Abs(x)))
}

// The AS numbers of RFC 5398 (documentation) and RFC 6996 (private use).
const (
	documentation16 = 64496 // 16 of them
	documentation32 = 65536 // 16 of them
	private16       = 64512 // 1023 of them
	private32       = 4200000000
)

// names are the scope and the AS of the i-th entity. Each scope has twenty entities, and the first scope is
// the whole Internet. Neighbouring scopes share many of their ASes, as real ones do.
func names(i int) (scope, asn string) {
	const each = 20
	s, n := int64(i/each), int64(i%each)
	asn = decimal(private16 + (7*s+n)%1023)
	switch {
	case s == 0:
		return "-1", asn
	case s <= 16:
		return decimal(documentation16 + s - 1), asn
	case s <= 32:
		return decimal(documentation32 + s - 17), asn
	}
	return decimal(private32 + s - 33), asn
}

func decimal(asn int64) string {
	return strconv.FormatInt(asn, 10)
}
