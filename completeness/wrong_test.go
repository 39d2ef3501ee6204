package completeness

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// tame makes a stream of ordinary records, which jumps a few times if it may.
func tame(dice *rand.Rand, length, entities int, jumps bool) (stream []record) {
	now := today
	for range length {
		now += dice.Int64N(quarterMs)
		if jumps && dice.IntN(100) == 0 {
			now += dice.Int64N(60*dayMs) - 30*dayMs
		}
		stream = append(stream, record{dice.IntN(entities), now - dice.Int64N(quarterMs)})
	}
	return stream
}

// newest is the greatest time of a stream.
func newest(stream []record) (at int64) {
	for _, r := range stream {
		at = max(at, r.at)
	}
	return at
}

// TestOneWrongTimestampMovesNoStreamTime: stream time is at each moment what it would be without that record, however
// often an aborted transaction brings it again.
func TestOneWrongTimestampMovesNoStreamTime(t *testing.T) {
	for seed := range uint64(500) {
		dice := rand.New(rand.NewPCG(seed, 3))
		entities := 3 + dice.IntN(20)
		stream := tame(dice, 100, entities, false)
		wrong, at := runLength+dice.IntN(len(stream)-runLength), wrongTime(dice)
		with, without := newClocked(entities), newClocked(entities)
		for offset, r := range stream {
			if offset == wrong {
				for range 1 + dice.IntN(20) {
					with.see(at, r.entity)
				}
			}
			with.see(r.at, r.entity)
			without.see(r.at, r.entity)
			if with.StreamTime() != without.StreamTime() {
				t.Fatalf("seed %d, offset %d: stream time is %d, and %d without a record of %d at offset %d",
					seed, offset, with.StreamTime(), without.StreamTime(), at, wrong)
			}
		}
		if last := newest(stream); with.StreamTime() != last {
			t.Fatalf("seed %d: stream time is %d, want %d", seed, with.StreamTime(), last)
		}
	}
}

// TestWrongTimestampWhileTheStreamJumps: one in the run that moves stream time, or among the first records, never
// makes it greater than all others say, and no longer counts after two runs.
func TestWrongTimestampWhileTheStreamJumps(t *testing.T) {
	for seed := range uint64(500) {
		dice := rand.New(rand.NewPCG(seed, 4))
		entities := 3 + dice.IntN(20)
		stream := tame(dice, 200, entities, true)
		end := tame(dice, 100, entities, false)
		for offset := range end {
			end[offset].at += newest(stream) - today + 2*dayMs
		}
		right := slices.Concat(stream, end)
		wrong, at := dice.IntN(len(stream)), wrongTime(dice)
		c := newClocked(entities)
		for offset, r := range right {
			if offset == wrong {
				c.see(at, r.entity)
			}
			c.see(r.at, r.entity)
			if most := newest(right[:offset+1]); c.StreamTime() > most {
				t.Fatalf("seed %d, offset %d: stream time is %d, but no record says more than %d", seed, offset, c.StreamTime(), most)
			}
		}
		if last := newest(end); c.StreamTime() != last || !c.mayDrop() {
			t.Fatalf("seed %d: stream time is %d, want %d; settled: %t", seed, c.StreamTime(), last, c.mayDrop())
		}
	}
}

// wrongTime is more than a year off.
func wrongTime(dice *rand.Rand) int64 {
	at := today - 400*dayMs - dice.Int64N(today-400*dayMs)
	if dice.IntN(2) == 0 {
		at = today + 400*dayMs + dice.Int64N(10*decade)
	}
	return at
}
