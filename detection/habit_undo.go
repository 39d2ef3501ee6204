package detection

import "slices"

// An epoch is rolled back by three things: the ring keeps the points that were dropped, was is a copy of the moment, and undo has what was in each
// cell that was changed, in order. Most epochs have one point of an entity, which changes two or three cells, and at the begin of a day
// three more. An epoch of any length needs at most one change for each cell: if there are many, the others are left out.
// An epoch that began with an empty state notes nothing.

// The cells of a state, by number.
const (
	profileCell = 0
	recentCell  = profileCell + cells
	whenCell    = recentCell + habitMean
	laterCell   = whenCell + habitMean
	leadCell    = laterCell + mostLeads
	dayCell     = leadCell + mostLeads // three of each day
	allCells    = dayCell + 3*mostTops

	mostChanges = 2 * allCells
	usualRoom   = 6

	codeShift = 14 // in a change's cell
)

// change is what was in a cell, in 8 bytes.
type change struct {
	was  word
	cell uint16 // its number and, of a cell of the profile, above it the code
}

// begin begins an epoch, if it is a new one.
func (h *Habit) begin(epoch uint64) {
	if epoch == h.points.epoch {
		return
	}
	h.points.begin(epoch)
	h.was = h.now
	if h.undo = h.undo[:0]; cap(h.undo) > 4*usualRoom {
		h.undo = nil
	}
	if h.now.leads == 0 {
		h.ahead = nil
	}
}

// note notes what is in a cell before it is changed.
func (h *Habit) note(c change) {
	if !h.was.born {
		return
	}
	if h.undo == nil {
		h.undo = make([]change, 0, usualRoom)
	}
	if h.undo = append(h.undo, c); len(h.undo) == mostChanges {
		var seen [allCells]bool
		h.undo = slices.DeleteFunc(h.undo, func(c change) bool {
			cell := c.cell & (1<<codeShift - 1)
			was := seen[cell]
			seen[cell] = true
			return was
		})
	}
}

// set changes a cell of a number.
func (h *Habit) set(cell int, to *word, value word) {
	h.note(change{*to, uint16(cell)})
	*to = value
}

// setResidual changes a residual and its time.
func (h *Habit) setResidual(i int, at int64, value word) {
	h.set(recentCell+i, h.profile.recent.word(i), value)
	h.set(whenCell+i, &h.profile.when[i], wholeWord(at))
}

// setLead changes a lead.
func (h *Habit) setLead(i int, cell uint8, cycle word) {
	l := h.ahead
	h.note(change{wholeWord(int64(l.cell[i])), uint16(leadCell + i)})
	l.cell[i] = cell
	h.set(laterCell+i, &l.later[i], cycle)
}

// setCell changes a cell of the profile.
func (h *Habit) setCell(cell int, mean word, code uint8) {
	p := h.profile
	h.note(change{p.means[cell], uint16(profileCell+cell) | uint16(p.code(cell))<<codeShift})
	p.means[cell] = mean
	p.setCode(cell, code)
}

// setDay changes a day.
func (h *Habit) setDay(i int, d dayTop) {
	to, cell := &h.days[i], dayCell+3*i
	h.set(cell, &to.one, d.one)
	h.set(cell+1, &to.many, d.many)
	h.set(cell+2, &to.date, d.date)
}

// Rollback makes the state what it was before the first change in the epoch. It does nothing unless the epoch was the last to change
// it.
func (h *Habit) Rollback(epoch uint64) {
	if !h.points.rollback(epoch) {
		return
	}
	h.now = h.was
	if !h.was.born && h.profile != nil {
		clear(h.profile.cycles[:])
	}
	for _, c := range slices.Backward(h.undo) {
		switch i := int(c.cell & (1<<codeShift - 1)); {
		case i < recentCell:
			h.profile.means[i] = c.was
			h.profile.setCode(i, uint8(c.cell>>codeShift))
		case i < whenCell:
			*h.profile.recent.word(i - recentCell) = c.was
		case i < laterCell:
			h.profile.when[i-whenCell] = c.was
		case i < leadCell:
			h.ahead.later[i-laterCell] = c.was
		case i < dayCell:
			h.ahead.cell[i-leadCell] = uint8(c.was.whole())
		default:
			d := &h.days[(i-dayCell)/3]
			*[...]*word{&d.one, &d.many, &d.date}[(i-dayCell)%3] = c.was
		}
	}
	h.undo = h.undo[:0]
	h.derive()
}

// derive finds what follows from the rest.
func (h *Habit) derive() {
	h.reorder()
	h.one, h.many = h.usual()
	h.season = 0
	if at, ok := h.Last(); ok {
		h.season = h.seasonOf(at / halfHour)
	}
}
