package persistence

import "cmp"

// An owner may postpone checkpoints. Its points are pending meanwhile, and windows lose points
// that were never stored. Shed drops these, so that no checkpoint writes them.
//
// Of the points that a window has lost, any may be stored and any may be missing, because a
// reader drops them again: each point evicts older ones from the front, until it meets one that
// is within the history (see window). For each lost point, the window has a point that is newer
// by more than the history. And none of the window's points is newer than its first one by more
// than that. So a reader that meets some lost points, and then the whole window, is left with
// the window.

const (
	// shedFrom is from how many pending points on Shed drops some. They take 6 MB.
	shedFrom = 250_000
	// shedShare: Shed drops points only if it can drop 1/shedShare of all, because it copies
	// the others.
	shedShare = 4
	// shedPerEntity: Shed asks for no windows if entities have fewer pending points on average,
	// because windows seldom have so few. The last plan tells how many entities have points.
	shedPerEntity = 8
)

// Shed drops the pending points that windows have lost, if many points are pending. All of them
// must be committed. Live tells how many points the window of a cached entity has. Room is false
// if too many points are left, so that the next checkpoint must not be postponed.
func (p *Partition) Shed(live func(e *Entity) int) (room bool) {
	p.mustBeSettled("Shed")
	if p.committed < len(p.pending) {
		panic("persistence: Shed was called while points are not committed")
	}
	switch {
	case p.Room():
		return true
	case p.futile || len(p.pending) < shedPerEntity*p.touched:
		p.futile = false // a scan that was in vain is not followed by another one
		return false
	}
	lost, count := p.lost(live)
	if p.futile = count < len(p.pending)/shedShare; p.futile {
		return false
	}
	kept := p.pending[:0]
	for _, point := range p.pending {
		if lost[point.id] > 0 {
			lost[point.id]--
			continue
		}
		kept = append(kept, point)
	}
	p.pending, p.committed = kept, len(kept)
	if told := p.store.options.Shed; told != nil {
		told(count)
	}
	return p.Room()
}

// Room tells whether few points are pending, so that the next checkpoint may be postponed.
func (p *Partition) Room() bool { return len(p.pending) < cmp.Or(p.store.options.Pending, shedFrom) }

// lost returns, by the id of an entity, how many of its pending points its window has lost, and
// their sum.
func (p *Partition) lost(live func(e *Entity) int) (lost []uint32, sum int) {
	lost = make([]uint32, len(p.byID))
	for i := range p.pending {
		lost[p.pending[i].id]++
	}
	for id, pending := range lost {
		if pending == 0 {
			continue
		}
		lost[id] = 0
		if e := p.byID[id]; !e.removed {
			lost[id] = pending - uint32(min(int(pending), live(e)))
			sum += int(lost[id])
		}
	}
	return lost, sum
}
