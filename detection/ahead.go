package detection

import (
	"unsafe"

	"anomalydetector/prefetch"
)

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
func (h *Habit) Prefetch() {
	prefetch.Part(h, unsafe.Offsetof(h.eachPoint), unsafe.Sizeof(h.eachPoint))
}

// PrefetchPoints prefetches the points that the next Add drops and appends, and the residual that it replaces. The oldest one that still counts
// is mostly in the same cache line. It prefetches where the next change is noted for a rollback, too, unless the point begins an epoch. If a half hour
// begins at the time of the point, it also prefetches what the profile has of it and of its neighbours. Of the first and the last half hour of a day, one
// neighbour is elsewhere, and is left out.
func (h *Habit) PrefetchPoints(at int64) {
	p := &h.points
	if p.held == 0 {
		return
	}
	level := p.gone + h.now.fresh // the first point of the level
	dropped := p.slot(int(level))
	p.prefetch(dropped, p.slot(int(p.held)))
	if p.run < p.held-level {
		word, _ := p.place(dropped)
		prefetch.Memory(&p.words[word])
	}
	prefetch.Memory(&h.recent[h.now.next])
	if n := len(h.undo); n < cap(h.undo) {
		prefetch.Memory(&h.undo[:n+1][n])
	}
	last, _ := h.Last()
	if bin := at / halfHour; h.profile != nil && bin != last/halfHour {
		h.profile.prefetch(min(max(0, int(bin%dayBins)-1), dayBins-3))
	}
}

// prefetch prefetches three half hours.
func (p *profile) prefetch(of int) {
	first := uintptr(of)
	prefetch.Part(p, unsafe.Offsetof(p.means)+first*profileDays*unsafe.Sizeof(p.means[0]), 3*profileDays*unsafe.Sizeof(p.means[0]))
	prefetch.Part(p, unsafe.Offsetof(p.codes)+first*unsafe.Sizeof(p.codes[0]), 3*unsafe.Sizeof(p.codes[0]))
}
