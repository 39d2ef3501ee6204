package persistence

import (
	"errors"
	"maps"
	"slices"
	"testing"
)

// reopened is a partition of six entities, none of which is cached. It reads all ids after some look-ups.
func reopened(t *testing.T, seed uint64, lookUps int) *model {
	m := newModel(t, seed, Options{Journal: 1, Index: lookUps})
	for i := range 60 {
		m.observeKey(keyFor(i % 6))
	}
	if err := m.checkpoint(); err != nil {
		t.Fatal(err)
	}
	m.crash()
	return m
}

// TestRemovedEntityIsNotFoundByItsFormerID, whether its id was read before its removal, or
// before the removal was stored.
func TestRemovedEntityIsNotFoundByItsFormerID(t *testing.T) {
	for name, lookUps := range map[string]int{"read before": 1, "read after": 2} {
		t.Run(name, func(t *testing.T) {
			m := reopened(t, 1, lookUps)
			m.load(keyFor(0))
			m.at += 10 * hours
			m.observeKey(keyFor(0))
			m.commit()
			if _, removed, err := m.p.Sweep(4, m.at-4*hours); err != nil || !removed || len(m.p.Swept()) < 2 {
				t.Fatalf("%v were swept, %v", m.p.Swept(), err)
			}
			swept := slices.Clone(m.p.Swept())
			for _, key := range swept {
				delete(m.windows, key)
			}
			m.load(keyFor(5))
			if m.p.index.byKey == nil {
				t.Fatal("the ids are not read")
			}
			if err := m.checkpoint(); err != nil {
				t.Fatal(err)
			}
			for _, key := range swept {
				e, points, known, err := m.p.Load(key)
				if err != nil || known || len(points) > 0 || e.id < 6 {
					t.Errorf("%s has the id %d and %v, known %t, %v", key, e.id, points, known, err)
				}
				m.cached[key] = e
				m.observeKey(key)
			}
			if err := m.checkpoint(); err != nil {
				t.Fatal(err)
			}
			m.crash()
			m.check()
		})
	}
}

func TestIDsAreForgottenWithThePartition(t *testing.T) {
	m := reopened(t, 2, 1)
	m.load(keyFor(0))
	m.p.Reset()
	m.cached, m.windows = make(map[string]*Entity), make(map[string][]Point)
	for i := range 60 {
		m.observeKey(keyFor(5 - i%6)) // the ids are others than before
	}
	m.commit()
	evict := slices.Collect(maps.Values(m.cached))
	if err := m.p.Checkpoint(m.storedHead(), m.tail, evict); err != nil {
		t.Fatal(err)
	}
	clear(m.cached)
	m.check()
}

// TestIDsAreDroppedOnceTheyAreUsed: they take memory.
func TestIDsAreDroppedOnceTheyAreUsed(t *testing.T) {
	m := reopened(t, 3, 1)
	m.load(keyFor(0))
	if m.p.index.byKey == nil {
		t.Fatal("the ids are not read")
	}
	m.check()
	if m.p.index.byKey != nil {
		t.Error("all entities are cached, and their ids are kept")
	}

	m.crash()
	m.load(keyFor(0))
	for range indexLast {
		if m.p.index.byKey == nil {
			t.Fatal("the ids are dropped too early")
		}
		m.observeKey(keyFor(0))
		m.commit()
		if err := m.p.Checkpoint(m.storedHead(), m.tail, nil); err != nil {
			t.Fatal(err)
		}
	}
	if m.p.index.byKey != nil {
		t.Error("nobody asks for the entities, and their ids are kept")
	}
	m.check()
}

// TestDamagedIDIsFoundByALookUp: an entity whose id cannot be read is not a new one.
func TestDamagedIDIsFoundByALookUp(t *testing.T) {
	m := reopened(t, 4, 1)
	m.p.Close()
	change(t, m.store, entityKind, func(i int, value []byte) []byte {
		if i == 3 {
			return damaged(i, value)
		}
		return value
	})
	p, err := m.store.Partition("d", 0)
	if err != nil {
		t.Fatal(err)
	}
	m.p = p
	m.load(keyFor(0))
	if got := len(p.index.byKey); got != 4 {
		t.Fatalf("%d ids are read, want 4", got)
	}
	if _, _, _, err := p.Load(keyFor(3)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("the entity is loaded, with %v", err)
	}
	m.load(keyFor(4))
}
