package persistence

import (
	"unsafe"

	"anomalydetector/prefetch"
)

// Append adds a point of a cached entity. A checkpoint stores it once it is committed.
func (p *Partition) Append(e *Entity, at int64, value float64) {
	p.pending = append(p.pending, entry{e.id, Point{at, value}})
	if int(e.id) < len(p.seen) {
		p.see(e.id, at)
	}
}

// Prefetch prefetches the memory that Append needs.
func (e *Entity) Prefetch() { prefetch.Part(e, unsafe.Offsetof(e.id), unsafe.Sizeof(e.id)) }

// Commit marks all points that were appended for the next plan.
func (p *Partition) Commit() { p.committed = len(p.pending) }

// RollBack drops the points that were appended since the last Commit. LastSeen stays as it
// is; see SetLastSeen.
func (p *Partition) RollBack() { p.pending = p.pending[:p.committed] }

// Pending is how many points are not stored, with those of a plan in flight.
func (p *Partition) Pending() int { return len(p.pending) }

// dropRemoved drops the points of entities that are removed and were never
// stored. Points of other removed entities are stored: if such an entity comes
// back after a crash, it lacks nothing.
func (p *Partition) dropRemoved() {
	if len(p.removed) == 0 {
		return
	}
	kept, committed := p.pending[:0], 0
	for i, point := range p.pending {
		if e := p.byID[point.id]; e.removed && !e.named {
			continue
		}
		kept = append(kept, point)
		if i < p.committed {
			committed++
		}
	}
	p.pending, p.committed = kept, committed
}
