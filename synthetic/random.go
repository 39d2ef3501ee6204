package synthetic

import "math/rand/v2"

// What a random stream is for, where it is not for one bin of one entity. Bins and entities are
// counted from 0, so these are never one of them.
const (
	forCharacter = -1 // in place of a bin: what an entity is like
	forPlan      = -1 // in place of an entity: which events happen
)

// dice are the random numbers of one bin of one entity. They depend on the seed, the entity and the
// bin only, so bins can be computed in any order.
//
// Only sums and products of uniform numbers are made of them, and each product is exact (by a power
// of two) or rounded by itself: math.Sin and fused products differ between processors in the last
// bit.
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

// bell is in (-1, 1) and close to a normal distribution with a standard deviation of 0.29, cut off
// where that one has 3.5 of them: the mean of four uniform numbers.
func (d *dice) bell() float64 {
	sum := d.rand.Float64() + d.rand.Float64() + d.rand.Float64() + d.rand.Float64()
	return sum/2 - 1
}

// scramble makes unlike numbers of neighbouring ones (the finaliser of splitmix64): seeds one apart
// would start PCG in states that are one apart.
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
