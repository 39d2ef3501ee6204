// Package dice throws dice: those of its caller, and others.
package dice

import (
	old "math/rand"
	"math/rand/v2"
)

func seeded(seed uint64) int {
	return rand.New(rand.NewPCG(seed, 1)).IntN(6) + old.New(old.NewSource(int64(seed))).Intn(6)
}

func global() int { return rand.IntN(6) + old.Intn(6) + int(rand.N(6)) }

func shuffled(all []int) { rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] }) }
