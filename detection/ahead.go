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
