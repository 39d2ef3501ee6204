package persistence

import (
	"log/slog"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// BenchmarkLoadInOrder reads the windows of all entities after a start, in the order in
// which the stream sent them first. COLD_ENTITIES is how many there are.
func BenchmarkLoadInOrder(b *testing.B) {
	entities, err := strconv.Atoi(os.Getenv("COLD_ENTITIES"))
	if err != nil {
		entities = 5_000
	}
	dir := b.TempDir()
	if at := os.Getenv("COLD_DIR"); at != "" {
		dir = at
	}
	options := Options{Memory: 256 << 20, Log: slog.New(slog.DiscardHandler)}
	if _, err := os.Stat(dir + "/state"); err != nil {
		l := newLoadedIn(b, dir, entities, options)
		l.p.Close()
		if err := l.store.Close(); err != nil {
			b.Fatal(err)
		}
	}
	store, err := OpenStore(dir, options)
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	b.ReportAllocs()
	b.ResetTimer()
	var used time.Duration
	for range b.N {
		b.StopTimer()
		p, err := store.Partition("d", 0)
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		used -= processorTime(b)
		for i := range entities {
			_, points, known, err := p.Load(keyOf(i))
			if err != nil || !known || len(points) < fullWindow {
				b.Fatalf("%d points, known %t, %v", len(points), known, err)
			}
		}
		used += processorTime(b)
		p.Close()
	}
	windows := float64(b.N) * float64(entities)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/windows, "ns/window")
	b.ReportMetric(float64(used.Nanoseconds())/windows, "cpu-ns/window")
}

// processorTime is what the process has used. On a machine that others use, too, it tells
// more than the clock.
func processorTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
