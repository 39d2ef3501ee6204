package prefetch

import (
	"math/rand/v2"
	"runtime"
	"testing"
)

type line [64]byte

// TestMemoryIsOnlyPrefetched: nothing changes, nothing is allocated, and nil does no harm.
func TestMemoryIsOnlyPrefetched(t *testing.T) {
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
		Part(&block, 65, 3)
		Part((*[4]line)(nil), 65, 3)
	})
	if allocated > 0 || block != want {
		t.Errorf("%v allocations, memory is as before: %t", allocated, block == want)
	}
}

// BenchmarkReads reads memory of which little is in a cache, in random order, with and without prefetching it. After each read comes work of
// some hundred instructions: without that, the processor would begin later reads by itself.
func BenchmarkReads(b *testing.B) {
	block := make([]line, 1<<20)
	order := make([]uint32, len(block))
	for i := range order {
		block[i][0] = byte(i)
		order[i] = rand.Uint32N(uint32(len(block)))
	}
	for name, ahead := range map[string]int{"prefetched": 8, "not prefetched": 0} {
		b.Run(name, func(b *testing.B) {
			sum := uint64(0)
			defer func() { runtime.KeepAlive(sum) }()
			for n := range b.N {
				i := n % len(block)
				if ahead > 0 {
					Memory(&block[order[(n+ahead)%len(block)]])
				}
				sum += uint64(block[order[i]][0])
				for range 100 {
					sum = sum*31 + 7
				}
			}
		})
	}
}
