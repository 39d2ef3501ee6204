package prefetch

import (
	"math/rand/v2"
	"testing"
)

type line [64]byte

// TestMemoryOnlyAsks: nothing changes, nothing is allocated, and nil does no harm.
func TestMemoryOnlyAsks(t *testing.T) {
	var block [4]line
	for i := range block {
		for j := range block[i] {
			block[i][j] = byte(i + j)
		}
	}
	want := block
	allocated := testing.AllocsPerRun(100, func() {
		Memory(&block)
		Memory(&block[0][63]) // one byte at the end of a line
		Memory((*[4]line)(nil))
	})
	if allocated > 0 || block != want {
		t.Errorf("%v allocations, memory is as before: %t", allocated, block == want)
	}
}

// BenchmarkReads reads memory of which little is in a cache, in random order. Asked for beforehand, the reads do not wait. Each read is followed
// by work of about as many instructions as the processor can hold back: without that, it would look for later reads by itself.
func BenchmarkReads(b *testing.B) {
	const ahead = 8
	block := make([]line, 1<<20)
	order := make([]uint32, len(block)+ahead)
	for i := range order {
		block[i%len(block)][0] = byte(i)
		order[i] = rand.Uint32N(uint32(len(block)))
	}
	for name, asks := range map[string]bool{"asked for": true, "not asked for": false} {
		b.Run(name, func(b *testing.B) {
			sum := uint64(0)
			for n := range b.N {
				i := n % len(block)
				if asks {
					Memory(&block[order[i+ahead]])
				}
				sum += uint64(block[order[i]][0])
				for range 100 {
					sum = sum*31 + 7
				}
			}
			if sum == 0 {
				b.Fatal("the sum cannot be 0")
			}
		})
	}
}
