package persistence

import "slices"

// sealing is an entity that is evicted, whose points leave the journal, or whose turn
// it is: its points are written to a chunk, as far as its window has them, or its
// state is written.
type sealing struct {
	entity *Entity
	cached bool
	chunks []uint32    // the stored ones; after Write those that remain
	tail   []journaled // its points in the journal, if it is not cached

	arrived  uint32 // the position after its last point
	unsealed uint32 // how many of its last points only the journal has; after Write: still has
	trimmed  uint32 // how many of them are in the blocks that are trimmed
	through  uint64 // the journal up to this block is sealed
	first    bool   // it gets its first state early; see sealInTurn

	// By Fill, for a cached entity.
	outlived bool   // its window has lost all points of the trimmed blocks
	live     uint32 // how many points its window has
	from, to int    // its last points, or its state, among those of the plan; after writeStateFile, where the state is in the file
	stated   bool   // its state is written
	outline  span   // of its window, in plan.owned
	newest   int64  // the greatest time of the points in the state
}

// span is a part of a slice.
type span struct{ from, to int }

// planSealings decides how many of the oldest blocks are trimmed, and which
// entities are sealed: first those to evict, then those that have points in these
// blocks, and then those whose turn it is.
func (p *Partition) planSealings(plan *Plan, evict []*Entity, limit int) {
	p.marks++
	for _, e := range evict {
		if e.cached && e.mark != p.marks {
			p.sealingOf(plan, e)
		}
	}
	plan.evictions = len(plan.sealings)
	unsealed := p.unsealed + len(plan.entries)
	for unsealed-plan.trimmedPoints > limit {
		b := p.block(plan, plan.trimmed)
		if plan.trimmed == 0 {
			plan.trimFrom = b.seq
		}
		plan.trimmed++
		plan.trimmedPoints += b.points
		for id, points := range b.runs.all() {
			if e := p.byID[id]; e != nil && !e.removed && e.through < b.seq {
				p.sealingOf(plan, e).trimmed += points
			}
		}
	}
	p.sealInTurn(plan, limit)
	plan.trimsAll = plan.trimmed == len(p.blocks)+len(plan.blocks)
	plan.emptied = p.filesBefore(plan.trimmed)
	plan.filled = true
	for i := range plan.sealings {
		s := &plan.sealings[i]
		plan.filled = plan.filled && (!s.cached || s.unsealed == 0)
	}
}

// filesBefore are the files that have only some of the first blocks. The blocks of a file follow each other.
func (p *Partition) filesBefore(trimmed int) (files []uint64) {
	stays := uint64(0)
	if trimmed < len(p.blocks) {
		stays = p.blocks[trimmed].file
	}
	last := uint64(0)
	for _, b := range p.blocks[:min(trimmed, len(p.blocks))] {
		if b.file != last && b.file != stays && b.file != 0 {
			files = append(files, b.file)
		}
		last = b.file
	}
	return files
}

// block is a block of the journal, with the plan's behind the stored ones.
func (p *Partition) block(plan *Plan, index int) *block {
	if index < len(p.blocks) {
		return &p.blocks[index]
	}
	return &plan.blocks[index-len(p.blocks)]
}

// sealingOf is the sealing of an entity, which is begun if there is none.
func (p *Partition) sealingOf(plan *Plan, e *Entity) *sealing {
	if e.mark != p.marks {
		e.mark, e.place = p.marks, uint32(len(plan.sealings))
		plan.sealings = append(plan.sealings, sealing{
			entity: e, cached: e.cached, chunks: e.chunks, tail: e.tail, through: e.through,
			arrived: e.arrived + e.planned, unsealed: e.unsealed + e.planned,
		})
	}
	return &plan.sealings[e.place]
}

// writeSealings deletes removed entities, seals, and then deletes the trimmed
// blocks. That order counts, because a crash may come in between: an entity that
// comes back lacks no points of the journal, and a block is deleted only after
// its points are in chunks.
func (plan *Plan) writeSealings() error {
	if err := plan.writeStateFile(); err != nil {
		return err
	}
	return plan.store.update(func(u *update) error {
		if err := plan.deleteRemoved(u); err != nil {
			return err
		}
		var stored *view
		defer func() {
			if stored != nil {
				stored.end()
			}
		}()
		for i := range plan.sealings {
			s := &plan.sealings[i]
			var err error
			switch {
			case !s.cached:
				if stored == nil {
					stored = newView(plan.store, plan.store.db.NewTransaction(false), plan.slot, plan.stateful)
				}
				err = plan.sealStored(u, s, stored)
			case s.stated:
				err = plan.sealState(u, s)
			case s.outlived:
				err = plan.outlive(u, s)
			case s.unsealed > 0:
				err = plan.seal(u, s, plan.points[s.from:s.to])
			}
			if err != nil {
				return err
			}
		}
		if err := plan.writePages(u); err != nil {
			return err
		}
		for i := range plan.trimmed {
			if err := u.delete(blockKey(plan.slot, plan.trimFrom+uint64(i))); err != nil {
				return err
			}
		}
		if plan.complete != nil {
			if err := u.set(plan.head, encodeRecord(plan.complete)); err != nil {
				return err
			}
		}
		return plan.dropState(u)
	})
}

// deleteRemoved deletes an entity's parts from the last one to the first: the journal may have points of it, and if the process dies before all
// parts are gone, its state and chunks are still a run of points without a hole.
func (plan *Plan) deleteRemoved(u *update) error {
	for _, e := range plan.removed {
		if err := u.delete(entityKey(plan.slot, e.key)); err != nil {
			return err
		}
		for _, start := range slices.Backward(e.chunks) {
			if err := u.delete(chunkKey(plan.slot, e.id, start)); err != nil {
				return err
			}
		}
		if plan.stateful {
			if err := u.delete(stateKey(plan.slot, e.id)); err != nil {
				return err
			}
		}
	}
	return nil
}

// outlive writes no chunk, because the window has lost all points of the trimmed
// blocks. Then it has lost all before them, too: the entity's chunks are deleted,
// so that what is stored stays a run of points without a hole.
func (plan *Plan) outlive(u *update, s *sealing) error {
	for _, start := range s.chunks {
		if err := u.delete(chunkKey(plan.slot, s.entity.id, start)); err != nil {
			return err
		}
	}
	s.chunks = nil
	s.unsealed -= s.trimmed
	return nil
}

// sealStored seals an entity that is not cached: its points are those that are stored.
func (plan *Plan) sealStored(u *update, s *sealing, stored *view) error {
	w, err := stored.readWindow(plan.slot, s.entity.id, s.tail, nil, allPoints)
	if err != nil {
		return err
	}
	s.chunks, s.arrived, s.unsealed, s.live = w.chunks, w.arrived, w.unsealed, uint32(len(w.points))
	return plan.seal(u, s, w.points[len(w.points)-int(w.unsealed):])
}

// seal writes a chunk of the points that only the journal has, and deletes the
// chunks before the window. A chunk never holds points after the stored head.
func (plan *Plan) seal(u *update, s *sealing, points []Point) error {
	first := s.arrived - min(s.live, s.arrived) // the position of the window's first point
	position := s.arrived - uint32(len(points))
	var remaining []uint32
	for i, start := range s.chunks {
		if start >= position && len(points) > 0 {
			break // it is overwritten: it is joined, or a failed write has left it
		}
		end := s.arrived - s.unsealed
		if i+1 < len(s.chunks) {
			end = s.chunks[i+1]
		}
		if end > first {
			remaining = append(remaining, start)
		} else if err := u.delete(chunkKey(plan.slot, s.entity.id, start)); err != nil {
			return err
		}
	}
	if len(points) > 0 {
		if err := u.set(chunkKey(plan.slot, s.entity.id, position), encodeChunk(plan.through, points, plan.owned[s.outline.from:s.outline.to])); err != nil {
			return err
		}
		remaining = append(remaining, position)
	}
	s.chunks, s.unsealed, s.through = remaining, 0, plan.through
	return nil
}
