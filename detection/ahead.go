package detection

// A caller that will soon add points to many windows may read their memory ahead. Reads of several windows do not wait for each
// other. The results mean nothing: they only keep the compiler from leaving the reads out.

// ReadAhead reads the memory of the window itself.
func (w *Window) ReadAhead() int { return w.points.len() + number(w.screen.drawn) }

// ReadPointsAhead reads the memory of the points that the next Add drops and appends, which are neighbours in a full window. It is
// for a window that ReadAhead has read.
func (w *Window) ReadPointsAhead() int64 {
	if w.points.len() == 0 {
		return 0
	}
	return w.points.at(0).at + int64(number(w.points.at(0).value > 0))
}
