package persistence

import (
	"encoding/binary"
	"fmt"

	"github.com/dgraph-io/badger/v4"
)

// The owner may keep something of an entity that does not follow from the last points, as the method habit does. Then a checkpoint stores a state,
// which means nothing to this package, where it would store a chunk. There is one value for each entity, which the next one overwrites. The journal's
// later points come after it:
//
//	state            block 17   block 18
//	[ ... p0..p89]   p90        p91        up to the head's offset
//
// An entity that is not cached has nobody who makes a state of its points. Their blocks are trimmed all the same: then its points become
// a chunk, which comes after the state, until a checkpoint that stores the next state deletes it. So do the points of an import.
//
// Whether entities have states is a property of the slot: of the head that refers to it. Such a head names by what they were made, and a version
// that knows no states refuses it.
//
//	state    through newest position | bytes
//
// Position is that of the point after the state: the chunks from there on come after it.

// State is the owner's state of an entity.
type State struct {
	Bytes  []byte // nil: there is none
	Newest int64  // the greatest time of the points in it, Unix milliseconds
}

// entityState is a stored state.
type entityState struct {
	State
	through uint64 // what the journal holds of the entity up to this block is in the state
	arrived uint32 // the position after the points in it
}

func encodeState(s *entityState) []byte {
	b := binary.AppendUvarint(room(3*binary.MaxVarintLen64+len(s.Bytes)), s.through)
	b = binary.AppendUvarint(binary.AppendVarint(b, s.Newest), uint64(s.arrived))
	return seal(append(b, s.Bytes...))
}

// decodeState reads a stored state. Its bytes are a part of the value.
func decodeState(value []byte) (s entityState, err error) {
	b, err := body(value)
	if err != nil {
		return s, err
	}
	s.through, s.Newest, s.arrived = b.uvarint(), b.varint(), b.uint32()
	if len(b.rest) == 0 {
		b.fail()
	}
	s.Bytes, b.rest = b.rest, nil
	return s, b.end("state")
}

// newestOfState does not copy the state.
func newestOfState(value []byte) (int64, error) {
	s, err := decodeState(value)
	return s.Newest, err
}

// readState reads an entity's state, if entities have states.
func (v *view) readState(slot, id uint32, w *storedWindow) error {
	if v.states == nil {
		return nil
	}
	return v.states.eachOf(slot, id, func(item *badger.Item) error {
		if key := item.Key(); len(key) != 9 {
			return fmt.Errorf("%w: a state has the key %x", ErrCorrupt, key)
		}
		return valueOf(item, func(value []byte) error {
			s, err := decodeState(value)
			if err != nil {
				return err
			}
			v.state = append(v.state[:0], s.Bytes...)
			w.state, w.through, w.arrived = State{v.state, s.Newest}, s.through, s.arrived
			return nil
		})
	})
}

// stateful tells whether the entities of the slot have states.
func (p *Partition) stateful() bool { return p.states != "" }

// live leaves out the points that the window has lost. Those after a state all count.
func (p *Partition) live(points []Point) []Point {
	if p.stateful() {
		return points
	}
	return window(points, p.stored.History)
}

// StateOf appends the state of a cached entity, as it is now, and returns the greatest time of its points.
type StateOf func(e *Entity, to []byte) (state []byte, newest int64)

// FillStates is Fill for entities that have states.
func (plan *Plan) FillStates(state StateOf) {
	plan.mustBeOfNow()
	for i := range plan.sealings {
		s := &plan.sealings[i]
		if !s.cached || s.unsealed == 0 {
			continue
		}
		s.from = len(plan.states)
		plan.states, s.newest = state(s.entity, plan.states)
		s.to = len(plan.states)
	}
	plan.filled = true
}

// sealState writes the state of a cached entity, and deletes the chunks before it.
func (plan *Plan) sealState(u *update, s *sealing) error {
	value := encodeState(&entityState{State{plan.states[s.from:s.to], s.newest}, plan.through, s.arrived})
	if err := u.set(stateKey(plan.slot, s.entity.id), value); err != nil {
		return err
	}
	for _, start := range s.chunks {
		if err := u.delete(chunkKey(plan.slot, s.entity.id, start)); err != nil {
			return err
		}
	}
	s.chunks, s.unsealed, s.through = nil, 0, plan.through
	return nil
}

// planStates has the plan seal the entities of its new points whose turn it is. Each has its turn once in a period of points of its own. The
// first turn comes at a point that depends on the entity: so the entities do not all have theirs at once, as they would if the trim of a block
// sealed them.
func (p *Partition) planStates(plan *Plan, limit int) {
	period := uint32(max(1, limit/max(1, p.entities+len(plan.added))-stateSlack))
	for _, e := range plan.touched {
		due := period
		if e.through == 0 {
			due = 1 + e.id%period
		}
		if e.unsealed+e.planned >= due && e.cached && !e.removed {
			p.sealingOf(plan, e)
		}
	}
}

// stateSlack is how many points of each entity the journal has room for beside those of a period.
const stateSlack = 2
