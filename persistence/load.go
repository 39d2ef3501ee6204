package persistence

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/dgraph-io/badger/v4"
)

// ErrRemoving is in the error of Load if the entity was removed, and that is not
// stored yet. It can be loaded as a new one after Settle.
var ErrRemoving = errors.New("its removal is not stored yet")

// Load makes an entity cached that is not, and returns the points that are stored
// of it, in the order of their arrival: those of its window, and perhaps some that
// lie before. They are valid until the next Load, Reload or Sweep. Known is false if nothing is
// stored of it. Reload gives the same points again, until Loaded says that nobody will ask.
func (p *Partition) Load(key string) (e *Entity, points []Point, known bool, err error) {
	e, w, known, err := p.load(key, allPoints)
	return e, w.points, known, err
}

// LoadState is Load for a partition whose entities have states: the points come after the state. The state is valid until the
// next Load, Peek or Sweep.
func (p *Partition) LoadState(key string) (e *Entity, state State, points []Point, known bool, err error) {
	e, w, known, err := p.load(key, allPoints)
	return e, w.state, w.points, known, err
}

// BriefWindow is what is stored of an entity's window, with an outline in the place of most points.
type BriefWindow struct {
	Outline []byte  // nil: there is none, and the points are all
	Newest  int64   // the greatest time of all points, Unix milliseconds
	Points  []Point // those after the outline
}

// LoadOutline is Load for an owner that needs no points if there is an outline. The outline is valid until the next Load, Reload, Peek or Sweep.
func (p *Partition) LoadOutline(key string) (e *Entity, w BriefWindow, known bool, err error) {
	e, stored, known, err := p.load(key, outlineIfStored)
	return e, BriefWindow{stored.outline, stored.newest(), stored.points}, known, err
}

// wanted is what is read of a window.
type wanted bool

const (
	allPoints       wanted = false
	outlineIfStored wanted = true // and the points that come after it
)

// load is LoadState and LoadOutline.
func (p *Partition) load(key string, what wanted) (e *Entity, w storedWindow, known bool, err error) {
	if len(p.removing) > 0 && p.removing[storedKey(key)] {
		return nil, w, false, fmt.Errorf("load entity %s: %w", key, ErrRemoving)
	}
	p.loaded = nil
	if p.onDisk {
		err = p.look(func(v *view) error {
			id, found, err := p.idOf(v, key)
			if !found || err != nil {
				return err
			}
			if e = p.byID[id]; e == nil {
				e = &Entity{id: id}
			}
			e.key = key
			w, err = p.loadWindow(v, e, p.points[:0], what)
			p.points = w.points
			e.named = !w.empty() // else its checkpoint was not finished
			return err
		})
		if err != nil {
			return nil, storedWindow{}, false, fmt.Errorf("load entity %s: %w", key, err)
		}
	}
	if e != nil {
		p.byID[e.id] = e
		e.cached = true
		if w.outline == nil {
			p.loaded = e
		}
		if !w.empty() && int(e.id) < len(p.seen) {
			p.see(e.id, w.newest()) // it may have been seen before silentFrom
		}
		if e.named {
			p.cached++
		}
		return e, w, e.named, nil
	}
	e = &Entity{key: key, id: p.nextID, cached: true}
	p.nextID++
	p.byID = append(p.byID, e)
	if p.store.options.Seen {
		p.seen = append(p.seen, 0)
	}
	return e, w, false, nil
}

// Reload returns all points that were stored of a cached entity when it was loaded. They are in the same place, because an entity is sealed
// only after its owner was asked for points of it: an owner that does not have them reloads them first.
func (p *Partition) Reload(e *Entity) (points []Point, err error) {
	if p.loaded != e {
		p.loaded = nil
		err = p.look(func(v *view) error {
			w, err := v.readWindow(p.slot, e.id, e.tail, p.points[:0], allPoints)
			p.points = w.points
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("load entity %s again: %w", e.key, err)
		}
	}
	return p.points, nil
}

// Loaded says that Reload will not be called for an entity.
func (p *Partition) Loaded(e *Entity) { e.tail = nil }

// Peek returns the window of a stored entity that is not cached. It changes nothing.
func (p *Partition) Peek(key string) (points []Point, err error) {
	_, points, err = p.PeekState(key)
	return points, err
}

// PeekState is Peek for a partition whose entities have states: the points come after the state. The state is valid until the next Load, Peek or
// Sweep.
func (p *Partition) PeekState(key string) (state State, points []Point, err error) {
	if !p.onDisk {
		return State{}, nil, nil
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
		w, err := p.loadWindow(v, &e, nil, allPoints)
		state, points = w.state, w.points
		return err
	})
	if err != nil {
		return State{}, nil, fmt.Errorf("look at entity %s: %w", key, err)
	}
	return state, p.live(points), nil
}

// lookUp finds the id of a key. An id that was not given to an entity is of a
// checkpoint that was not finished, or is damaged.
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

// loadWindow reads an entity's window into a buffer, and notes where its parts are.
func (p *Partition) loadWindow(v *view, e *Entity, buffer []Point, what wanted) (storedWindow, error) {
	w, err := v.readWindow(p.slot, e.id, e.tail, buffer, what)
	e.chunks, e.through, e.arrived, e.unsealed = w.chunks, w.through, w.arrived, w.unsealed
	return w, err
}

// storedWindow is what is stored of an entity's window. Its fields are those of Entity.
type storedWindow struct {
	state         State
	outline       []byte  // in the place of points; nil: there are all
	outlineNewest int64   // the greatest time of those that the outline is of
	points        []Point // after the state or the outline, if there is one
	chunks        []uint32
	through       uint64
	arrived       uint32
	unsealed      uint32
}

// empty tells whether nothing is stored.
func (w *storedWindow) empty() bool {
	return len(w.points) == 0 && w.state.Bytes == nil && w.outline == nil
}

// newest is the greatest time of a window that is not empty.
func (w *storedWindow) newest() (at int64) {
	at = math.MinInt64
	switch {
	case w.state.Bytes != nil:
		at = w.state.Newest
	case w.outline != nil:
		at = w.outlineNewest
	}
	for i := range w.points {
		at = max(at, w.points[i].At)
	}
	return at
}

// readWindow reads an entity's state and chunks, and adds its points of the journal that are
// in none of them. The points are in the buffer, if it is large enough.
func (v *view) readWindow(slot, id uint32, tail []journaled, buffer []Point, what wanted) (w storedWindow, err error) {
	w.points = buffer
	if err := v.readState(slot, id, &w); err != nil {
		return w, err
	}
	stored, err := v.gather(slot, id)
	if err != nil {
		return w, err
	}
	outline := false
	if what == outlineIfStored {
		outline, err = w.takeOutline(stored, slot, id, tail)
	}
	if !outline && err == nil {
		err = w.takeChunks(stored, slot, id, v.states != nil)
	}
	for _, point := range tail {
		if point.seq > w.through {
			w.points = append(w.points, point.Point)
			w.unsealed++
		}
	}
	w.arrived += w.unsealed
	w.chunks = slices.Clone(stored.starts)
	return w, err
}

// takeChunks takes the points of all chunks. Chunks may overlap each other and the state: what both have is the same.
func (w *storedWindow) takeChunks(stored *gathered, slot, id uint32, stateful bool) error {
	begins := int64(w.arrived)
	for i, start := range stored.starts {
		value, err := stored.value(slot, id, i)
		if err != nil {
			return err
		}
		skip := max(begins-int64(start), 0) // how many of its points the state has
		switch back := int64(w.arrived) - int64(start) - skip; {
		case back < 0 && stateful:
			return fmt.Errorf("%w: points before chunk %d are missing", ErrCorrupt, start)
		case len(w.points) == 0:
		case back < 0: // the window has lost what lies between
			w.points = w.points[:0]
		case back > int64(len(w.points)):
			return fmt.Errorf("%w: chunk %d overlaps more than there is", ErrCorrupt, start)
		default:
			w.points = w.points[:len(w.points)-int(back)]
		}
		before := len(w.points)
		c, err := decodeChunk(value, w.points)
		if err != nil {
			return fmt.Errorf("chunk %d: %w", start, err)
		}
		w.points = slices.Delete(c.points, before, before+int(min(skip, int64(c.count))))
		if end := start + c.count; int64(end) > begins {
			w.arrived = end
		}
		w.through = max(w.through, c.through)
	}
	return nil
}

// takeOutline takes the outline of the last chunk, if it has one and few points come after it. The points of the chunks are not looked at.
func (w *storedWindow) takeOutline(stored *gathered, slot, id uint32, tail []journaled) (taken bool, err error) {
	last := len(stored.starts) - 1
	if last < 0 || stored.format(last) != outlined {
		return false, nil
	}
	value, err := stored.value(slot, id, last)
	if err != nil {
		return false, err
	}
	c, _, err := beginChunk(value)
	if err != nil {
		return false, fmt.Errorf("chunk %d: %w", stored.starts[last], err)
	}
	if after := len(tail) - outlineReach - 1; after >= 0 && tail[after].seq > c.through {
		return false, nil
	}
	w.outline, w.outlineNewest, w.through, w.arrived = c.outline, c.newest, c.through, stored.starts[last]+c.count
	return true, nil
}
