package persistence

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
)

// Import is a snapshot that was read into a new slot. It does not count until it is
// adopted.
type Import struct {
	Snapshot
	slot  uint32
	seen  bool // the pages of last seen are written
	state stateRef
}

// record is the head that the import has once it is adopted.
func (i *Import) record() *record {
	entities := uint32(i.Entities)
	return &record{Head: i.Head, slot: i.slot, reserved: entities, entities: entities, seen: i.seen, state: i.state}
}

// importBytes is how much of a snapshot is kept in memory until it is written.
const importBytes = 1 << 20

// Check is what the owner knows of a snapshot, and this package does not. Both functions return why it is refused, or nil.
type Check struct {
	Head  func(Snapshot) error // is called once, before anything is written
	State func(State) error    // is called with each state of an entity; its bytes are valid until it returns
}

// Import reads a snapshot, and not a byte more, unless the check refuses it. The stored
// state of the partition does not change. The caller has to pass the result to Adopt or
// Drop. The error wraps ErrDamaged or ErrCut if the snapshot is not whole, and ErrNewer if
// a later version wrote it.
func (s *Store) Import(in io.Reader, check Check) (*Import, error) {
	i := s.importing()
	snapshot, err := readSnapshot(in, check, i.statePart, i.take)
	if err == nil {
		err = i.end()
	}
	result := i.result(snapshot)
	if err != nil {
		s.Drop(result)
		return nil, err
	}
	return result, nil
}

// Window is an entity's window: a state, if the head says that entities have one, and the points after it. It has at least one of both.
type Window struct {
	State  State
	Points []Point
}

// Make writes windows into a new slot, as Import does with those of a snapshot. The caller has to
// pass the result to Adopt or Drop.
func (s *Store) Make(partition int32, head Head, windows iter.Seq2[string, Window]) (*Import, error) {
	i, snapshot := s.importing(), Snapshot{Partition: partition, Head: head}
	err := i.windows(windows, &snapshot)
	if err == nil {
		err = i.end()
	}
	result := i.result(snapshot)
	if err != nil {
		s.Drop(result)
		return nil, err
	}
	return result, nil
}

// importing collects keys and values until there are enough to write.
type importing struct {
	store    *Store
	slot     uint32
	entities uint32
	start    uint32 // position of the entity's next point
	keys     [][]byte
	values   [][]byte
	bytes    int
	index    bool     // of last seen, which is kept
	seen     []uint32 // as in Partition
	length   int      // of the owner's state
	parts    uint32
}

// importing begins in a new slot.
func (s *Store) importing() *importing {
	return &importing{store: s, slot: s.newSlot(), index: s.options.Seen}
}

func (i *importing) result(snapshot Snapshot) *Import {
	return &Import{Snapshot: snapshot, slot: i.slot, seen: i.index, state: i.state()}
}

// state refers to the owner's state, of which there is one generation.
func (i *importing) state() stateRef { return newStateRef(1, i.length) }

// statePart takes a part of the owner's state. A snapshot that has one is for a store with
// Options.Seen, even if it is a command without it that imports the snapshot.
func (i *importing) statePart(bytes []byte) error {
	i.put(sectionKey(i.slot, stateTag, newStateRef(1, 1).number(i.parts)), encodePart(1, bytes))
	i.index = true
	i.parts++
	i.length += len(bytes)
	return i.flushIfMany()
}

// take gives an entity an id, and makes a chunk of its points. A state comes before the points.
func (i *importing) take(e *storedEntity, more bool) error {
	if !more {
		i.put(entityKey(i.slot, e.key), encodeID(i.entities))
		i.entities++
		i.start = 0
		if e.state.Bytes != nil {
			i.put(stateKey(i.slot, i.entities-1), encodeState(&entityState{State: e.state}))
		}
	}
	if len(e.points) > 0 {
		i.put(chunkKey(i.slot, i.entities-1, i.start), encodeChunk(0, e.points, nil))
		i.start += uint32(len(e.points))
	}
	if i.index {
		i.see(e, more)
	}
	return i.flushIfMany()
}

// see notes when the last entity was seen.
func (i *importing) see(e *storedEntity, more bool) {
	if !more {
		i.seen = append(i.seen, 0)
	}
	last := &i.seen[len(i.seen)-1]
	if !more && e.state.Bytes != nil {
		*last = secondsOf(e.state.Newest)
	}
	for _, point := range e.points {
		*last = max(*last, secondsOf(point.At))
	}
}

// end writes what is left, and the pages of last seen.
func (i *importing) end() error {
	for start := 0; start < len(i.seen); start += pageIDs {
		i.put(sectionKey(i.slot, seenTag, uint32(start/pageIDs)), encodePage(i.seen[start:min(start+pageIDs, len(i.seen))]))
	}
	return i.flush()
}

func (i *importing) flushIfMany() error {
	if i.bytes < importBytes {
		return nil
	}
	return i.flush()
}

// window takes an entity with all its points.
func (i *importing) window(e *storedEntity) error {
	part, points := *e, e.points
	for more := false; !more || len(points) > 0; more = true {
		part.points = points[:min(recordPoints, len(points))]
		points = points[len(part.points):]
		if err := i.take(&part, more); err != nil {
			return err
		}
	}
	return nil
}

// windows takes all windows, and counts them.
func (i *importing) windows(all iter.Seq2[string, Window], counts *Snapshot) error {
	for key, window := range all {
		if len(key) > maxKey {
			return fmt.Errorf("the key %.40q... is longer than %d bytes", key, maxKey)
		}
		counts.Entities++
		counts.Points += len(window.Points)
		if err := i.window(&storedEntity{key, window.State, window.Points}); err != nil {
			return err
		}
	}
	return nil
}

func (i *importing) put(key, value []byte) {
	i.keys, i.values = append(i.keys, key), append(i.values, value)
	i.bytes += len(key) + len(value)
}

func (i *importing) flush() error {
	err := i.store.update(func(u *update) error {
		for n, key := range i.keys {
			if err := u.set(key, i.values[n]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store a snapshot: %w", err)
	}
	i.keys, i.values, i.bytes = i.keys[:0], i.values[:0], 0
	return nil
}

// Adopt replaces the stored state of partitions by imports, all in one transaction. It
// waits until the partitions have no owner.
func (s *Store) Adopt(detector string, imports ...*Import) error {
	ordered := slices.Clone(imports)
	slices.SortFunc(ordered, func(a, b *Import) int { return int(a.Partition) - int(b.Partition) })
	for _, i := range ordered { // in order, so that two calls cannot wait for each other
		release, err := s.hold(headKey(detector, i.Partition))
		if err != nil {
			return err
		}
		defer release()
	}
	var replaced []uint32
	err := s.update(func(u *update) error {
		for _, i := range ordered {
			key := headKey(detector, i.Partition)
			_, err := get(u.txn, key, func(value []byte) error {
				old, err := decodeRecord(value)
				if err == nil {
					replaced = append(replaced, old.slot)
				}
				return err
			})
			if err != nil && !errors.Is(err, ErrCorrupt) {
				return err
			}
			if err := u.set(key, encodeRecord(i.record())); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("adopt a snapshot: %w", err)
	}
	s.purge(replaced...)
	return nil
}

// Drop deletes imports that are not adopted.
func (s *Store) Drop(imports ...*Import) {
	for _, i := range imports {
		s.purge(i.slot)
	}
}
