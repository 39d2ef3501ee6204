package persistence

import (
	"fmt"
	"log/slog"
	"testing"
)

// loaded is a partition with full windows of 288 points, in memory and stored.
type loaded struct {
	tb       testing.TB
	store    *Store
	p        *Partition
	entities []*Entity
	windows  [][]Point
	head     Head
}

const (
	binMillis  = 15 * 60 * 1000
	fullWindow = 288
)

func newLoaded(tb testing.TB, entities int) *loaded {
	return newLoadedWith(tb, entities, Options{Memory: 64 << 20, Log: slog.New(slog.DiscardHandler)})
}

func newLoadedWith(tb testing.TB, entities int, options Options) *loaded {
	return newLoadedIn(tb, tb.TempDir(), entities, options)
}

func newLoadedIn(tb testing.TB, dir string, entities int, options Options) *loaded {
	store, err := OpenStore(dir, options)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = store.Close() })
	l := &loaded{tb: tb, store: store, entities: make([]*Entity, entities), windows: make([][]Point, entities),
		head: Head{Source: "s", History: fullWindow * binMillis, StreamTime: 1_600_000_000_000}}
	if l.p, err = store.Partition("d", 0); err != nil {
		tb.Fatal(err)
	}
	for i := range l.entities {
		if l.entities[i], _, _, err = l.p.Load(keyOf(i)); err != nil {
			tb.Fatal(err)
		}
	}
	for range 2 * fullWindow { // more than the journal holds, so that there are chunks
		l.bin()
		l.checkpoint()
	}
	return l
}

func keyOf(i int) string { return fmt.Sprintf("%d,%d", 100+i%7, 64_512+i) }

// bin gives each entity a point.
func (l *loaded) bin() {
	l.head.StreamTime += binMillis
	for i, e := range l.entities {
		w := append(l.windows[i], Point{l.head.StreamTime, 0.5 + float64(i%100)/1000})
		l.windows[i] = w[max(0, len(w)-fullWindow):]
		l.p.Append(e, l.head.StreamTime, 0.5)
		l.head.Offset++
	}
	l.p.Commit()
}

func (l *loaded) checkpoint() {
	l.tb.Helper()
	at := make(map[*Entity]int, len(l.entities))
	for i, e := range l.entities {
		at[e] = i
	}
	err := l.p.Checkpoint(l.head, func(e *Entity, n int) ([]Point, int) {
		w := l.windows[at[e]]
		return w[len(w)-min(n, len(w)):], len(w)
	}, nil)
	if err != nil {
		l.tb.Fatal(err)
	}
}

// BenchmarkCheckpoint stores a point of each of 2,000 entities in one synced
// transaction; the chunks that are due are written with it.
func BenchmarkCheckpoint(b *testing.B) {
	const entities = 2_000
	l := newLoaded(b, entities)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		l.bin()
		l.checkpoint()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/entities, "ns/point")
}

// BenchmarkLoad reads an entity's window after a start: its chunks, and what of
// it is still in the journal.
func BenchmarkLoad(b *testing.B) {
	const entities = 2_000
	l := newLoaded(b, entities)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if i%entities == 0 { // an entity is loaded once
			b.StopTimer()
			l.p.Close()
			p, err := l.store.Partition("d", 0)
			if err != nil {
				b.Fatal(err)
			}
			l.p = p
			b.StartTimer()
		}
		_, points, known, err := l.p.Load(keyOf(i % entities))
		if err != nil || !known || len(points) < fullWindow {
			b.Fatalf("%d points, known %t, %v", len(points), known, err)
		}
	}
}

// BenchmarkInspect is what an opening costs before Badger's, a byte of the directory.
func BenchmarkInspect(b *testing.B) {
	l := newLoaded(b, 20_000)
	l.p.Close()
	if err := l.store.Close(); err != nil {
		b.Fatal(err)
	}
	size, err := l.store.Size()
	if err != nil {
		b.Fatal(err)
	}
	for name, atOnce := range map[string]int64{"restart": 1, "all": 1 << 40} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				if _, err := inspect(l.store.dir, Options{AtOnce: atOnce, Log: slog.New(slog.DiscardHandler)}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
