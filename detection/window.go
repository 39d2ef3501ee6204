package detection

import "iter"

// Window is the history of one entity: its points of the last hours in arrival order, and bounds of
// their median and deviation. The zero value is an empty window, ready to use. It is not safe for
// concurrent use.
//
// Points come in transactions, which are numbered by a rising epoch. What an epoch changed can be rolled back
// until the next epoch changes the window.
//
// A window of n points takes 9n bytes and 152 of its own, if its points lie whole numbers of one step apart, as
// those of a stream with bins do; 12n if they do not, and 10n or 16n if some points lie very far from the others
// (see slots). It takes an eighth more until it is half full, and little more later: 2688 bytes hold the 288 points
// of three days. Points dropped in an epoch stay until the next one.
type Window struct {
	points ring
	screen screen
	rest   *rest // nil: all points are in memory
}

// Add drops the points that are too old at time at (Unix milliseconds), scores the value against the rest,
// and appends it, anomalous or not. The value must be finite, and at must not be negative. If the verdict is Asleep, nothing was added:
// the window has to be woken, and the value added again.
func (w *Window) Add(s *Scorer, epoch uint64, at int64, value float64) Verdict {
	w.begin(epoch)
	w.evict(s.rules.oldest(at))
	verdict := Verdict{Reason: TooFewPoints}
	if s.rules.enough(w.Len()) {
		s.look.taken = false
		if verdict = w.score(s, &s.rules, value); verdict.Reason == Asleep {
			return verdict
		}
	}
	w.push(&s.rules, point{at, value})
	return verdict
}

// Observe drops points and appends the value like Add, but does not score it. It serves the replay of
// history.
func (w *Window) Observe(r *Rules, epoch uint64, at int64, value float64) {
	w.begin(epoch)
	w.evict(r.oldest(at))
	w.push(r, point{at, value})
}

// Rollback makes the window what it was before the first change in the epoch. It does nothing unless the
// epoch was the last to change the window.
func (w *Window) Rollback(epoch uint64) {
	if w.points.rollback(epoch) {
		w.screen = screen{}
		if w.rest != nil {
			w.rest.rollback()
		}
	}
}

// Len is the number of points in the window. Points that have become too old since the last Add or Observe still
// count.
func (w *Window) Len() int {
	n := w.points.len()
	if w.rest != nil {
		n += w.rest.len()
	}
	return n
}

// All yields times (Unix milliseconds) and values in arrival order. The window must not change during that.
func (w *Window) All() iter.Seq2[int64, float64] {
	return w.Last(w.points.len())
}

// Last yields times and values of the last n points like All, or of all points if there are fewer.
func (w *Window) Last(n int) iter.Seq2[int64, float64] {
	return func(yield func(int64, float64) bool) {
		for i := max(0, w.points.len()-n); i < w.points.len(); i++ {
			p := w.points.at(i)
			if !yield(p.at, p.value) {
				return
			}
		}
	}
}

// Newest is the greatest time in the window (Unix milliseconds), and false if the window is empty. The last
// point to arrive may be older. Newest looks at every point.
func (w *Window) Newest() (at int64, ok bool) {
	for t := range w.All() {
		if !ok || t > at {
			at, ok = t, true
		}
	}
	return at, ok
}

// evict drops points from the head while they are older than oldest. A late record behind a newer point
// stays, as in the original.
func (w *Window) evict(oldest int64) {
	if w.rest != nil && w.evictRest(oldest) {
		return
	}
	for w.points.len() > 0 && w.points.head() < oldest {
		value := w.points.words[w.points.slot(int(w.points.gone))]
		w.points.drop()
		w.screen.remove(value, w.points.len())
	}
}

func (w *Window) push(r *Rules, p point) {
	w.points.push(p, r.full)
	w.screen.add(p.value, w.Len())
}
