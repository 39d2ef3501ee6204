package detection

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestOrderIsThatOfASort has epochs of one point to thousands, so that the ring grows and discards points. Some levels have more points
// than one byte can tell apart.
func TestOrderIsThatOfASort(t *testing.T) {
	wide := 0
	for seed := range uint64(16) {
		s := anyStream(seed * 2)
		rules := s.rules()
		r := rand.New(rand.NewPCG(seed, 26))
		most := []int{1, 30, 300, 3000}[seed%4]
		var h Habit
		for i, e := range s.entries {
			epoch := uint64(i / most)
			h.Observe(rules, epoch, e.at, e.value)
			if r.IntN(500) == 0 {
				h.Rollback(epoch)
			}
			var sorted order
			sorted.set(h.arrivals(), h.order.len())
			for rank := range sorted.len() {
				if h.order.at(rank) != sorted.at(rank) {
					t.Fatalf("%s, epochs of %d points, point %d: the order is %v, sorted %v", s.name, most, i, h.order, sorted)
				}
			}
			if h.order.wide > 0 {
				wide++
			}
		}
	}
	if wide == 0 {
		t.Error("no number had two bytes")
	}
}

// TestOrderOfManyPointsIsThatOfASort has numbers of each width, and numbers that begin anew with 0.
func TestOrderOfManyPointsIsThatOfASort(t *testing.T) {
	for _, c := range []struct {
		points int
		bytes  int // of a number
	}{{1, 1}, {255, 1}, {256, 1}, {257, 2}, {1 << 16, 2}, {1<<16 + 1, 4}} {
		for _, first := range []uint32{0, 1<<8 - 3, 1<<16 - 3, math.MaxUint32 - 3} {
			r := rand.New(rand.NewPCG(uint64(c.points), uint64(first)))
			level := arrivals{make([]float64, c.points+3), r.IntN(c.points)}
			for i := range level.ring {
				level.ring[i] = float64(r.IntN(1 + c.points/2)) // some are equal
			}
			got := order{first: first}
			got.set(level, c.points)
			for range 7 {
				got.remove(level)
				level.start = (level.start + 1) % len(level.ring)
				got.insert(level)
			}
			if len(got.numbers) != c.points*c.bytes {
				t.Errorf("the numbers of %d points take %d bytes, want %d each", c.points, len(got.numbers), c.bytes)
			}
			var sorted order
			sorted.set(level, c.points)
			for rank := range c.points {
				if got.at(rank) != sorted.at(rank) {
					t.Fatalf("%d points from number %d on: rank %d is point %d, sorted %d", c.points, first, rank, got.at(rank), sorted.at(rank))
				}
			}
		}
	}
}

// TestSeasonAfterAGapOfDaysIsNotWhole: its cells have the codes of a whole one, of a cycle that is over.
func TestSeasonAfterAGapOfDaysIsNotWhole(t *testing.T) {
	rules := usualHabit()
	for days := range int64(14) {
		var h Habit
		at := int64(40*365*day + day/4)
		for end := at + (6+days)*day; at < end; at += quarter {
			h.Observe(&rules, uint64(at/day), at, 1)
		}
		at += 5 * day
		h.Observe(&rules, uint64(at/day), at, 1)
		var near [3 * profileDays]int64
		n := h.partOfSeason(at/halfHour, &near)
		if _, all := h.wholeSeason(at / halfHour); all || n == len(near) {
			t.Errorf("after %d days and a gap of five, %d cells are known; all of them: %v", 6+days, n, all)
		}
	}
}

// TestWholeSeasonIsWhatALookAtEachCellFinds: in a stream without gaps most half hours are whole, and then no cell need be looked at.
func TestWholeSeasonIsWhatALookAtEachCellFinds(t *testing.T) {
	for _, c := range []struct {
		name        string
		gaps, late  int // one of how many points is missing, or late
		least, most float64
	}{{"no gaps", 0, 0, 0.9, 0.97}, {"gaps", 10, 0, 0.2, 0.9}, {"gaps and late records", 50, 200, 0.2, 0.95}} {
		r := rand.New(rand.NewPCG(9, 2))
		rules := usualHabit()
		var h Habit
		whole, parts := 0, 0
		for i := range int64(96 * 40) {
			at := 40*365*day + i*quarter
			if c.gaps > 0 && r.IntN(c.gaps) == 0 {
				continue
			}
			if c.late > 0 && r.IntN(c.late) == 0 {
				at -= r.Int64N(2 * day)
			}
			h.Observe(&rules, uint64(i/30), at, r.Float64())
			if i < 96*6 {
				continue
			}
			var near [3 * profileDays]int64
			n := h.partOfSeason(at/halfHour, &near)
			cell, all := h.wholeSeason(at / halfHour)
			if !all {
				parts++
				continue
			}
			whole++
			if n != len(near) {
				t.Fatalf("%s, point %d: all half hours are said to be stored, and %d are", c.name, i, n)
			}
			for j, x := range near {
				if mean := h.profile.means[cell+j]; mean != unsorted(x) {
					t.Fatalf("%s, point %d: half hour %d is %v, want %v", c.name, i, j, mean, unsorted(x))
				}
			}
		}
		if part := float64(whole) / float64(whole+parts); part < c.least || part > c.most {
			t.Errorf("%s: %.2f of the seasons are whole, want %v to %v", c.name, part, c.least, c.most)
		}
	}
}
