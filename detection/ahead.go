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
	head, free := r.slot(int(r.gone)), r.slot(int(r.held)) // in a full buffer, free is the first slot
	return r.readAhead(head, free)
}

// readAhead reads the memory of a value that is dropped, and of a slot that is written. If all slots have the same part, put does not
// read one.
func (r *ring) readAhead(dropped, free int) int64 {
	sum := number(r.words[dropped] > 0) + number(r.words[free] > 0)
	if r.run < r.count {
		sum += number(r.part(free) > 0)
	}
	return int64(sum)
}

// ReadAhead reads the memory of the state itself.
func (h *Habit) ReadAhead() int64 {
	const perLine = 8 // numbers of 8 bytes
	sum := int64(h.points.held) + h.now.day + int64(h.median.n) + int64(len(h.undo)) + h.was.day
	sum += int64(number(h.median.values[medianRoom/2] > 0)) + h.when[h.now.next]
	for i := 0; i < habitMean; i += perLine {
		sum += int64(number(h.recent[i] > 0))
	}
	return sum
}

// ReadPointsAhead reads the memory of the points that the next Add drops and appends, and if a half hour begins at its time, of the profile. It
// is for a state that ReadAhead has read.
func (h *Habit) ReadPointsAhead(at int64) (sum int64) {
	p := &h.points
	if p.held == 0 {
		return 0
	}
	sum = p.readAhead(p.slot(int(p.gone+h.now.fresh)), p.slot(int(p.held)))
	if cap(h.undo) > 0 {
		sum += int64(h.undo[:1][0].cell)
	}
	last, _ := h.Last()
	if bin := at / halfHour; h.profile != nil && bin != last/halfHour {
		of := max(0, int(bin%dayBins)-1)
		near := h.profile.means[of*profileDays : min((of+3)*profileDays, cells)]
		sum += int64(h.profile.codes[of]) + int64(number(near[0] > 0)+number(near[len(near)/2] > 0)+number(near[len(near)-1] > 0))
	}
	return sum
}
