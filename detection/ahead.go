package detection

// A caller that will soon add points to many windows may read their memory ahead. Reads of several windows do not wait for each
// other. The results mean nothing: they only keep the compiler from leaving the reads out.

// ReadAhead reads the memory of the window itself.
func (w *Window) ReadAhead() int { return w.points.len() + number(w.screen.drawn) }

// ReadPointsAhead reads the memory of the points that the next Add drops and appends. In a full window they are neighbours. It is
// for a window that ReadAhead has read.
func (w *Window) ReadPointsAhead() int64 {
	r := &w.points
	if r.len() == 0 {
		return 0
	}
	head, free := r.at(0), r.slot(int(r.held)) // in a full buffer, free is the first slot
	return head.at + int64(number(head.value > 0)) + int64(number(r.part(free) > 0)+number(r.words[free] > 0))
}

// ReadAhead reads the memory of the state itself.
func (h *Habit) ReadAhead() int {
	return h.points.len() + h.order.len() + int(h.now.count) + int(h.was.count) + len(h.undo) + len(h.days) + number(h.profile != nil)
}

// ReadPartsAhead reads what the state refers to, as far as the next Add at that time needs it. It is for a state that ReadAhead has read.
func (h *Habit) ReadPartsAhead(at int64) (sum int64) {
	r := &h.points
	if r.len() == 0 {
		return 0
	}
	leaves := min(r.gone+h.now.fresh, r.held-1)
	free := r.slot(int(r.held)) % len(r.words)
	sum = int64(number(r.words[free] > 0)) + r.time(int(leaves), r.slot(int(leaves)))
	if n := len(h.order.slots); n > 0 {
		sum += int64(h.order.slots[0]) + int64(h.order.slots[n/2]) + int64(h.order.slots[n-1])
	}
	if p := h.profile; p != nil {
		next := int(h.now.next)
		cell := int(at / halfHour % dayBins * profileDays)
		sum += int64(p.recent[0]) + int64(p.recent[len(p.recent)/2]) + int64(p.recent[len(p.recent)-1]) + int64(p.when[next][0]) + int64(p.when[h.oldest()][0])
		sum += int64(p.cycles[cell/4]) + int64(p.means[max(cell-profileDays, 0)][0]) + int64(p.means[min(cell+2*profileDays, cells)-1][0])
	}
	return sum
}

// ReadLevelAhead reads the values of the level that a search for a place begins with. It is for a state of which ReadPartsAhead has read the
// parts.
func (h *Habit) ReadLevelAhead() (sum int64) {
	n := h.order.len()
	for part := 1; part < 8 && n >= 8; part++ {
		sum += int64(number(h.points.words[h.order.at(part*n/8)] > 0))
	}
	return sum
}
