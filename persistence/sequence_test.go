package persistence

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dgraph-io/badger/v4"
)

// TestChunksReadInSequenceAreThoseOfTheEntity holds in any order of the entities: mostly the next
// one, sometimes one that has no chunk, the same one again, one before, and after a failure.
func TestChunksReadInSequenceAreThoseOfTheEntity(t *testing.T) {
	const slot, ids = 3, 24
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 21))
		store := openState(t, quickDir(t), Options{})
		stored := make([][]uint32, ids)
		err := store.update(func(u *update) error {
			for id := range uint32(ids) {
				for start := uint32(r.IntN(40)); r.IntN(4) > 0; start += 1 + uint32(r.IntN(3)) {
					stored[id] = append(stored[id], start)
					if err := u.set(chunkKey(slot, id, start), encodeChunk(1, []Point{{1, float64(id)}}, nil)); err != nil {
						return err
					}
				}
			}
			// Neighbours of the slot.
			return errors.Join(u.set(chunkKey(slot-1, ids-1, 7), encodeChunk(1, nil, nil)), u.set(chunkKey(slot+1, 0, 7), encodeChunk(1, nil, nil)))
		})
		if err != nil {
			t.Fatal(err)
		}
		v := newView(store, store.db.NewTransaction(false), slot, false)
		id := uint32(0)
		for range 400 {
			var found []uint32
			failure, left := error(nil), r.IntN(10)
			err := v.chunks.eachOf(slot, id, func(item *badger.Item) error {
				found = append(found, order.Uint32(item.Key()[9:]))
				if left--; left < 0 {
					failure = errors.New("a damaged chunk")
				}
				return failure
			})
			if !errors.Is(err, failure) || failure == nil && !slices.Equal(found, stored[id]) {
				t.Fatalf("seed %d: entity %d has the chunks %v (%v), want %v", seed, id, found, err, stored[id])
			}
			switch r.IntN(8) {
			case 0:
				id = uint32(r.IntN(ids + 2))
			case 1:
			case 2:
				id += 2
			default:
				id++
			}
			if id >= ids {
				id = 0
			}
		}
		v.end()
	}
}
