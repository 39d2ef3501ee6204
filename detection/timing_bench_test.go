package detection

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkObserveTimings shows what a point costs by how the times of a stream lie.
func BenchmarkObserveTimings(b *testing.B) {
	for _, timing := range timings[:8] {
		b.Run(timing.name, func(b *testing.B) {
			rules := threeDays(MeanDeviation)
			r := rand.New(rand.NewPCG(1, 17))
			var w Window
			at, epoch := int64(1_600_000_000_000), uint64(0)
			b.ReportAllocs()
			for b.Loop() {
				at, epoch = max(timing.next(r, at), 0), epoch+1
				w.Observe(&rules, epoch, at, 1)
			}
		})
	}
}
