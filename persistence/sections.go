package persistence

import (
	"encoding/binary"
	"fmt"

	"github.com/dgraph-io/badger/v4"
)

// A section is what is stored of a partition beside its windows. The head names the sections
// that there are, each by a tag:
//
//	+--------+----------------+-------
//	| tag u8 | length uvarint | bytes      the parts of a section have keys of their own
//	+--------+----------------+-------
//	seen     (no bytes)                    the pages of last seen are complete; see seen.go
//	state    generation | parts | length   the owner's state
//	states   text                          entities have states, and this says by what they were made; see state.go
//	files    (no bytes)                    journal blocks may be in files; see files.go
//	outlines (no bytes)                    chunks may have outlines; see outline.go
//	filed states (no bytes)                states may be in files; see state_files.go
//
// A head without a section has format 1, as before there were sections, and a head with one
// has sectioned. Bit 7 of a tag says that a version that does not know the section may ignore
// it. The next head that it writes does not name it.
//
// The parts of the owner's state are written before the head that names their generation, and
// those of the generation before are deleted after it. So the head always names a whole state.
const (
	seenTag        = 1
	stateTag       = 2
	statesTag      = 3
	filesTag       = 4
	outlinesTag    = 5
	filedStatesTag = 6
	skippable      = 0x80
)

const (
	// partBytes is how many bytes of the owner's state a part has. Even the smallest
	// memtable keeps it in Badger's tree, and takes it in one transaction.
	partBytes = 256 << 10
	// partBits are the bits of a part's number that count the parts of a generation. The
	// others are the lowest of the generation.
	partBits = 12
	maxParts = 1 << partBits
)

// stateRef names the parts of the owner's state; without parts there is none.
type stateRef struct {
	generation uint64
	parts      uint32
	length     uint64
}

func newStateRef(generation uint64, length int) stateRef {
	if length == 0 {
		return stateRef{}
	}
	return stateRef{generation, uint32((length + partBytes - 1) / partBytes), uint64(length)}
}

// number is the number of a part in its key.
func (r stateRef) number(part uint32) uint32 { return uint32(r.generation)<<partBits | part }

// has tells whether a part with this number is one of these.
func (r stateRef) has(number uint32) bool {
	return number>>partBits == r.number(0)>>partBits && number%maxParts < r.parts
}

func sectionPrefix(slot uint32, tag byte) []byte { return append(slotPrefix(sectionKind, slot), tag) }

func sectionKey(slot uint32, tag byte, part uint32) []byte {
	return order.AppendUint32(sectionPrefix(slot, tag), part)
}

// partOf is the number of a part.
func partOf(key []byte) (uint32, error) {
	if len(key) != 10 {
		return 0, fmt.Errorf("%w: a part of a section has the key %x", ErrCorrupt, key)
	}
	return order.Uint32(key[6:]), nil
}

// appendSections appends what the head says of its sections.
func appendSections(b []byte, r *record) []byte {
	if r.seen {
		b = append(b, seenTag|skippable, 0)
	}
	if r.state.parts > 0 {
		var state []byte
		for _, x := range []uint64{r.state.generation, uint64(r.state.parts), r.state.length} {
			state = binary.AppendUvarint(state, x)
		}
		b = append(binary.AppendUvarint(append(b, stateTag), uint64(len(state))), state...)
	}
	if r.States != "" {
		b = append(binary.AppendUvarint(append(b, statesTag), uint64(len(r.States))), r.States...)
	}
	if r.files {
		b = append(b, filesTag, 0)
	}
	if r.outlines {
		b = append(b, outlinesTag, 0)
	}
	if r.filedStates {
		b = append(b, filedStatesTag, 0)
	}
	return b
}

// sections reads what appendSections has written. There is at least one.
func (b *reader) sections(r *record) error {
	if len(b.rest) == 0 {
		b.fail()
	}
	for len(b.rest) > 0 {
		tag := b.rest[0]
		b.rest = b.rest[1:]
		section := &reader{rest: []byte(b.text())}
		switch tag {
		case seenTag | skippable:
			r.seen = true
		case stateTag:
			r.state = stateRef{section.uvarint(), section.uint32(), section.uvarint()}
			if n := uint64(r.state.parts); n == 0 || n > maxParts || r.state.length > n*partBytes {
				section.fail()
			}
		case statesTag:
			if r.States = string(section.rest); r.States == "" {
				section.fail()
			}
			section.rest = nil
		case filesTag:
			r.files = true
		case outlinesTag:
			r.outlines = true
		case filedStatesTag:
			r.filedStates = true
		default:
			if tag&skippable == 0 && !b.failed {
				return fmt.Errorf("%w: its head has a section %d", ErrNewer, tag)
			}
			continue
		}
		if section.failed || len(section.rest) > 0 {
			b.fail()
		}
	}
	return nil
}

// ownerState is a state that the owner wants stored.
type ownerState struct{ bytes []byte }

// SetState has the next plan store a state of the owner, which means nothing to this package,
// together with its head. An empty one deletes the stored one. The owner must not change the
// bytes any more. Without a call the stored state stays as it is, so the owner has to call this
// before each Plan whose head the stored state is not true of.
//
// Entities that were last seen before silentFrom, in Unix milliseconds, need not be found by
// Silent after the next opening. Without Options.Seen the call does nothing.
func (p *Partition) SetState(state []byte, silentFrom int64) {
	if len(state) > maxParts*partBytes {
		panic("persistence: SetState was called with more than a partition can store")
	}
	if !p.store.options.Seen {
		return
	}
	p.setting, p.state = &ownerState{state}, nil
	p.silentFrom = secondsOf(silentFrom)
}

// State is the owner's state that was stored when the partition was opened; nil if there was
// none, after SetState, and without Options.Seen.
func (p *Partition) State() []byte { return p.state }

// nextState is the reference of the owner's state that the next head has. Without Options.Seen
// nobody keeps the state up to date, so it is forgotten.
func (p *Partition) nextState(stored stateRef) stateRef {
	switch {
	case p.setting != nil && len(p.setting.bytes) > 0:
		p.generation++
		return newStateRef(p.generation, len(p.setting.bytes))
	case p.setting != nil || !p.store.options.Seen:
		return stateRef{}
	}
	return stored
}

// writeState writes the parts of the owner's state, before the head.
func (plan *Plan) writeState(u *update) error {
	if plan.setting == nil {
		return nil
	}
	ref, part := plan.next.state, uint32(0)
	return eachPart(plan.setting.bytes, func(bytes []byte) error {
		part++
		return u.set(sectionKey(plan.slot, stateTag, ref.number(part-1)), encodePart(ref.generation, bytes))
	})
}

// eachPart divides a state.
func eachPart(state []byte, visit func(bytes []byte) error) error {
	for len(state) > 0 {
		bytes := state[:min(partBytes, len(state))]
		state = state[len(bytes):]
		if err := visit(bytes); err != nil {
			return err
		}
	}
	return nil
}

// dropsState tells whether former states may be stored.
func (plan *Plan) dropsState() bool {
	return plan.next != nil && (plan.setting != nil && plan.untidy || plan.old != nil && plan.old.state != plan.next.state)
}

// dropState deletes the parts of former states, after the head.
func (plan *Plan) dropState(u *update) error {
	if !plan.dropsState() {
		return nil
	}
	if plan.untidy {
		return plan.tidy(u)
	}
	for part := range plan.old.state.parts {
		if err := u.delete(sectionKey(plan.slot, stateTag, plan.old.state.number(part))); err != nil {
			return err
		}
	}
	return nil
}

// tidy deletes all parts that the head does not name. Checkpoints that failed have left them.
func (plan *Plan) tidy(u *update) error {
	txn := plan.store.db.NewTransaction(false)
	defer txn.Discard()
	return each(txn, sectionPrefix(plan.slot, stateTag), func(item *badger.Item) error {
		number, err := partOf(item.Key())
		if err != nil || plan.next.state.has(number) {
			return err
		}
		return u.delete(item.KeyCopy(nil))
	})
}

// readState reads the owner's state; nil if there is none.
func (p *Partition) readState(txn *badger.Txn) ([]byte, error) {
	ref := p.stored.state
	if ref.parts == 0 {
		return nil, nil
	}
	var state []byte
	for part := range ref.parts {
		found, err := get(txn, sectionKey(p.slot, stateTag, ref.number(part)), func(value []byte) error {
			generation, bytes, err := decodePart(value)
			if err == nil && generation != ref.generation {
				err = fmt.Errorf("%w: it is of another generation", ErrCorrupt)
			}
			state = append(state, bytes...)
			return err
		})
		if err == nil && !found {
			err = fmt.Errorf("%w: it is missing", ErrCorrupt)
		}
		if err != nil {
			return nil, fmt.Errorf("part %d of the owner's state: %w", part, err)
		}
	}
	if uint64(len(state)) != ref.length {
		return nil, fmt.Errorf("%w: the owner's state has %d bytes, want %d", ErrCorrupt, len(state), ref.length)
	}
	return state, nil
}

// readSections reads what Options.Seen is for.
func (p *Partition) readSections(txn *badger.Txn) (err error) {
	p.generation, p.untidy = p.stored.state.generation, true
	if p.state, err = p.readState(txn); err != nil {
		return err
	}
	return p.readSeen(txn)
}

// encodePart binds a part to its generation. Its key has only the lowest bits of it.
func encodePart(generation uint64, bytes []byte) []byte {
	return seal(append(binary.AppendUvarint(room(binary.MaxVarintLen64+len(bytes)), generation), bytes...))
}

func decodePart(value []byte) (generation uint64, bytes []byte, err error) {
	b, err := body(value)
	if err != nil {
		return 0, nil, err
	}
	generation = b.uvarint()
	if len(b.rest) == 0 || len(b.rest) > partBytes {
		b.fail()
	}
	bytes, b.rest = b.rest, nil
	return generation, bytes, b.end("part of the owner's state")
}
