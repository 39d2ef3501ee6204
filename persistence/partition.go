package persistence

import (
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"
)

// Partition is the stored state of one Kafka partition of one detector. One at a
// time holds it, and uses it from one goroutine.
type Partition struct {
	store   *Store
	head    []byte // its key
	stored  *record
	release func()

	// What is not stored under any head yet goes to the slot.
	slot     uint32
	begun    bool // a checkpoint to it, and no head refers to it yet
	nextID   uint32
	entities int
	resident int  // of them
	onDisk   bool // there may be entities that are not resident
	byID     []*Entity
	blocks   []block // of the journal, oldest first
	unsealed int     // points in them

	pending     []entry   // points that are not stored
	committed   int       // of them, from the front, may be
	checkpoints uint64    // begun
	written     uint64    // blocks, of unfinished checkpoints too
	touched     []*Entity // scratch: the entities with points in the running checkpoint
	ids         []uint32  // scratch: those of a block, and
	counts      []uint16  // how many points they have in it
	encoded     []byte    // scratch: the blocks
	removed     []*Entity
	cursor      []byte   // where the sweep is
	swept       []string // keys that it removed, the last time
	view        *view    // nil, or what was stored at the last checkpoint
}

// Entity is what a Partition knows of an entity that is resident, or has points
// in the journal since before.
type Entity struct {
	key      string
	id       uint32
	arrived  uint32 // position after its last stored point
	unsealed uint32 // so many of those points are in the journal only
	through  uint64 // the journal up to this block is sealed
	chunks   []uint32
	tail     []journaled // of a dormant one: its points of the journal
	named    bool        // its key is stored, and it counts as one of the partition's
	resident bool
	removed  bool // at the next checkpoint

	// Of the checkpoint that is being written; see share and touch.
	checkpoint uint64
	block      uint64
	counted    uint32 // points in the checkpoint
	place      uint32 // in the block's ids
}

// Key is the entity's key.
func (e *Entity) Key() string { return e.key }

// journaled is a point and the block it is in.
type journaled struct {
	Point
	seq uint64
}

// entry is a point to be stored. It has no pointer: there may be millions.
type entry struct {
	id uint32
	Point
}

// block is what is known of a journal block without its points.
type block struct {
	seq    uint64
	points int
	ids    []uint32 // each once
	counts []uint16 // of their points
}

// Partition waits until nobody else holds the partition, and takes it.
func (s *Store) Partition(detector string, number int32) (*Partition, error) {
	key := headKey(detector, number)
	release, err := s.hold(key)
	if err != nil {
		return nil, err
	}
	p := &Partition{store: s, head: key, release: release}
	err = p.open()
	if err == nil {
		err = p.densify()
	}
	if errors.Is(err, ErrCorrupt) && s.options.StopOnDamage {
		err = fmt.Errorf("%w; %w", err, errAsked)
	} else if errors.Is(err, ErrCorrupt) {
		s.options.Log.Error("the stored state of a partition is corrupt, it will be rebuilt from the topic",
			"detector", detector, "partition", number, "error", err)
		p.stored, err = nil, nil
	}
	if err != nil {
		p.Close()
		return nil, fmt.Errorf("open state of partition %d: %w", number, err)
	}
	if p.stored == nil {
		p.Reset()
	}
	return p, nil
}

// hold waits until nobody else holds the partition with that head, and takes it.
func (s *Store) hold(key []byte) (release func(), err error) {
	s.mu.Lock()
	token, known := s.owners[string(key)]
	if !known {
		token = make(chan struct{}, 1)
		token <- struct{}{}
		s.owners[string(key)] = token
	}
	s.mu.Unlock()
	select {
	case <-token:
		return func() { token <- struct{}{} }, nil
	case <-s.stop:
		return nil, ErrClosed
	}
}

// Close lets another one take the partition. What was not stored is forgotten.
func (p *Partition) Close() {
	p.endView()
	p.abandon()
	p.release()
}

// Head is what is stored of the partition, and false if nothing is.
func (p *Partition) Head() (Head, bool) {
	if p.stored == nil {
		return Head{}, false
	}
	return p.stored.Head, true
}

// Entities is how many entities are stored, resident or not.
func (p *Partition) Entities() int { return p.entities }

// Absent is how many entities are stored that are not resident.
func (p *Partition) Absent() int { return p.entities - p.resident }

// Reset begins anew, without entities. What is stored stays until the first
// checkpoint.
func (p *Partition) Reset() {
	p.endView()
	p.abandon()
	p.slot, p.nextID, p.entities, p.resident, p.onDisk = p.store.newSlot(), 0, 0, 0, false
	p.byID, p.blocks, p.unsealed = nil, nil, 0
	p.pending, p.committed, p.removed, p.cursor = nil, 0, nil, nil
}

// abandon deletes what was written to a slot that no head refers to. A write that failed
// may have come through, so the head is asked.
func (p *Partition) abandon() {
	if !p.begun {
		return
	}
	p.begun = false
	var now *record
	err := p.store.view(func(txn *badger.Txn) (err error) {
		now, err = readHead(txn, p.head)
		return err
	})
	if err == nil && (now == nil || now.slot != p.slot) {
		p.store.purge(p.slot)
	}
}

// open reads the head and the journal.
func (p *Partition) open() error {
	var torn [][]byte
	err := p.store.view(func(txn *badger.Txn) (err error) {
		torn, err = p.read(txn)
		return err
	})
	if err != nil || len(torn) == 0 {
		return err
	}
	// Of a checkpoint that was not finished: its numbers will be used again.
	whole := *p.stored
	whole.underway = false
	err = p.store.update(func(u *update) error {
		for _, key := range torn {
			if err := u.delete(key); err != nil {
				return err
			}
		}
		return u.set(p.head, encodeRecord(&whole))
	})
	if err == nil {
		p.stored = &whole
	}
	return err
}

// read reads the head and the journal as of one moment, if there are any, and
// names the blocks of a checkpoint that was not finished.
func (p *Partition) read(txn *badger.Txn) (torn [][]byte, err error) {
	if p.stored, err = readHead(txn, p.head); p.stored == nil {
		return nil, err
	}
	r := p.stored
	p.slot, p.nextID, p.entities, p.onDisk = r.slot, r.reserved, int(r.entities), true
	p.byID = make([]*Entity, p.nextID)
	var strays [][]byte
	if r.removing || r.underway {
		// The process ended before all of them were gone: what is left counts, until
		// it is removed again.
		if p.entities, strays, err = p.census(txn); err != nil {
			return nil, err
		}
	}
	torn, err = p.readJournal(txn)
	return append(torn, strays...), err
}

// census counts the stored entities, and names those whose ids are of a checkpoint that
// was not finished.
func (p *Partition) census(txn *badger.Txn) (count int, strays [][]byte, err error) {
	err = each(txn, slotPrefix(entityKind, p.slot), func(item *badger.Item) error {
		return valueOf(item, func(value []byte) error {
			id, err := decodeID(value)
			if err == nil && p.stray(id) {
				strays = append(strays, item.KeyCopy(nil))
			} else {
				count++
			}
			return err
		})
	})
	return count, strays, err
}

// stray tells an id that does not count, for its checkpoint was not finished.
func (p *Partition) stray(id uint32) bool {
	return p.stored != nil && p.stored.underway && id >= uint32(len(p.byID))
}

// readJournal reads all blocks twice: to count, and to put each entity's points
// together.
func (p *Partition) readJournal(txn *badger.Txn) (torn [][]byte, err error) {
	prefix := slotPrefix(blockKind, p.slot)
	counts := make([]uint32, p.nextID)
	blockOf, places := make([]uint32, p.nextID), make([]uint16, p.nextID) // where an entity was seen last
	total, number, next := 0, uint32(0), uint64(0)
	err = each(txn, prefix, func(item *badger.Item) error {
		seq, err := seqOf(item.Key())
		if err != nil {
			return err
		}
		if seq > p.stored.seq {
			torn = append(torn, item.KeyCopy(nil))
			return nil
		}
		if next > 0 && seq != next {
			return fmt.Errorf("%w: journal block %d is missing", ErrCorrupt, next)
		}
		next = seq + 1
		b := block{seq: seq}
		number++
		var foreign error
		err = valueOf(item, func(value []byte) error {
			return eachOfBlock(value, func(id uint32, _ Point) {
				if int(id) >= len(counts) || b.points == blockPoints {
					foreign = fmt.Errorf("%w: journal block %d has more than %d points, or entity %d of %d", ErrCorrupt, seq, blockPoints, id, len(counts))
					return
				}
				counts[id]++
				b.points++
				if blockOf[id] != number {
					blockOf[id], places[id] = number, uint16(len(b.ids))
					b.ids, b.counts = append(b.ids, id), append(b.counts, 0)
				}
				b.counts[places[id]]++
			})
		})
		total += b.points
		p.blocks = append(p.blocks, b)
		return errors.Join(err, foreign)
	})
	if err != nil {
		return nil, err
	}
	if len(p.blocks) > 0 && next != p.stored.seq+1 {
		return nil, fmt.Errorf("%w: journal block %d is missing", ErrCorrupt, next)
	}
	p.unsealed = total
	all := make([]journaled, total)
	entities := make([]Entity, 0, p.nextID)
	for id, count := range counts {
		if count > 0 {
			entities = append(entities, Entity{id: uint32(id), named: true, tail: all[:0:count]})
			p.byID[id] = &entities[len(entities)-1]
			all = all[count:]
		}
	}
	for _, b := range p.blocks {
		_, err := get(txn, blockKey(p.slot, b.seq), func(value []byte) error {
			return eachOfBlock(value, func(id uint32, point Point) {
				e := p.byID[id]
				e.tail = append(e.tail, journaled{point, b.seq})
			})
		})
		if err != nil {
			return nil, err
		}
	}
	return torn, nil
}

func seqOf(key []byte) (uint64, error) {
	if len(key) != 13 {
		return 0, fmt.Errorf("%w: a journal block has the key %x", ErrCorrupt, key)
	}
	return order.Uint64(key[5:]), nil
}

// Load makes an entity resident, and returns the points that are stored of it,
// in the order of their arrival: those of its window, and perhaps some that lie
// before. Known is false if nothing is stored of it.
func (p *Partition) Load(key string) (e *Entity, points []Point, known bool, err error) {
	for _, gone := range p.removed {
		if storedKey(gone.key) == storedKey(key) {
			return nil, nil, false, fmt.Errorf("load entity %s: its removal has not been stored", key)
		}
	}
	if p.onDisk {
		err = p.look(func(v *view) error {
			id, found, err := p.lookUp(v.txn, key)
			if !found || err != nil {
				return err
			}
			if e = p.byID[id]; e == nil {
				e = &Entity{id: id}
			}
			e.key = key
			points, err = p.loadPoints(v.chunks, e)
			e.named = len(points) > 0 // else its checkpoint was not finished
			return err
		})
		if err != nil {
			return nil, nil, false, fmt.Errorf("load entity %s: %w", key, err)
		}
	}
	if e != nil {
		p.byID[e.id] = e
		e.tail, e.resident = nil, true
		if e.named {
			p.resident++
		}
		return e, points, e.named, nil
	}
	e = &Entity{key: key, id: p.nextID, resident: true}
	p.nextID++
	p.byID = append(p.byID, e)
	return e, nil, false, nil
}

// Peek returns the points that are stored of an entity that is not resident, as
// far as they are of its window. It changes nothing.
func (p *Partition) Peek(key string) (points []Point, err error) {
	if !p.onDisk {
		return nil, nil
	}
	err = p.look(func(v *view) error {
		id, found, err := p.lookUp(v.txn, key)
		if !found || err != nil {
			return err
		}
		e := Entity{id: id}
		if known := p.byID[id]; known != nil {
			if known.removed {
				return nil
			}
			e.tail = known.tail
		}
		points, err = p.loadPoints(v.chunks, &e)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look at entity %s: %w", key, err)
	}
	return window(points, p.stored.History), nil
}

// lookUp finds the id of a key. An id that has not been given out belongs to a
// checkpoint that is not finished, or is none.
func (p *Partition) lookUp(txn *badger.Txn, key string) (id uint32, found bool, err error) {
	found, err = get(txn, entityKey(p.slot, key), func(value []byte) (err error) {
		id, err = decodeID(value)
		return err
	})
	if found && err == nil && p.stray(id) {
		return 0, false, nil
	}
	if found && err == nil && id >= uint32(len(p.byID)) {
		err = fmt.Errorf("%w: entity %d of %d", ErrCorrupt, id, len(p.byID))
	}
	return id, found, err
}

// loadPoints reads an entity's chunks, and adds its points of the journal that
// are in none of them. Chunks may overlap: what both have is the same.
func (p *Partition) loadPoints(chunks *badger.Iterator, e *Entity) (points []Point, err error) {
	e.chunks, e.through, e.arrived = nil, 0, 0
	err = eachOf(chunks, chunkPrefix(p.slot, e.id), func(item *badger.Item) error {
		key := item.Key()
		if len(key) != 13 {
			return fmt.Errorf("%w: a chunk has the key %x", ErrCorrupt, key)
		}
		start := order.Uint32(key[9:])
		return valueOf(item, func(value []byte) error {
			c, err := decodeChunk(value)
			if err != nil {
				return fmt.Errorf("chunk %d: %w", start, err)
			}
			if len(points) > 0 {
				switch back := int64(e.arrived) - int64(start); {
				case back < 0: // what lies between was evicted
					points = points[:0]
				case back > int64(len(points)):
					return fmt.Errorf("%w: chunk %d overlaps more than there is", ErrCorrupt, start)
				default:
					points = points[:len(points)-int(back)]
				}
			}
			points = append(points, c.points...)
			e.chunks = append(e.chunks, start)
			e.arrived, e.through = start+uint32(len(c.points)), max(e.through, c.through)
			return nil
		})
	})
	e.unsealed = 0
	for _, point := range e.tail {
		if point.seq > e.through {
			points = append(points, point.Point)
			e.unsealed++
		}
	}
	e.arrived += e.unsealed
	return points, err
}

// Append adds a point to what the next checkpoint stores, once it is committed.
func (p *Partition) Append(e *Entity, at int64, value float64) {
	p.pending = append(p.pending, entry{e.id, Point{at, value}})
}

// Commit marks what was appended as to be stored.
func (p *Partition) Commit() { p.committed = len(p.pending) }

// RollBack forgets what was appended since the last Commit.
func (p *Partition) RollBack() { p.pending = p.pending[:p.committed] }

// Pending is how many points are not stored.
func (p *Partition) Pending() int { return len(p.pending) }
