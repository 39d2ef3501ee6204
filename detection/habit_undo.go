package detection

import (
	"math"
	"slices"
)

// An epoch is rolled back by three things: the ring keeps the points that were dropped, was is a copy of the moment, and undo has what was in each
// cell that was changed, in order. Most epochs have one point of an entity, which changes two or three cells, and at the begin of a day
// three more. An epoch of any length needs at most one change for each cell: those of a residual are noted once, and if there are many, the others
// are left out.
// An epoch that began with an empty state notes nothing.

// The cells of a state, by number.
const (
	profileCell = 0
	recentCell  = profileCell + cells
	whenCell    = recentCell + habitMean
	leadCell    = whenCell + habitMean
	dayCell     = leadCell + mostLeads // three of each day
	allCells    = dayCell + 3*mostTops

	mostChanges = 2 * allCells
	usualRoom   = 6
)

// change is what was in a cell.
type change struct {
	value float64 // of a time, a date or a cycle the bits
	cell  uint16
	code  uint8 // of a cell of the profile; of a lead, its cell
}

// begin begins an epoch, if it is a new one.
func (h *Habit) begin(epoch uint64) {
	if epoch == h.points.epoch {
		return
	}
	h.points.begin(epoch)
	h.now.noted = 0
	h.was = h.now
	if cap(h.undo) > max(4*usualRoom, 4*len(h.undo)) {
		h.undo = nil
	}
	h.undo = h.undo[:0]
}

// note notes what is in a cell before it is changed.
func (h *Habit) note(c change) {
	if h.points.committed == 0 {
		return
	}
	if h.undo == nil {
		h.undo = make([]change, 0, usualRoom)
	}
	if h.undo = append(h.undo, c); len(h.undo) == mostChanges {
		var seen [allCells]bool
		h.undo = slices.DeleteFunc(h.undo, func(c change) bool {
			was := seen[c.cell]
			seen[c.cell] = true
			return was
		})
	}
}

// setResidual changes a residual and its time. The next call is for the next place in the ring, so after one round all are noted.
func (h *Habit) setResidual(i int, at int64, value float64) {
	if h.now.noted < habitMean {
		h.now.noted++
		h.note(change{value: h.recent[i], cell: uint16(recentCell + i)})
		h.note(change{value: bitsOf(h.when[i]), cell: uint16(whenCell + i)})
	}
	h.recent[i], h.when[i] = value, at
}

// bitsOf puts a whole number into a change, and wholeOf takes it out.
func bitsOf(x int64) float64  { return math.Float64frombits(uint64(x)) }
func wholeOf(x float64) int64 { return int64(math.Float64bits(x)) }

// setLead changes a lead.
func (h *Habit) setLead(i, cell int, cycle int64) {
	if h.leads == nil {
		h.leads = new(leads)
	}
	l := h.leads
	h.note(change{bitsOf(l.cycles[i]), uint16(leadCell + i), l.cells[i]})
	l.cycles[i], l.cells[i] = cycle, uint8(cell)
}

// setCell changes a cell of the profile.
func (h *Habit) setCell(cell int, mean float64, code uint8) {
	h.note(change{h.profile.means[cell], uint16(profileCell + cell), h.profile.code(cell)})
	h.profile.means[cell] = mean
	h.profile.setCode(cell, code)
}

// setDay changes a day.
func (h *Habit) setDay(i int, d dayTop) {
	was, cell := &h.days[i], uint16(dayCell+3*i)
	h.note(change{value: was.one, cell: cell})
	h.note(change{value: was.many, cell: cell + 1})
	h.note(change{value: bitsOf(was.date), cell: cell + 2})
	*was = d
}

// Rollback makes the state what it was before the first change in the epoch. It does nothing unless the epoch was the last to change
// it.
func (h *Habit) Rollback(epoch uint64) {
	if !h.points.rollback(epoch) {
		return
	}
	h.now = h.was
	if h.points.committed == 0 && h.profile != nil {
		clear(h.profile.codes[:])
	}
	for _, c := range slices.Backward(h.undo) {
		switch i := int(c.cell); {
		case i < recentCell:
			h.profile.means[i] = c.value
			h.profile.setCode(i, c.code)
		case i < whenCell:
			h.recent[i-recentCell] = c.value
		case i < leadCell:
			h.when[i-whenCell] = wholeOf(c.value)
		case i < dayCell:
			h.leads.cycles[i-leadCell], h.leads.cells[i-leadCell] = wholeOf(c.value), c.code
		default:
			d := &h.days[(i-dayCell)/3]
			switch (i - dayCell) % 3 {
			case 0:
				d.one = c.value
			case 1:
				d.many = c.value
			default:
				d.date = wholeOf(c.value)
			}
		}
	}
	h.undo = h.undo[:0]
	h.derive()
}

// derive finds what follows from the rest.
func (h *Habit) derive() {
	h.median.forget()
	h.one, h.many = h.usual()
	h.season = 0
	if at, ok := h.Last(); ok {
		h.season = h.seasonOf(at / halfHour)
	}
}
