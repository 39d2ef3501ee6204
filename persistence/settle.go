package persistence

import "slices"

// Settle takes over what was written of a plan; err is what Write returned. What
// was not written is in the next plan again. It returns the entities that are no
// longer cached: those of the plan's that got no points meanwhile, and none after
// an error. After Close it does nothing.
func (p *Partition) Settle(plan *Plan, err error) (evicted []*Entity) {
	switch {
	case p.closed:
		return nil
	case p.plan != plan:
		panic("persistence: Settle was called for a plan that is not in flight")
	case plan.phase.Load() == planWriting:
		panic("persistence: Settle was called while the plan is being written")
	case err == nil && !plan.sealed:
		panic("persistence: Settle was called without an error for a plan that is not written")
	}
	p.plan = nil
	p.index.settled()
	p.endView() // it may show less than what is settled
	if plan.announced != nil {
		p.stored = plan.announced
	}
	if plan.journaled {
		p.settleJournal(plan)
		p.store.removeFiles(p.slot, blocksFile, p.doubtful)
		p.doubtful = nil
	} else if plan.file != 0 { // it may be left, if the write came through although it failed
		p.doubtful = append(p.doubtful, plan.file)
	}
	for _, e := range plan.touched {
		e.planned = 0
	}
	p.untidy = p.untidy || plan.setting != nil && err != nil
	p.stateFiles.settle(plan)
	p.store.removeFiles(p.slot, statesFile, plan.filing.found) // the view that might have needed them has ended
	if plan.sealed {
		evicted = p.settleSealings(plan)
	} else {
		plan.noteChunks()
	}
	if err == nil {
		p.spare = plan.buffers.emptied()
	}
	return evicted
}

// settleJournal takes over the new blocks and the head.
func (p *Partition) settleJournal(plan *Plan) {
	p.stored, p.begun = plan.next, false
	if p.setting == plan.setting {
		p.setting = nil
	}
	p.entities = int(plan.next.entities)
	for _, e := range plan.added {
		e.named = true
		if e.cached {
			p.cached++
		}
	}
	p.touched = len(plan.touched)
	for _, e := range plan.touched {
		e.arrived += e.planned
		e.unsealed += e.planned
	}
	p.blocks = append(p.blocks, plan.blocks...)
	p.unsealed += len(plan.entries)
	const roomy = 1 << 20
	rest := p.pending[len(plan.entries):]
	if cap(p.pending) > roomy {
		p.pending = append([]entry(nil), rest...)
	} else {
		p.pending = append(p.pending[:0], rest...)
	}
	p.committed -= len(plan.entries)
}

// noteChunks notes the chunks that a failed write may have stored: if their entities are removed, they have to go, too. An entity that was not
// cached may be now, as it was before the write.
func (plan *Plan) noteChunks() {
	for i := range plan.sealings {
		if s := &plan.sealings[i]; len(s.chunks) > 0 {
			s.entity.chunks = withChunk(s.entity.chunks, s.chunks[len(s.chunks)-1])
		}
	}
}

// withChunk adds where a chunk starts, after all others or at the last of them.
func withChunk(chunks []uint32, start uint32) []uint32 {
	if n := len(chunks); n > 0 && chunks[n-1] >= start {
		return chunks
	}
	return append(slices.Clip(chunks), start)
}

// settleSealings takes over the chunks, and drops trimmed blocks, removed
// entities, and those to evict that have no points since.
func (p *Partition) settleSealings(plan *Plan) (evicted []*Entity) {
	if plan.evictions > 0 {
		p.marks++
		for i := range p.pending {
			p.byID[p.pending[i].id].mark = p.marks
		}
	}
	for i := range plan.sealings {
		s := &plan.sealings[i]
		e := s.entity
		e.chunks, e.unsealed, e.through = s.chunks, s.unsealed, s.through
		e.tail = nil // its points are in chunks, or its owner has them
		if i < plan.evictions && e.mark != p.marks {
			e.cached, p.onDisk = false, true
			if e.named {
				p.cached--
			}
			evicted = append(evicted, e)
		}
		if !e.cached {
			p.byID[e.id] = nil
		}
	}
	if plan.complete != nil {
		p.stored = plan.complete
	}
	if plan.setting != nil {
		p.untidy = false
	}
	p.blocks = p.blocks[plan.trimmed:]
	p.unsealed -= plan.trimmedPoints
	for _, e := range plan.removed {
		p.byID[e.id] = nil
	}
	p.removed, p.removing = nil, nil
	return evicted
}

// emptied are the buffers without content, for the next plan. Those that an
// unusual plan has made large are not kept.
func (b buffers) emptied() buffers {
	const roomyPoints, roomyBytes = 1 << 15, 1 << 23
	clear(b.touched)
	clear(b.sealings)
	b.touched, b.sealings, b.points, b.owned = b.touched[:0], b.sealings[:0], b.points[:0], b.owned[:0]
	if cap(b.points) > roomyPoints {
		b.points = nil
	}
	if cap(b.sealings) > roomyPoints {
		b.sealings = nil
	}
	if cap(b.owned) > roomyBytes {
		b.owned = nil
	}
	return b
}

// Checkpoint is Plan, Fill without outlines, Write and Settle, for an owner that waits meanwhile.
func (p *Partition) Checkpoint(head Head, tail Tail, evict []*Entity) error {
	plan := p.Plan(head, evict)
	plan.Fill(tail, nil)
	err := plan.Write()
	p.Settle(plan, err)
	return err
}
