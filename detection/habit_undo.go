package detection

import "slices"

// An epoch is rolled back by three things: the ring keeps the points that were dropped, was is a copy of the moment, and undo has what was in each
// cell that was changed, in order. Most epochs have one point of an entity, which changes one or two cells, and at the begin of a day
// two more. An epoch of any length needs at most one change for each cell: those of a residual are noted once, and if there are many, the others
// are left out.
// An epoch that began with an empty state notes nothing.

// The cells of a state, by number.
const (
	profileCell = 0
	recentCell  = profileCell + cells
	leadCell    = recentCell + habitMean
	dayCell     = leadCell + mostLeads // two of each day
	allCells    = dayCell + 2*mostTops

	mostChanges = 2 * allCells
	usualRoom   = 4
)

// change is what was in a cell.
type change struct {
	value float64
	whole int64 // the time of a residual, the cycle of a lead, or the date of a day
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
	if h.now.leads == 0 {
		h.leads = nil
	}
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

// setResidual changes a residual. The next call is for the next place in the ring, so after one round all are noted.
func (h *Habit) setResidual(i int, r residual) {
	if h.now.noted < habitMean {
		h.now.noted++
		was := &h.recent[i]
		h.note(change{value: was.value, whole: was.at, cell: uint16(recentCell + i)})
	}
	h.recent[i] = r
}

// setLead changes a lead.
func (h *Habit) setLead(i, cell int, cycle int64) {
	if h.leads == nil {
		h.leads = new(leads)
	}
	l := h.leads
	h.note(change{whole: l.cycles[i], cell: uint16(leadCell + i), code: l.cells[i]})
	l.cycles[i], l.cells[i] = cycle, uint8(cell)
}

// setCell changes a cell of the profile.
func (h *Habit) setCell(cell int, mean float64, code uint8) {
	h.note(change{value: h.profile.means[cell], cell: uint16(profileCell + cell), code: h.profile.code(cell)})
	h.profile.means[cell] = mean
	h.profile.setCode(cell, code)
}

// setDay changes a day.
func (h *Habit) setDay(i int, d dayTop) {
	was, cell := &h.days[i], uint16(dayCell+2*i)
	h.note(change{value: was.one, whole: was.date, cell: cell})
	h.note(change{value: was.many, cell: cell + 1})
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
		case i < leadCell:
			h.recent[i-recentCell] = residual{c.whole, c.value}
		case i < dayCell:
			h.leads.cycles[i-leadCell], h.leads.cells[i-leadCell] = c.whole, c.code
		case (i-dayCell)%2 == 0:
			d := &h.days[(i-dayCell)/2]
			d.one, d.date = c.value, c.whole
		default:
			h.days[(i-dayCell)/2].many = c.value
		}
	}
	h.undo = h.undo[:0]
	h.derive()
}

// derive finds what follows from the rest.
func (h *Habit) derive() {
	h.median.forget()
	h.sum.forget()
	h.one, h.many = h.usual()
	h.season = 0
	if at, ok := h.Last(); ok {
		h.season = h.seasonOf(at / halfHour)
	}
}
