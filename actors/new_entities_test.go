package actors

import (
	"runtime"
	"syscall"
	"testing"
	"time"

	"anomalydetector/persistence"
)

// TestNewEntityTakesFewAllocations: its key, its partition's view of it with the actor, its window, and a share of
// what grows. A spawn of the actor library alone takes more.
func TestNewEntityTakesFewAllocations(t *testing.T) {
	const entities, most = 20_000, 5.5
	b := newBench(t, benchConfig())
	records := b.bin(entities)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	b.score(t, records)
	runtime.ReadMemStats(&after)
	each := float64(after.Mallocs-before.Mallocs) / entities
	t.Logf("%.2f allocations", each)
	if each > most {
		t.Errorf("a new entity takes %.2f allocations, want at most %v", each, most)
	}
}

// BenchmarkNewEntities is a bin of entities that a partition does not know, up to its verdicts, and up to the end of the
// checkpoint after it. An op is an entity.
func BenchmarkNewEntities(b *testing.B) {
	const entities = 100_000
	for _, stored := range []bool{false, true} {
		b.Run(map[bool]string{false: "in memory", true: "stored"}[stored], func(b *testing.B) {
			var before, after runtime.MemStats
			var mallocs, bytes uint64
			var spent time.Duration
			b.ResetTimer()
			for done := 0; done < b.N; done += entities {
				b.StopTimer()
				config := benchConfig()
				config.Searched = true
				if stored {
					store, err := persistence.OpenStore(b.TempDir(), persistence.Options{Log: config.Log})
					if err != nil {
						b.Fatal(err)
					}
					b.Cleanup(func() { _ = store.Close() })
					config.Store = store
				}
				p := newBench(b, config)
				records, one := p.bin(min(entities, b.N-done)), p.bin(1)
				runtime.GC()
				runtime.ReadMemStats(&before)
				begun := processorTime(b)
				b.StartTimer()
				p.score(b, records)
				p.score(b, one) // after the checkpoint
				b.StopTimer()
				spent += processorTime(b) - begun
				runtime.ReadMemStats(&after)
				mallocs += after.Mallocs - before.Mallocs
				bytes += after.TotalAlloc - before.TotalAlloc
				p.stop(b)
				b.StartTimer()
			}
			b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N), "cpu-ns/entity")
			b.ReportMetric(float64(mallocs)/float64(b.N), "allocs/entity")
			b.ReportMetric(float64(bytes)/float64(b.N), "B/entity")
		})
	}
}

// processorTime is what the process has taken of all processors.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
