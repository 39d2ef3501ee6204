package persistence

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/dgraph-io/badger/v4"
)

// The owner may keep something of an entity that does not follow from the last points, as the method habit does. Then a checkpoint stores a state,
// which means nothing to this package. There is one value for each entity, which the next one overwrites. The chunks from its position on, and the
// journal's later points, come after it:
//
//	state           chunk 90         chunk 110        block 17   block 18
//	[ p0 ... p89]   [p90 ... p109]   [p110 ... ]      p130       p131        up to the head's offset
//
// A state is as long as hundreds of points. So an entity that is sealed, because its points leave the journal or in its turn, gets a chunk, as without states. It
// gets a state when its period has gone by since its last one, or if the owner does not know the points any more. The state replaces the chunks.
//
// Whether entities have states is a property of the slot: of the head that refers to it. Such a head names by what they were made, and a version
// that knows no states refuses it.
//
//	state    through newest position | bytes
//
// Position is that of the point after the state. A large checkpoint has its states in a file; see state_files.go.

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
	return appendState(make([]byte, 0, 5+3*binary.MaxVarintLen64+len(s.Bytes)), s)
}

func appendState(to []byte, s *entityState) []byte {
	start := len(to)
	b := binary.AppendUvarint(append(to, make([]byte, 5)...), s.through)
	b = binary.AppendUvarint(binary.AppendVarint(b, s.Newest), uint64(s.arrived))
	b = append(b, s.Bytes...)
	seal(b[start:])
	return b
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

// readState reads an entity's state, if entities have states.
func (v *view) readState(slot, id uint32, w *storedWindow) error {
	if v.states == nil {
		return nil
	}
	return v.states.eachOf(slot, id, func(item *badger.Item) error {
		if _, err := idOfState(item.Key()); err != nil {
			return err
		}
		_, err := v.files.valueOf(item, func(value []byte) error {
			s, err := decodeState(value)
			if err != nil {
				return err
			}
			v.state = append(v.state[:0], s.Bytes...)
			w.state, w.through, w.arrived = State{v.state, s.Newest}, s.through, s.arrived
			return nil
		})
		return err
	})
}

// idOfState is the id in the key of a state.
func idOfState(key []byte) (uint32, error) {
	if len(key) != 9 {
		return 0, fmt.Errorf("%w: a state has the key %x", ErrCorrupt, key)
	}
	return order.Uint32(key[5:]), nil
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

// statePeriod is how many points may come after a state. More of them make a load longer, and fewer make more to write. With the method habit, a load
// takes 35 us for the state and 0.75 us for each point after it, and a state is as long as 500 points in a chunk (measured).
const statePeriod = 256

// period is how many points may come after the state of an entity: from half of statePeriod on. Entities have periods of different lengths, so that
// those that began at the same time do not write their states at the same time.
func (plan *Plan) period(e *Entity) uint32 {
	const factor = 2654435761 // ids that follow each other get different periods
	longest := uint32(cmp.Or(plan.store.options.Period, statePeriod))
	return longest/2 + e.id*factor%(longest-longest/2)
}

// FillStates is Fill for entities that have states. A tail may be shorter than asked for, if the owner does not know more points.
func (plan *Plan) FillStates(tail Tail, state StateOf) {
	plan.mustBeOfNow()
	for i := range plan.sealings {
		s := &plan.sealings[i]
		if !s.cached || s.unsealed == 0 {
			continue
		}
		if !plan.stateDue(s) {
			if points, _ := tail(s.entity, int(s.unsealed)); len(points) == int(s.unsealed) {
				s.live, s.from = s.arrived, len(plan.points) // no chunk after the state is lost
				plan.points = append(plan.points, points...)
				s.to = len(plan.points)
				continue
			}
		}
		s.stated, s.from = true, len(plan.owned)
		plan.owned, s.newest = state(s.entity, plan.owned)
		s.to = len(plan.owned)
		if s.from == 0 { // to grow step by step would copy tens of megabytes several times
			plan.owned = slices.Grow(plan.owned, min(s.to*plan.countDue(plan.sealings[i+1:]), mostStatesRoom))
		}
	}
	plan.planStateFiles()
	plan.filled = true
}

// mostStatesRoom bounds the room that is made for states beforehand, in bytes, because the first one may be unusually long.
const mostStatesRoom = 64 << 20

// stateDue tells whether an entity gets a state even if its owner knows all points since its last one.
func (plan *Plan) stateDue(s *sealing) bool {
	return s.first || s.sinceState() >= plan.period(s.entity)
}

// turnsFrom is the fewest turns of a checkpoint for which entities are sealed in turn. The states of fewer may make no file.
const turnsFrom = 512

// firstPart: an entity that was never sealed gets a state in its turn after a quarter of its period (docs/adr/0043).
const firstPart = 4

// sealInTurn seals some entities before their points leave the journal. Else those whose points came together would be sealed together: 10,000 entities,
// with states of 45 MB, in one checkpoint, and none in the next twenty. Each entity has its turn once while the journal goes by. If it is too early for
// a state, it gets a chunk. One that was never sealed gets its state earlier, because a chunk for each new entity is dearer.
func (p *Partition) sealInTurn(plan *Plan, limit int) {
	points := len(plan.entries)
	if !plan.stateful || points*p.cached/limit < cmp.Or(p.store.options.Turns, turnsFrom) {
		return
	}
	turns := (points*len(p.byID) + limit - 1) / limit // of ids, and some have no entity
	for range min(turns, len(p.byID)) {
		p.turn = (p.turn + 1) % len(p.byID)
		if e := p.byID[p.turn]; e != nil && e.cached && !e.removed && e.unsealed+e.planned > 0 {
			s := p.sealingOf(plan, e)
			s.first = e.through == 0 && s.unsealed >= plan.period(e)/firstPart
		}
	}
}

// countDue is how many of the sealings are of cached entities that get a state because of their points.
func (plan *Plan) countDue(sealings []sealing) (due int) {
	for i := range sealings {
		if s := &sealings[i]; s.cached && s.unsealed > 0 && plan.stateDue(s) {
			due++
		}
	}
	return due
}

// sinceState is how many points come after the stored state.
func (s *sealing) sinceState() uint32 {
	if len(s.chunks) > 0 {
		return s.arrived - s.chunks[0]
	}
	return s.unsealed
}

// stateOf is the state to be stored for a sealing.
func (plan *Plan) stateOf(s *sealing) *entityState {
	return &entityState{State{plan.owned[s.from:s.to], s.newest}, plan.through, s.arrived}
}

// sealState writes the state of a cached entity, and deletes the chunks before it.
func (plan *Plan) sealState(u *update, s *sealing) error {
	var value []byte
	if file := plan.filing.file; file != 0 {
		value = encodePlace(place{file, uint64(s.from), uint64(s.to - s.from)})
	} else {
		value = encodeState(plan.stateOf(s))
	}
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
