package detection

import "math"

const (
	dayBins     = 48 // half hours
	profileDays = 5
	cells       = dayBins * profileDays
)

// profile is what each half hour of the last days added to the level, on average. The half hour b of the day d, both counted
// from 1970, is in the cell b%48*5 + d%5. A cell says which of three cycles of five days it is of, d/5: the newest one in the profile, or one
// of the two before it. What is older is dropped.
type profile struct {
	means  [cells]float64
	cycles [cells / 4]byte // 2 bits each: 0 if the cell is empty, else the cycle modulo 3, plus 1
}

func (p *profile) code(cell int) uint8 { return p.cycles[cell/4] >> (cell % 4 * 2) & 3 }

func (p *profile) setCode(cell int, code uint8) {
	shift := cell % 4 * 2
	p.cycles[cell/4] = p.cycles[cell/4]&^(3<<shift) | code<<shift
}

// codeOf is the code of a cycle.
func codeOf(cycle int64) uint8 { return uint8(cycle%3) + 1 }

// cyclesBehind is how many cycles a code is behind the newest one, of which the remainder is given.
func cyclesBehind(newest int64, code uint8) int64 {
	behind := newest + 1 - int64(code)
	if behind < 0 {
		behind += 3
	}
	return behind
}

// add adds to the half hour. Only values near the largest number make a difference that is not finite.
func (m *moment) add(x float64) {
	if !math.IsInf(x, 0) && !math.IsNaN(x) {
		m.sum += x
		m.count++
	}
}

// enter begins a half hour if the point before was in another one.
func (h *Habit) enter(bin, before int64) {
	if bin == before && h.now.born {
		return
	}
	if h.now.born && h.now.count > 0 {
		h.store(before, h.now.sum/float64(h.now.count))
	}
	h.now.born, h.now.sum, h.now.count = true, 0, 0
	h.season = h.seasonOf(bin)
}

// mostStrays is how many half hours in a row may be too old for the profile. Then time has gone back for good, and it starts anew.
const mostStrays = 48

// store stores a half hour that is over.
func (h *Habit) store(bin int64, mean float64) {
	if math.IsInf(mean, 0) || math.IsNaN(mean) {
		return
	}
	if h.profile == nil {
		h.profile = new(profile)
	}
	date := bin / dayBins
	cycle, cell := date/profileDays, int(bin%dayBins*profileDays+date%profileDays)
	if cycle < h.now.newest-2 {
		if h.now.strays++; h.now.strays < mostStrays {
			return
		}
		h.clear(math.MaxInt64)
		h.now.newest = cycle
	}
	h.now.strays = 0
	if cycle > h.now.newest {
		h.clear(cycle - 2)
		h.now.newest = cycle
	}
	h.setCell(cell, mean, codeOf(cycle))
}

// clear empties the cells of cycles before one.
func (h *Habit) clear(before int64) {
	for cell := range cells {
		if code := h.profile.code(cell); code != 0 && h.now.newest-cyclesBehind(h.now.newest%3, code) < before {
			h.setCell(cell, h.profile.means[cell], 0)
		}
	}
}

// seasonOf is the median of what the half hour and its neighbours added to the level.
func (h *Habit) seasonOf(bin int64) float64 {
	if h.profile == nil {
		return 0
	}
	var near [3 * profileDays]int64 // sorted
	n, newest, of := 0, h.now.newest*profileDays, h.now.newest%3
	for b := bin - 1; b <= bin+1; b++ {
		date := (b+dayBins)/dayBins - 1 // b may be -1
		cell := int((b+dayBins)%dayBins) * profileDays
		for slot := range profileDays {
			code := h.profile.code(cell + slot)
			if code == 0 {
				continue
			}
			if date-(newest+int64(slot)-cyclesBehind(of, code)*profileDays) > profileDays {
				continue
			}
			// The values are in no order, and the processor would guess half of the comparisons wrong. Those of whole numbers need no branch.
			x := sortable(h.profile.means[cell+slot])
			for i, y := range near[:n] {
				near[i], x = min(x, y), max(x, y)
			}
			near[n] = x
			n++
		}
	}
	switch {
	case n == 0:
		return 0
	case n%2 == 1:
		return unsorted(near[n/2])
	}
	return halfway(unsorted(near[n/2-1]), unsorted(near[n/2]))
}

// sortable is a whole number for each float64 that is no NaN, in their order.
func sortable(x float64) int64 { return flipped(int64(math.Float64bits(x))) }

func unsorted(x int64) float64 { return math.Float64frombits(uint64(flipped(x))) }

// flipped turns the order of negative numbers around.
func flipped(x int64) int64 { return x ^ x>>63&math.MaxInt64 }
