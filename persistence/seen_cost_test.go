package persistence

import (
	"log/slog"
	"testing"
)

// BenchmarkAppend notes a point, without and with when its entity was last seen.
func BenchmarkAppend(b *testing.B) {
	for name, seen := range map[string]bool{"off": false, "seen": true} {
		b.Run(name, func(b *testing.B) {
			p, entities := crowd(b, 10_000, Options{Seen: seen})
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				p.Append(entities[i%len(entities)], int64(i)*1000, 0.5)
				if len(p.pending) == 1<<16 {
					p.RollBack()
				}
			}
		})
	}
}

// crowd is a new partition with entities that have no points.
func crowd(b *testing.B, count int, o Options) (*Partition, []*Entity) {
	b.Helper()
	o.Log = slog.New(slog.DiscardHandler)
	store, err := OpenStore(b.TempDir(), o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	p, err := store.Partition("d", 0)
	if err != nil {
		b.Fatal(err)
	}
	entities := make([]*Entity, count)
	for i := range entities {
		if entities[i], _, _, err = p.Load(keyOf(i)); err != nil {
			b.Fatal(err)
		}
	}
	return p, entities
}

const million = 1_000_000

// crowded is a stored partition of a million entities, half of which have no point in the
// journal.
func crowded(b *testing.B, seen bool) *Store {
	b.Helper()
	p, entities := crowd(b, million, Options{Memory: 256 << 20, Seen: seen, Journal: million/2 + blockPoints})
	window := func(_ *Entity, n int) ([]Point, int) { return make([]Point, n), fullWindow }
	for i, e := range entities {
		p.Append(e, 1_600_000_000_000+int64(i%7)*binMillis, 0.5)
	}
	p.Commit()
	p.SetState(make([]byte, 1<<20), 0)
	for _, e := range entities[:blockPoints] { // the blocks before are trimmed
		p.Append(e, 1_600_010_000_000, 0.5)
	}
	p.Commit()
	if err := p.Checkpoint(Head{Source: "s", History: fullWindow * binMillis}, window, nil); err != nil {
		b.Fatal(err)
	}
	p.Close()
	return p.store
}

// BenchmarkOpenMillion opens a partition of a million entities. The difference is what the
// index costs a restart.
func BenchmarkOpenMillion(b *testing.B) {
	for name, seen := range map[string]bool{"off": false, "seen": true} {
		b.Run(name, func(b *testing.B) {
			store := crowded(b, seen)
			b.ReportAllocs()
			for b.Loop() {
				p, err := store.Partition("d", 0)
				if err != nil {
					b.Fatal(err)
				}
				p.Close()
			}
		})
	}
}

// BenchmarkSilent asks a million entities on disk: for none of them, and for half of them.
func BenchmarkSilent(b *testing.B) {
	store := crowded(b, true)
	p, err := store.Partition("d", 0)
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	for name, until := range map[string]int64{"none": 1, "on disk": 1_600_000_000_000 + 4*binMillis} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := p.Silent(0, until); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
