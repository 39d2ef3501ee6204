package detection

import "anomalydetector/prefetch"

// A caller that will soon add points to many windows may prefetch their memory, so that Add need not wait for it. The memory of a window tells where
// that of its points is, so it has to be there when the points are prefetched.

// PrefetchPoints prefetches the points that the next Add drops and appends. In a full window they are neighbours.
func (w *Window) PrefetchPoints() {
	r := &w.points
	if r.len() == 0 {
		return
	}
	head, free := r.slot(int(r.gone)), r.slot(int(r.held)) // in a full buffer, free is the first slot
	r.prefetch(head, free)
}

// prefetch prefetches a value that is dropped, and a slot that is written. If all slots have the same part, put does not read one.
func (r *ring) prefetch(dropped, free int) {
	prefetch.Memory(&r.words[dropped])
	prefetch.Memory(&r.words[free])
	if r.run < r.count {
		word, _ := r.place(free)
		prefetch.Memory(&r.words[word])
	}
}

// Prefetch prefetches the state itself, without what few points need.
func (h *Habit) Prefetch() { prefetch.Memory(&h.eachPoint) }

// PrefetchPoints prefetches the points that the next Add drops and appends, and the residual that it replaces. The oldest one that still counts
// is mostly in the same cache line. If a half hour begins at the time of the point, it also prefetches what the profile has of it and of its neighbours.
// Of the first and the last half hour of a day, one neighbour is elsewhere, and is left out.
func (h *Habit) PrefetchPoints(at int64) {
	p := &h.points
	if p.held == 0 {
		return
	}
	p.prefetch(p.slot(int(p.gone+h.now.fresh)), p.slot(int(p.held)))
	prefetch.Memory(&h.recent[h.now.next])
	if cap(h.undo) > 0 {
		prefetch.Memory(&h.undo[:1][0])
	}
	last, _ := h.Last()
	if bin := at / halfHour; h.profile != nil && bin != last/halfHour {
		of := min(max(0, int(bin%dayBins)-1), dayBins-3)
		prefetch.Memory((*[3 * profileDays]float64)(h.profile.means[of*profileDays:]))
		prefetch.Memory((*[3]uint16)(h.profile.codes[of:]))
	}
}
