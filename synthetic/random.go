package synthetic

import "math/rand/v2"

// These take the place of a bin or an entity in a random stream that is not for one bin of one entity. Bins
// and entities are counted from 0, so they never are one of these.
const (
	forCharacter = -1 // in place of a bin: the character of an entity
	forLevels    = -2 // in place of a bin, and smaller numbers: the levels of a flapping entity
	forPlan      = -1 // in place of an entity: the choice of events
	forHoles     = -2 // in place of an entity: the choice of holes
	forTransits  = -3 // in place of an entity: the choice of transit losses
)

// dice are the random numbers of one bin of one entity. They depend only on the seed, the entity and the bin,
// so bins can be computed in any order.
//
// Only sums and products of uniform numbers are made from them. Each product is exact (by a power of two) or
// rounded by itself, because math.Sin and fused products differ between processors in the last bit.
type dice struct {
	pcg  rand.PCG
	rand *rand.Rand
}

func newDice() *dice {
	d := &dice{}
	d.rand = rand.New(&d.pcg)
	return d
}

// take starts the random stream of a bin of an entity.
func (d *dice) take(seed uint64, entity, bin int) {
	of := scramble(scramble(seed) + uint64(entity))
	d.pcg.Seed(of, scramble(of+uint64(bin)))
}

// between is uniform in [low, high).
func (d *dice) between(low, high float64) float64 {
	return low + float64((high-low)*d.rand.Float64())
}

// bell is a number in (-1, 1), the mean of four uniform numbers. It is close to a normal distribution with a
// standard deviation of 0.29, cut off at 3.5 standard deviations.
func (d *dice) bell() float64 {
	sum := d.rand.Float64() + d.rand.Float64() + d.rand.Float64() + d.rand.Float64()
	return sum/2 - 1
}

// rare is in [0, 1), and seldom large: the eighth power of a uniform number.
func (d *dice) rare() float64 {
	x := d.rand.Float64()
	x *= x
	x *= x
	return float64(x * x)
}

// scramble makes different numbers out of neighbouring ones (the finaliser of splitmix64). Otherwise seeds
// that are one apart would start PCG in states that are one apart.
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
