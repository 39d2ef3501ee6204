package completeness

import "testing"

var ordinary bool

func BenchmarkNear(b *testing.B) {
	for name, step := range map[string]int64{"same time": 0, "newer each": 1} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			c := newClocked(20)
			at := c.bins(today, 20)
			for b.Loop() {
				at += step
				ordinary = c.Near(at)
			}
		})
	}
	b.Run("outliers", func(b *testing.B) {
		b.ReportAllocs()
		c := newClocked(20)
		at := c.bins(today, 20)
		for b.Loop() {
			c.see(future, 0)
			c.see(at, 1)
		}
	})
}

// TestRecordsAllocateNothing: neither ordinary ones nor outliers.
func TestRecordsAllocateNothing(t *testing.T) {
	c := newClocked(20)
	at := c.bins(today, 20)
	if allocations := testing.AllocsPerRun(100, func() {
		at++
		c.see(at, 1)
		c.see(future, 2)
		c.see(at, 3)
	}); allocations > 0 {
		t.Errorf("three records allocate %v times", allocations)
	}
}
