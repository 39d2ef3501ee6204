package persistence

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestRunsYieldWhatTheyWereMadeOf(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 15))
	var room []byte
	for range 2000 {
		ids, counts := make([]uint32, r.IntN(100)), []uint16(nil)
		for i := range ids {
			ids[i] = uint32(i)
		}
		if r.IntN(2) == 0 {
			r.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
		}
		base := []uint32{0, 1 << 20, 1<<32 - 200}[r.IntN(3)]
		ids = slices.DeleteFunc(ids, func(uint32) bool { return r.IntN(10) == 0 })
		for i := range ids {
			ids[i] += base
			counts = append(counts, uint16(1+r.IntN(2)*r.IntN(2)*r.IntN(32_000)))
		}
		var x runs
		x, room = newRuns(room, ids, counts)
		i := 0
		for id, points := range x.all() {
			if id != ids[i] || points != uint32(counts[i]) {
				t.Fatalf("entity %d has %d points, want %d with %d", id, points, ids[i], counts[i])
			}
			i++
		}
		if i != len(ids) {
			t.Fatalf("%d entities, want %d", i, len(ids))
		}
	}
}

// The journal of a partition has up to 400 points an entity, so each byte counts.
func TestRunsOfAnOrderlyBinTakeLittle(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 16))
	var ids []uint32
	var counts []uint16
	for id := range uint32(30_000) {
		if r.IntN(20) > 0 { // the others sent nothing
			ids, counts = append(ids, id), append(counts, 1)
		}
	}
	if x, _ := newRuns(nil, ids, counts); 5*cap(x) > len(ids) {
		t.Errorf("%d bytes for %d entities, want at most a fifth", cap(x), len(ids))
	}
	r.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	if x, _ := newRuns(nil, ids, counts); cap(x) > 6*len(ids) {
		t.Errorf("%d bytes for %d entities in no order, want at most 6 each", cap(x), len(ids))
	}
}
