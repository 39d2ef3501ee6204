package detection

import "iter"

// Window is the history of one entity: its points of the last hours in arrival order, and their
// values sorted. The zero value is an empty window, ready to use. It is not safe for concurrent use.
//
// Points come in transactions, numbered by a rising epoch: what an epoch changed can be rolled back
// until the next one changes the window.
//
// A window of n points takes 24n bytes, a quarter more at most after it grew, and 88 of its own. Points dropped in an epoch stay until the next one.
type Window struct {
	points ring

	// values are those of points, or none at all if they have not been sorted yet: a window that is
	// only replayed, or too short to be scored, is not sorted.
	values sorted
	spread spread // of values
}

// manyDropped is the number of points dropped at once beyond which sorting anew beats removing each
// from the sorted values: after a gap in a long window, each removal moves all that is left.
const manyDropped = 32

// Add drops what is too old at time at (Unix milliseconds), scores the value against what is left, and
// appends it, anomalous or not. The value must be finite and at not negative.
func (w *Window) Add(r *Rules, epoch uint64, at int64, value float64) Verdict {
	w.points.begin(epoch)
	w.evict(r.oldest(at))
	n := w.points.len()
	if !r.enough(n) {
		w.unsort()
		w.points.push(point{at, value})
		return Verdict{Reason: TooFewPoints, Points: n}
	}
	w.sort()
	verdict := w.score(r, value)
	w.points.push(point{at, value})
	w.insert(value)
	return verdict
}

// Observe drops what is too old and appends the value like Add, but does not score it: for replay.
func (w *Window) Observe(r *Rules, epoch uint64, at int64, value float64) {
	w.unsort()
	w.points.begin(epoch)
	w.evict(r.oldest(at))
	w.points.push(point{at, value})
}

// Rollback makes the window what it was before the first change in the epoch. It does nothing if the
// epoch was not the last to change the window.
func (w *Window) Rollback(epoch uint64) {
	if w.points.rollback(epoch) {
		w.unsort()
	}
}

// Len is the number of points in the window, as the last one appended left it.
func (w *Window) Len() int { return w.points.len() }

// All yields times (Unix milliseconds) and values in arrival order. The window must not be changed
// meanwhile.
func (w *Window) All() iter.Seq2[int64, float64] {
	return w.Last(w.points.len())
}

// Last yields times and values of the last n points, or of all if there are fewer, like All.
func (w *Window) Last(n int) iter.Seq2[int64, float64] {
	return func(yield func(int64, float64) bool) {
		for i := max(0, w.points.len()-n); i < w.points.len(); i++ {
			if p := w.points.at(i); !yield(p.at, p.value) {
				return
			}
		}
	}
}

// Newest is the greatest time in the window, which need not be that of the last point to arrive, and
// false if the window is empty. It looks at every point.
func (w *Window) Newest() (at int64, ok bool) {
	for t := range w.All() {
		if !ok || t > at {
			at, ok = t, true
		}
	}
	return at, ok
}

// evict drops points from the head while they are older than oldest. An old straggler behind a newer
// point stays, as in the original.
func (w *Window) evict(oldest int64) {
	for dropped := 0; w.points.len() > 0; dropped++ {
		head := w.points.at(0)
		if head.at >= oldest {
			return
		}
		if dropped == manyDropped {
			w.unsort()
		}
		w.points.drop()
		w.remove(head.value)
	}
}

// sort makes values and spread those of points.
func (w *Window) sort() {
	if n := w.points.len(); len(w.values) != n {
		w.values = sortedValues(w.values, &w.points)
		w.spread = newSpread(w.values)
	}
}

// unsort forgets values and spread.
func (w *Window) unsort() {
	w.values = w.values[:0]
	w.spread = spread{}
}

// insert adds to the values what was pushed to the points.
func (w *Window) insert(value float64) {
	w.spread.add(distance(w.values, value))
	w.values = w.values.insert(value)
}

// remove takes out of the values, if they are sorted, what was dropped from the points.
func (w *Window) remove(value float64) {
	if len(w.values) == 0 {
		return
	}
	values, found := w.values.remove(value)
	if !found {
		w.unsort() // a NaN against the contract: sort anew
		return
	}
	w.values = values
	w.spread.add(-distance(values, value))
}
