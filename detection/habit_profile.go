package detection

import (
	"math"
	"math/bits"
	"slices"
)

const (
	dayBins     = 48 // half hours
	profileDays = 5
	cells       = dayBins * profileDays
)

// profile is what each half hour of the last days added to the level, on average. The half hour b of the day d, both counted
// from 1970, is in the cell b%48*5 + d%5. A cell says which of three cycles of five days it is of, d/5: the newest one of the profile, or one
// of the two before it. What is older is dropped. A few cells may be of a later cycle: the leads.
//
// A profile takes 2048 bytes, as much as the allocator gives for one of 2016.
type profile struct {
	means [cells]float64
	codes [dayBins]uint16 // of the cells of a half hour, 2 bits each: 0 if the cell is empty or a lead, else the cycle modulo 3, plus 1
}

// newProfile makes an empty profile. It writes to it before anything of it is read: if new memory is read first, the system maps a shared page of zeros, and
// replaces that at the first write.
func newProfile() *profile {
	p := new(profile)
	p.means[0] = 1 // any number: the cell's code says that it is empty
	return p
}

// leads are the cells of later cycles than the newest one. Most states have none after their first four hours.
type leads struct {
	cycles [mostLeads]int64
	cells  [mostLeads]uint8
}

// mostLeads is how many cells may be of a later cycle than the newest one. A record that is far ahead of its time makes one of them, and then the
// others stay known. If an eighth one comes and time has gone on, the earliest cycle of all eight becomes the newest one. Otherwise the lead that came
// before the others goes. The first half hours of a state are leads, too, so it does not matter which of them are far ahead.
const mostLeads = 7

// timeHasGoneOn tells whether leads are more than records with a wrong clock: they are the first half hours, or the last eight, or the last three of
// a state that knows hardly anything else. An entity with one record a day never knows more than five cells.
func (h *Habit) timeHasGoneOn() bool {
	m := &h.now
	return m.newest == 0 || m.row > mostLeads || m.row > 2 && h.profile.known() <= mostLeads
}

func (p *profile) code(cell int) uint8 {
	return uint8(p.codes[cell/profileDays] >> (cell % profileDays * 2) & 3)
}

func (p *profile) setCode(cell int, code uint8) {
	codes, shift := &p.codes[cell/profileDays], cell%profileDays*2
	*codes = *codes&^(3<<shift) | uint16(code)<<shift
}

// leadCells are the cells of the leads, in order.
func (h *Habit) leadCells() []uint8 {
	if h.now.leads == 0 {
		return nil
	}
	return h.leads.cells[:h.now.leads]
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

// enter begins a half hour. The point before, if there is one, was in another one.
func (h *Habit) enter(bin, before int64) {
	if h.now.count > 0 {
		h.store(before, bin, h.now.sum/float64(h.now.count))
	}
	h.now.sum, h.now.count = 0, 0
	h.season = h.seasonOf(bin)
}

// mostStrays is how many half hours in a row may be too old for the profile. Then time has gone back for good, and it starts anew.
const mostStrays = 48

// store stores a half hour that is over, before the next one.
func (h *Habit) store(bin, next int64, mean float64) {
	if math.IsInf(mean, 0) || math.IsNaN(mean) {
		return
	}
	if h.profile == nil {
		h.profile = newProfile()
	}
	m := &h.now
	date := bin / dayBins
	cycle, cell := date/profileDays, int(bin%dayBins*profileDays+date%profileDays)
	if cycle == m.newest+1 && next/dayBins/profileDays > m.newest {
		h.raise(cycle)
	}
	switch {
	case cycle > m.newest:
		m.strays = 0
		h.lead(cell, cycle, mean)
		return
	case cycle < m.newest-2:
		// The cell now belongs to a half hour that only records much too late ask for. It says nothing about leads, so their row goes on.
		h.unlead(cell)
		h.setCell(cell, 0, 0)
		if m.strays++; m.strays < mostStrays {
			return
		}
		h.clear(math.MaxInt64)
		m.newest = cycle
	}
	m.strays, m.row = 0, 0
	h.unlead(cell)
	h.setCell(cell, mean, codeOf(cycle))
}

// known is how many cells are not empty, leads aside.
func (p *profile) known() (n int) {
	for _, codes := range p.codes {
		n += bits.OnesCount16((codes | codes>>1) & allOf(1))
	}
	return n
}

// raise makes a cycle the newest one, and cells of the leads that are not later any more.
func (h *Habit) raise(cycle int64) {
	h.clear(cycle - 2)
	h.now.newest = cycle
	stay := 0
	for i, cell := range h.leadCells() {
		of := h.leads.cycles[i]
		if of <= cycle {
			h.setCell(int(cell), h.profile.means[cell], codeOf(of))
			continue
		}
		if i > stay {
			h.setLead(stay, int(cell), of)
		}
		stay++
	}
	h.now.leads = uint8(stay)
}

// lead stores a half hour of a later cycle.
func (h *Habit) lead(cell int, cycle int64, mean float64) {
	m := &h.now
	h.unlead(cell)
	m.row = min(m.row+1, mostLeads+1)
	if m.leads == mostLeads {
		if h.timeHasGoneOn() {
			h.raise(min(cycle, slices.Min(h.leads.cycles[:])))
			if cycle == m.newest {
				h.setCell(cell, mean, codeOf(cycle))
				return
			}
		} else { // the first one goes
			h.setCell(int(h.leads.cells[0]), 0, 0)
			h.removeLead(0)
		}
	}
	h.setCell(cell, mean, 0)
	m.leads++
	h.setLead(int(m.leads)-1, cell, cycle)
}

// unlead makes a cell none of the leads.
func (h *Habit) unlead(cell int) {
	for i, c := range h.leadCells() {
		if int(c) == cell {
			h.removeLead(i)
			return
		}
	}
}

func (h *Habit) removeLead(i int) {
	n := int(h.now.leads) - 1
	for ; i < n; i++ {
		h.setLead(i, int(h.leads.cells[i+1]), h.leads.cycles[i+1])
	}
	h.now.leads--
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
	if cell, all := h.wholeSeason(bin); all {
		return middleOf15((*[3 * profileDays]float64)(h.profile.means[cell:]))
	}
	var near [3 * profileDays]int64
	n := h.partOfSeason(bin, &near)
	if n == 0 {
		return 0
	}
	low, high := middles(near[:n])
	if n%2 == 1 {
		return unsorted(low)
	}
	return halfway(unsorted(low), unsorted(high))
}

// wholeSeason says whether a half hour and its neighbours were all stored on each of the last five days, and at which cell they begin. In a
// stream without gaps that is so nearly always, and the codes of the cells are known beforehand. So all are compared at once.
func (h *Habit) wholeSeason(bin int64) (first int, all bool) {
	date, of := bin/dayBins, int(bin%dayBins)
	if of == 0 || of == dayBins-1 || h.now.newest != date/profileDays {
		return 0, false
	}
	codes := (*[3]uint16)(h.profile.codes[of-1:]) // one by one, because the first one was often written just now, and is not in memory yet
	newest, before := allOf(codeOf(h.now.newest)), allOf(codeOf(h.now.newest+2))
	today := 2 * (date % profileDays)
	stored := before ^ (newest^before)&(4<<today-1) // of the half hour before, today is stored
	other := before ^ (newest^before)&(1<<today-1)
	return (of - 1) * profileDays, codes[0] == stored && codes[1] == other && codes[2] == other
}

// allOf are the codes of a half hour whose cells all have one code.
func allOf(code uint8) uint16 { return uint16(code) * 0b01_01_01_01_01 }

// partOfSeason finds what was stored of a half hour and its neighbours, and returns how many cells that are.
func (h *Habit) partOfSeason(bin int64, near *[3 * profileDays]int64) (n int) {
	for b := bin - 1; b <= bin+1; b++ {
		date, of := (b+dayBins)/dayBins-1, int((b+dayBins)%dayBins) // b may be -1
		for found := h.cellsOf(of, date); found != 0; found &= found - 1 {
			near[n] = sortable(h.profile.means[of*profileDays+bits.TrailingZeros16(found)/2])
			n++
		}
	}
	return n
}

// cellsOf has a bit for each cell of a half hour that is at most five days older than a day, in the place of the low bit of its code. Without leads, and
// on a day of the newest cycle, these are the cells of that cycle, and those of the cycle before it that are of the same day of a cycle, or of a later one.
// The day is -1 for the last half hour before 1970.
func (h *Habit) cellsOf(of int, date int64) (found uint16) {
	newest := h.now.newest
	if codes := h.profile.codes[of]; h.now.leads == 0 && date >= 0 && date/profileDays == newest {
		earlier := uint16(1)<<(2*(date%profileDays)) - 1
		return withCode(codes, codeOf(newest)) | withCode(codes, codeOf(newest+2))&^earlier
	}
	for slot := range profileDays {
		cell := of*profileDays + slot
		code := h.profile.code(cell)
		if code == 0 {
			if h.now.leads == 0 || !h.isLead(cell, date) {
				continue
			}
		} else if date-(newest*profileDays+int64(slot)-cyclesBehind(newest%3, code)*profileDays) > profileDays {
			continue
		}
		found |= 1 << (2 * slot)
	}
	return found
}

// withCode is a bit for each of some codes that is equal to one, as in cellsOf.
func withCode(codes uint16, code uint8) uint16 {
	other := codes ^ allOf(code)
	return allOf(1) &^ (other | other>>1)
}

// isLead says whether a cell is one of the leads, and not too old on a day.
func (h *Habit) isLead(cell int, date int64) bool {
	for i, c := range h.leadCells() {
		if int(c) == cell {
			return date-(h.leads.cycles[i]*profileDays+int64(cell%profileDays)) <= profileDays
		}
	}
	return false
}
