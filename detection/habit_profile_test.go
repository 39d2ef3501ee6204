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

// TestCellsOfAreThoseOfTheLastFiveDays looks at the date of each cell, for all codes of a half hour.
func TestCellsOfAreThoseOfTheLastFiveDays(t *testing.T) {
	const of, ahead = 7, 2                                      // a lead is in the place of the third day of the next cycle
	for _, newest := range []int64{0, 1, 2, 2000, 2001, 2002} { // each remainder of three
		for known := range uint8(2) {
			var h Habit
			h.profile = new(profile)
			h.now.newest, h.now.leads = newest, known
			h.leads = &leads{cycles: [mostLeads]int64{newest + 1}, cells: [mostLeads]uint8{of*profileDays + ahead}}
			for codes := range uint16(1 << (2 * profileDays)) {
				h.profile.codes[of] = codes
				for date := max(-1, (newest-1)*profileDays); date < (newest+3)*profileDays; date++ {
					want := uint16(0)
					for slot := range int64(profileDays) {
						code, cycle := h.profile.code(of*profileDays+int(slot)), newest
						switch {
						case code == 0 && (known == 0 || slot != ahead):
							continue
						case code == 0:
							cycle = newest + 1
						default:
							for uint8((cycle+3)%3)+1 != code {
								cycle--
							}
						}
						if date-(cycle*profileDays+slot) <= profileDays {
							want |= 1 << (2 * slot)
						}
					}
					if got := h.cellsOf(of, date); got != want {
						t.Fatalf("cycle %d, %d leads, codes %010b, day %d: cells %010b, want %010b", newest, known, codes, date, got, want)
					}
				}
			}
		}
	}
}

// TestFirstHalfHourOf1970HasANeighbourBeforeIt: a device without a clock starts there after each loss of power.
func TestFirstHalfHourOf1970HasANeighbourBeforeIt(t *testing.T) {
	rules := usualHabit()
	var h Habit
	for i, minute := range []int64{40, 10, 0, 30, 60, 0} {
		at := minute * 60_000
		h.PrefetchPoints(at)
		h.Add(&rules, uint64(i), at, float64(i))
	}
	// The first half hour added (1 + 1.5)/2 to the level, and the second one, when its time came again, 2.
	if h.season != (1.25+2)/2 {
		t.Errorf("the season is %v, want 1.625", h.season)
	}
}
