package detection

import (
	"math/rand/v2"
	"testing"
)

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

// TestCellsOfAreThoseOfTheLastFiveDays compares with the date of each cell, for all codes of a half hour.
func TestCellsOfAreThoseOfTheLastFiveDays(t *testing.T) {
	const of = 7
	for newest := int64(2000); newest < 2003; newest++ { // each remainder of three
		h := Habit{profile: new(profile)}
		h.now.newest = newest
		for codes := range uint16(1 << (2 * profileDays)) {
			h.profile.codes[of] = codes
			for date := (newest - 1) * profileDays; date < (newest+2)*profileDays; date++ {
				want := uint16(0)
				for slot := range int64(profileDays) {
					for cycle := newest - 2; cycle <= newest; cycle++ {
						stored := h.profile.code(of*profileDays+int(slot)) == codeOf(cycle)
						if stored && date-(cycle*profileDays+slot) <= profileDays {
							want |= 1 << (2 * slot)
						}
					}
				}
				if got := h.cellsOf(of, date); got != want {
					t.Fatalf("cycle %d, codes %010b, day %d: cells %010b, want %010b", newest, codes, date-newest*profileDays, got, want)
				}
			}
		}
	}
}
