package persistence

import (
	"cmp"
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"github.com/dgraph-io/badger/v4"
)

// With Options.Seen a partition keeps when each entity was last seen, cached or not: the
// newest time of its points, by its id, in whole seconds, which takes 4 bytes an entity.
//
// It is not stored with each checkpoint, because the journal has the points. The journal
// loses them, so a checkpoint that trims blocks also stores pages, in one transaction with
// the trim. A page has the values of pageIDs ids that follow each other. A checkpoint writes
// the pages of those entities whose newest point may be in a trimmed block. After a start,
// the greater one of an entity's page and its journal is the value that it had.
//
// A page never has a value from a point after the stored head.

// pageIDs is how many entities a page has. A page is written for one entity that has become
// silent, so a large one costs more than it saves.
const pageIDs = 1024

// Silent is an entity and when it was last seen, in Unix milliseconds, rounded down to a second.
type Silent struct {
	Key      string
	LastSeen int64
}

// page is an encoded page to be stored.
type page struct {
	number uint32
	value  []byte
}

// secondsOf is a time in the unit of Partition.seen. It has no 0, which says that the entity
// was not seen.
func secondsOf(ms int64) uint32 { return uint32(min(max(ms/1000, 1), math.MaxUint32)) }

// see notes a point of an entity.
func (p *Partition) see(id uint32, ms int64) { p.seen[id] = max(p.seen[id], secondsOf(ms)) }

// LastSeen is when an entity was last seen, in Unix milliseconds, rounded down to a second. Ok
// is false if it has no point, or if the store has no Options.Seen. Points that are not
// committed count.
func (p *Partition) LastSeen(e *Entity) (ms int64, ok bool) {
	if int(e.id) >= len(p.seen) || p.seen[e.id] == 0 {
		return 0, false
	}
	return int64(p.seen[e.id]) * 1000, true
}

// SetLastSeen corrects when an entity was last seen. The owner calls it after RollBack for
// each of the entities that Uncommitted returned before, because only their windows tell what
// it was. A negative time says that the entity has no point.
func (p *Partition) SetLastSeen(e *Entity, ms int64) {
	switch {
	case int(e.id) >= len(p.seen):
	case ms < 0:
		p.seen[e.id] = 0
	default:
		p.seen[e.id] = secondsOf(ms)
	}
}

// Uncommitted returns the entities of the points that RollBack would drop, each once.
func (p *Partition) Uncommitted() (entities []*Entity) {
	p.marks++
	for i := range p.pending[p.committed:] {
		if e := p.byID[p.pending[p.committed+i].id]; e.mark != p.marks {
			e.mark = p.marks
			entities = append(entities, e)
		}
	}
	return entities
}

// Silent returns the entities, cached or not, that were last seen at or after from and before
// until, in Unix milliseconds, in the order of their keys. It leaves out those that Keys leaves
// out, too. Values before the silentFrom of SetState may be too old, or missing. If some are
// not cached, it reads the keys of all entities.
func (p *Partition) Silent(from, until int64) (found []Silent, err error) {
	first, end := firstSecond(from), firstSecond(until)
	uncached := false
	for id, seen := range p.seen {
		if s := int64(seen); s < first || s >= end {
			continue
		}
		if e := p.byID[id]; e == nil || !e.cached {
			uncached = true
		} else if len(e.key) < longestKey {
			found = append(found, Silent{e.key, int64(seen) * 1000})
		}
	}
	if uncached && p.onDisk {
		err = p.eachUncached(func(key []byte, id uint32) {
			if s := int64(p.seen[id]); s >= first && s < end {
				found = append(found, Silent{string(key), s * 1000})
			}
		})
	}
	slices.SortFunc(found, func(a, b Silent) int { return cmp.Compare(a.Key, b.Key) })
	return found, err
}

// firstSecond is the first second at or after a time that Partition.seen can have.
func firstSecond(ms int64) int64 {
	s := ms / 1000
	if ms > s*1000 {
		s++
	}
	return max(s, 1)
}

// eachUncached visits the stored entities that are neither cached nor removed.
func (p *Partition) eachUncached(visit func(key []byte, id uint32)) error {
	prefix := slotPrefix(entityKind, p.slot)
	return p.look(func(v *view) error {
		return each(v.txn, prefix, func(item *badger.Item) error {
			key := item.Key()[len(prefix):]
			if len(key) >= longestKey {
				return nil
			}
			return valueOf(item, func(value []byte) error {
				id, err := decodeID(value)
				if err != nil || int(id) >= len(p.seen) {
					return err // the id is of a checkpoint that was not finished
				}
				if e := p.byID[id]; e == nil || !e.cached && !e.removed {
					visit(key, id)
				}
				return nil
			})
		})
	})
}

// readSeen finds when each entity was last seen: from the journal, and from the pages. If the
// pages are not complete, it reads all chunks and states instead.
func (p *Partition) readSeen(txn *badger.Txn) error {
	p.seen = make([]uint32, p.nextID)
	for id, e := range p.byID {
		if e == nil {
			continue
		}
		for i := range e.tail {
			point := &e.tail[i]
			p.see(uint32(id), point.At)
			b := &p.blocks[point.seq-p.blocks[0].seq]
			b.newest = max(b.newest, secondsOf(point.At))
		}
	}
	if !p.stored.seen {
		return p.readSeenOfChunks(txn)
	}
	return each(txn, sectionPrefix(p.slot, seenTag), func(item *badger.Item) error {
		number, err := partOf(item.Key())
		if err != nil {
			return err
		}
		return valueOf(item, func(value []byte) error {
			seen, err := decodePage(value)
			if first := uint64(number) * pageIDs; err == nil && first < uint64(len(p.seen)) {
				for i, s := range seen[:min(uint64(len(seen)), uint64(len(p.seen))-first)] {
					p.seen[first+uint64(i)] = max(p.seen[first+uint64(i)], s)
				}
			}
			return err
		})
	})
}

// readSeenOfChunks is for a directory that was written without Options.Seen: once, because the
// next checkpoint stores all pages.
func (p *Partition) readSeenOfChunks(txn *badger.Txn) error {
	see := func(kind byte, length int, newest func(item *badger.Item) (int64, error)) error {
		return each(txn, slotPrefix(kind, p.slot), func(item *badger.Item) error {
			key := item.Key()
			if len(key) != length || int(order.Uint32(key[5:])) >= len(p.seen) {
				return nil // Load tells, if it is of an entity
			}
			at, err := newest(item)
			if err == nil {
				p.see(order.Uint32(key[5:]), at)
			}
			return err
		})
	}
	states := stateReader(p.store, p.slot)
	defer states.close()
	err := see(chunkKind, 13, func(item *badger.Item) (at int64, err error) {
		err = valueOf(item, func(value []byte) (err error) {
			at, err = newestOfChunk(value)
			return err
		})
		return at, err
	})
	return errors.Join(err, see(stateKind, 9, func(item *badger.Item) (at int64, err error) {
		_, err = states.valueOf(item, func(value []byte) error {
			s, err := decodeState(value)
			at = s.Newest
			return err
		})
		return at, err
	}))
}

// noteNewest notes the newest time of a new block.
func (b *block) noteNewest(entries []entry) {
	for i := range entries {
		b.newest = max(b.newest, secondsOf(entries[i].At))
	}
}

// planPages encodes the pages that the plan stores: now, because the next points are not of
// this checkpoint. Of those entities that are in a trimmed block, one that was seen after the
// newest point of the block has a later point, which is in the journal still or in a page
// already.
func (p *Partition) planPages(plan *Plan) {
	head := plan.next
	if head == nil {
		head = p.stored
	}
	if !head.seen { // then no page was stored, or some are too old
		complete := *head
		complete.seen = true
		plan.complete = &complete
		for number := range (len(p.seen) + pageIDs - 1) / pageIDs {
			plan.pages = append(plan.pages, p.page(uint32(number)))
		}
		return
	}
	due := make(map[uint32]bool)
	for i := range plan.trimmed {
		b := p.block(plan, i)
		for id := range b.runs.all() {
			if seen := p.seen[id]; seen >= p.silentFrom && seen <= b.newest && seen > 0 {
				due[id/pageIDs] = true
			}
		}
	}
	for number := range due {
		plan.pages = append(plan.pages, p.page(number))
	}
	slices.SortFunc(plan.pages, func(a, b page) int { return cmp.Compare(a.number, b.number) })
}

func (p *Partition) page(number uint32) page {
	start := int(number) * pageIDs
	return page{number, encodePage(p.seen[start:min(start+pageIDs, len(p.seen))])}
}

// writePages goes before the deletion of the trimmed blocks, and after that of removed entities,
// whose values the pages no longer have.
func (plan *Plan) writePages(u *update) error {
	for _, page := range plan.pages {
		if err := u.set(sectionKey(plan.slot, seenTag, page.number), page.value); err != nil {
			return err
		}
	}
	return nil
}

// encodePage: each value as the difference to the last one that is not 0; most are the same.
func encodePage(seen []uint32) []byte {
	b := binary.AppendUvarint(room(8+2*len(seen)), uint64(len(seen)))
	last := int64(0)
	for _, s := range seen {
		if s == 0 {
			b = append(b, 0)
			continue
		}
		step := int64(s) - last
		b = binary.AppendUvarint(b, uint64(step<<1^step>>63)+1)
		last = int64(s)
	}
	return seal(b)
}

func decodePage(value []byte) ([]uint32, error) {
	b, err := body(value)
	if err != nil {
		return nil, err
	}
	count := b.count(1)
	if count > pageIDs {
		b.fail()
		count = 0
	}
	seen, last := make([]uint32, count), int64(0)
	for i := range seen {
		x := b.uvarint()
		if x == 0 {
			continue
		}
		x--
		last += int64(x>>1) ^ -int64(x&1)
		if last < 1 || last > math.MaxUint32 {
			b.fail()
			break
		}
		seen[i] = uint32(last)
	}
	return seen, b.end("page of last seen")
}
