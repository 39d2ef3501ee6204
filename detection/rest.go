package detection

import "slices"

// rest is what a window has in the place of points that are stored and not in memory: how many they are, when they leave the window, and
// what their values can do to the screen at most. The window rests as long as it has one. Its later points are in the ring as usual.
//
// The screen decides most points of a resting window, too. When a point leaves it, nobody knows on which side of the bounds it lay. So the
// screen goes on counting it where it was: all its counts are at least the true ones, as holds and medianAtLeast need them. From the sum
// of distances it takes the largest distance that a point may have.
type rest struct {
	grid
	begun, head int     // the places of the first point, at the beginning of this epoch and now
	held, gone  uint32  // how many points there are, and how many of them were dropped in this epoch
	reach       float64 // screen.farthest of each point is at most that
}

func (r *rest) len() int { return int(r.held - r.gone) }

// begin makes the present window the committed one.
func (r *rest) begin() { r.begun, r.held, r.gone = r.head, r.held-r.gone, 0 }

// rollback makes the committed window the present one.
func (r *rest) rollback() { r.head, r.gone = r.begun, 0 }

// drop drops the first point.
func (r *rest) drop() {
	if r.gone++; r.gone < r.held {
		r.head = r.next(r.head)
	}
}

// Rest makes an empty window that of a history as Fill does, but keeps none of its points, if their times are on a grid and the
// window is long enough to be scored. Else it returns false, and the window stays empty. A resting window has to be woken before anything
// but Add, Observe, Rollback and Len is called.
func (w *Window) Rest(s *Scorer, times []int64, values []float64) bool {
	if !s.rules.enough(len(times)) {
		return false // for fewer points, the times need not be looked at
	}
	head := s.rules.evicted(times)
	drawn, rest := s.restOf(times[head:], values[head:])
	if rest == nil {
		return false
	}
	w.screen, w.rest = drawn, rest
	return true
}

// restOf is what a window of some points rests on; nil: it cannot rest.
func (s *Scorer) restOf(times []int64, values []float64) (drawn screen, r *rest) {
	n := len(times)
	if n < 2 || !s.rules.enough(n) {
		return screen{}, nil
	}
	g, ok := newGrid(times)
	if !ok {
		return screen{}, nil
	}
	s.values = append(s.values[:0], values...)
	s.room = slices.Grow(s.room[:0], n)[:n]
	if drawn, _ = newScreen(s.values, s.room, s.rules.metric); !drawn.drawn {
		return screen{}, nil
	}
	lowest, highest := extremes(values)
	return drawn, &rest{grid: g, held: uint32(n), reach: max(drawn.farthest(lowest), drawn.farthest(highest))}
}

// extremes are the least and the greatest of at least one value, as least is.
func extremes(values []float64) (lowest, highest float64) {
	lowest, highest = values[0], values[0]
	for _, x := range values {
		if x < lowest {
			lowest = x
		} else if x > highest {
			highest = x
		}
	}
	return lowest, highest
}

// Resting says whether the window lacks points that it had when it was made by Rest or RestOn.
func (w *Window) Resting() bool { return w.rest != nil }

// Wake gives a resting window the points that it was made of, those of an outline among them. Then it is as if it had never rested.
func (w *Window) Wake(r *Rules, times []int64, values []float64) {
	var woken Window
	woken.Fill(r, times, values)
	for i := range int(w.points.held) {
		epoch := uint64(0)
		if i >= int(w.points.committed) {
			epoch = w.points.epoch
		}
		slot := w.points.slot(i)
		woken.Observe(r, epoch, w.points.time(i, slot), w.points.words[slot])
	}
	*w = woken
}

// begin begins an epoch if it is a new one.
func (w *Window) begin(epoch uint64) {
	if w.rest != nil && epoch != w.points.epoch {
		if w.rest.begin(); w.rest.held == 0 {
			w.rest = nil // the ring has the whole window
		}
	}
	w.points.begin(epoch)
}

// evictRest drops points that are too old, and returns whether some are left: then the ring's points, which arrived later, all stay.
func (w *Window) evictRest(oldest int64) (left bool) {
	for w.rest.len() > 0 && w.rest.time(w.rest.head) < oldest {
		w.rest.drop()
		w.screen.removeAny(w.rest.reach, w.Len())
	}
	return w.rest.len() > 0
}

// removeAny takes account of a value that went and is not known; no value of the window has a larger farthest. The window now has n values.
func (s *screen) removeAny(farthest float64, n int) {
	if !s.drawn {
		return
	}
	s.spread.add(-farthest)
	s.drawn = s.holds(n)
}
