package persistence

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/dgraph-io/badger/v4"
)

// Tail returns the last n points of a resident entity's window, or all if it has
// fewer, in the order of their arrival, and how many points the window has.
type Tail func(e *Entity, n int) (points []Point, live int)

const (
	// blockPoints bounds a journal block, so that it fits into a transaction.
	blockPoints = 32_000
	// The journal may hold so many points an entity, on average, and in all,
	// before its oldest blocks are trimmed. What of them still belongs to a window
	// is sealed into chunks, so a journal longer than the windows costs nothing
	// more, but takes longer to read at a start.
	journalPerEntity = 400
	journalAtLeast   = 4096
	journalComfort   = 2_000_000
	journalPerMany   = 16
)

// journalLimit is how many points the journal may hold.
func journalLimit(entities int) int {
	return max(journalAtLeast, min(journalPerEntity*entities, max(journalComfort, journalPerMany*entities)))
}

// Checkpoint stores what was committed, with the head, in one transaction: or in
// several, of which the last one makes it count. It then seals what is oldest in
// the journal, and the entities that are to become passive: those are no longer
// resident if there is no error.
//
// After an error what is stored is a checkpoint of before, or this one; Checkpoint
// can be called again.
func (p *Partition) Checkpoint(head Head, tail Tail, passive []*Entity) error {
	p.endView()
	defer p.endView() // what sealing looked at
	if err := p.journal(head); err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	if err := p.sealOldest(tail, passive); err != nil {
		return fmt.Errorf("seal chunks: %w", err)
	}
	return nil
}

// journal writes blocks of what was committed, and the head last.
func (p *Partition) journal(head Head) error {
	next := record{Head: head, slot: p.slot, removing: len(p.removed) > 0}
	old := p.stored
	if old != nil && old.slot == p.slot {
		next.seq = old.seq
		if p.committed == 0 && !next.removing && !old.removing && head == old.Head {
			return nil
		}
	} else {
		old, p.begun = nil, true
	}
	next.reserved = p.nextID
	if len(p.removed) > 0 {
		p.dropPending()
	}
	p.checkpoints++
	p.touched, p.encoded = p.touched[:0], p.encoded[:0]
	var blocks []block
	var values [][]byte
	for rest := p.pending[:p.committed]; len(rest) > 0; {
		next.seq++
		entries := rest[:min(blockPoints, len(rest))]
		rest = rest[len(entries):]
		ids, counts := p.share(entries)
		blocks = append(blocks, block{next.seq, len(entries), ids, counts})
		start := len(p.encoded)
		p.encoded = appendBlock(p.encoded, entries)
		values = append(values, p.encoded[start:])
	}
	var born []*Entity // nothing is stored of them yet
	for _, e := range p.touched {
		if !e.named {
			born = append(born, e)
		}
	}
	next.entities = uint32(p.entities + len(born))
	write := func(u *update) error {
		for _, e := range born {
			if err := u.set(entityKey(p.slot, e.key), encodeID(e.id)); err != nil {
				return err
			}
		}
		for i, b := range blocks {
			if err := u.set(blockKey(p.slot, b.seq), values[i]); err != nil {
				return err
			}
		}
		return u.set(p.head, encodeRecord(&next))
	}
	err := p.store.atomically(write)
	if errors.Is(err, errSplit) {
		if err = p.announce(old); err == nil {
			err = p.store.update(write)
		}
	}
	if err != nil {
		return err
	}
	for _, e := range born {
		e.named = true
		if e.resident {
			p.resident++
		}
	}
	p.entities = int(next.entities)
	p.settle(&next, blocks)
	return nil
}

// announce has the head say that a checkpoint is under way that takes several
// transactions: should it stay unfinished, the next opening removes what there is of it,
// and gives its ids to others. Without a head nothing counts anyway.
func (p *Partition) announce(old *record) error {
	if old == nil || old.underway {
		return nil
	}
	announced := *old
	announced.underway = true
	err := p.store.update(func(u *update) error { return u.set(p.head, encodeRecord(&announced)) })
	if err == nil {
		p.stored = &announced
	}
	return err
}

// share returns the entities of a block, each once, with the number of their
// points in it, and counts those of the running checkpoint.
func (p *Partition) share(entries []entry) (ids []uint32, counts []uint16) {
	p.written++
	p.ids, p.counts = p.ids[:0], p.counts[:0]
	for i := range entries {
		e := p.byID[entries[i].id]
		if e.block != p.written {
			e.block, e.place = p.written, uint32(len(p.ids))
			p.ids, p.counts = append(p.ids, e.id), append(p.counts, 0)
		}
		p.counts[e.place]++
		p.touch(e, 1)
	}
	return slices.Clone(p.ids), slices.Clone(p.counts)
}

// touch counts points of an entity, in what goes on.
func (p *Partition) touch(e *Entity, points uint32) {
	if e.checkpoint != p.checkpoints {
		e.checkpoint, e.counted = p.checkpoints, 0
		p.touched = append(p.touched, e)
	}
	e.counted += points
}

// settle notes what has been stored.
func (p *Partition) settle(now *record, blocks []block) {
	if old := p.stored; old != nil && old.slot != p.slot {
		p.store.purge(old.slot)
	}
	p.stored, p.begun = now, false
	p.blocks = append(p.blocks, blocks...)
	for _, e := range p.touched {
		e.arrived += e.counted
		e.unsealed += e.counted
	}
	p.unsealed += p.committed
	const roomy = 1 << 20
	rest := p.pending[p.committed:]
	if cap(p.pending) > roomy {
		p.pending = append([]entry(nil), rest...)
	} else {
		p.pending = append(p.pending[:0], rest...)
	}
	p.committed = 0
}

// sealing is what an entity is once the journal is trimmed.
type sealing struct {
	entity   *Entity
	chunks   []uint32
	unsealed uint32
	through  uint64
}

// sealOldest trims the oldest blocks until the journal is short enough: what of
// them still belongs to a window is written to chunks, and so are the entities
// that become passive. It deletes the blocks, chunks all of which was evicted, and
// removed entities.
func (p *Partition) sealOldest(tail Tail, passive []*Entity) error {
	limit := cmp.Or(p.store.options.Journal, journalLimit(p.entities))
	trimmed, points := 0, 0
	for p.unsealed-points > limit {
		points += p.blocks[trimmed].points
		trimmed++
	}
	if trimmed == 0 && len(passive) == 0 && len(p.removed) == 0 {
		return nil
	}
	p.checkpoints++
	p.touched = p.touched[:0]
	for _, e := range passive {
		p.touch(e, e.unsealed)
	}
	passives := len(p.touched)
	for _, b := range p.blocks[:trimmed] {
		for i, id := range b.ids {
			if e := p.byID[id]; e != nil && !e.removed && e.through < b.seq {
				p.touch(e, uint32(b.counts[i]))
			}
		}
	}
	sealed := make([]sealing, 0, len(p.touched))
	err := p.store.update(func(u *update) error {
		// First, lest one that comes back after a crash lacks points of the journal.
		if err := p.deleteRemoved(u); err != nil {
			return err
		}
		for i, e := range p.touched {
			var s sealing
			var done bool
			var err error
			if i >= passives {
				s, done, err = p.outlive(u, e, tail)
			} else if done = e.unsealed == 0; done {
				continue
			}
			if !done && err == nil {
				s, err = p.seal(u, e, tail)
			}
			if err != nil {
				return err
			}
			sealed = append(sealed, s)
		}
		// Only now, for a crash may come in between.
		for _, b := range p.blocks[:trimmed] {
			if err := u.delete(blockKey(p.slot, b.seq)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, s := range sealed {
		s.entity.chunks, s.entity.unsealed, s.entity.through = s.chunks, s.unsealed, s.through
		if !s.entity.resident {
			p.byID[s.entity.id] = nil
		}
	}
	for _, e := range passive {
		if e.resident && e.named {
			p.resident--
		}
		e.resident = false
		p.byID[e.id] = nil
		p.onDisk = true
	}
	p.blocks = p.blocks[trimmed:]
	p.unsealed -= points
	for _, e := range p.removed {
		p.byID[e.id] = nil
	}
	p.removed = nil
	return nil
}

// outlive needs no chunk for an entity whose points in the blocks that are trimmed
// were all evicted, and then everything before them was, too: its chunks go, so
// that what is stored stays a run of points without a hole.
func (p *Partition) outlive(u *update, e *Entity, tail Tail) (s sealing, done bool, err error) {
	if !e.resident {
		return s, false, nil
	}
	left := e.unsealed - e.counted
	if _, live := tail(e, 0); left < uint32(live) {
		return s, false, nil
	}
	for _, start := range e.chunks {
		if err := u.delete(chunkKey(p.slot, e.id, start)); err != nil {
			return s, false, err
		}
	}
	return sealing{entity: e, unsealed: left, through: e.through}, true, nil
}

// seal writes a chunk of what the journal alone holds of an entity: no more, so
// that a chunk never reaches beyond the stored head.
func (p *Partition) seal(u *update, e *Entity, tail Tail) (sealing, error) {
	var points []Point
	var live int
	if e.resident {
		points, live = tail(e, int(e.unsealed))
	} else {
		var all []Point
		err := p.look(func(v *view) (err error) {
			all, err = p.loadPoints(v.chunks, e)
			return err
		})
		if err != nil {
			return sealing{}, err
		}
		points, live = all[len(all)-int(e.unsealed):], len(all)
	}
	s := sealing{entity: e, through: p.stored.seq}
	head := e.arrived - min(uint32(live), e.arrived) // the position of the window's first point
	for i, start := range e.chunks {
		end := e.arrived - e.unsealed
		if i+1 < len(e.chunks) {
			end = e.chunks[i+1]
		}
		if end > head {
			s.chunks = append(s.chunks, start)
		} else if err := u.delete(chunkKey(p.slot, e.id, start)); err != nil {
			return s, err
		}
	}
	if len(points) > 0 {
		position := e.arrived - uint32(len(points))
		if err := u.set(chunkKey(p.slot, e.id, position), encodeChunk(p.stored.seq, points)); err != nil {
			return s, err
		}
		s.chunks = append(s.chunks, position)
	}
	return s, nil
}

// dropPending forgets the points of entities that are removed and were never
// stored. Those of others are stored: should they come back after a crash, they
// lack nothing.
func (p *Partition) dropPending() {
	kept, committed := p.pending[:0], 0
	for i, e := range p.pending {
		if known := p.byID[e.id]; known.removed && !known.named {
			continue
		}
		kept = append(kept, e)
		if i < p.committed {
			committed++
		}
	}
	p.pending, p.committed = kept, committed
}

// Remove forgets an entity at the next checkpoint.
func (p *Partition) Remove(e *Entity) {
	if e.named {
		p.entities--
		if e.resident {
			p.resident--
		}
	}
	e.resident, e.removed = false, true
	p.byID[e.id] = e
	p.removed = append(p.removed, e)
}

func (p *Partition) deleteRemoved(u *update) error {
	for _, e := range p.removed {
		if err := u.delete(entityKey(p.slot, e.key)); err != nil {
			return err
		}
		for _, start := range e.chunks {
			if err := u.delete(chunkKey(p.slot, e.id, start)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Sweep looks at some of the entities that are on disk only, goes on where it
// ended the last time, and removes those without a point at or after a time. It
// returns the newest of the points it removed; false if there is none.
func (p *Partition) Sweep(count int, keep int64) (newest int64, removed bool, err error) {
	p.swept = nil
	if !p.onDisk {
		return 0, false, nil
	}
	prefix := slotPrefix(entityKind, p.slot)
	var dead []*Entity
	err = p.look(func(v *view) error {
		o := badger.DefaultIteratorOptions
		o.Prefix, o.PrefetchValues = prefix, false
		iterator := v.txn.NewIterator(o)
		defer iterator.Close()
		if len(p.cursor) == 0 {
			p.cursor = prefix
		}
		for iterator.Seek(p.cursor); iterator.Valid() && count > 0; iterator.Next() {
			count--
			e, last, err := p.lastOf(v, iterator.Item())
			if err != nil {
				return err
			}
			if e != nil && last < keep {
				dead = append(dead, e)
				if !removed || last > newest {
					newest, removed = last, true
				}
			}
		}
		p.cursor = nil
		if iterator.Valid() {
			p.cursor = iterator.Item().KeyCopy(nil)
		}
		return nil
	})
	if err != nil {
		return 0, false, fmt.Errorf("sweep: %w", err)
	}
	for _, e := range dead {
		p.Remove(e)
		p.swept = append(p.swept, e.key)
	}
	return newest, removed, nil
}

// lastOf is an entity and the time of its newest point, or nil for one that is
// resident, or was removed.
func (p *Partition) lastOf(v *view, item *badger.Item) (e *Entity, newest int64, err error) {
	key := string(item.Key()[5:])
	id, found, err := p.lookUp(v.txn, key)
	if !found || err != nil {
		return nil, 0, err
	}
	if e = p.byID[id]; e == nil {
		e = &Entity{id: id}
	}
	if e.resident || e.removed {
		return nil, 0, nil
	}
	e.key = key
	points, err := p.loadPoints(v.chunks, e)
	if len(points) == 0 {
		return nil, 0, err // of a checkpoint that was not finished
	}
	e.named = true
	for i, point := range points {
		if i == 0 || point.At > newest {
			newest = point.At
		}
	}
	return e, newest, err
}
