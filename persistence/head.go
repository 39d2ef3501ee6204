package persistence

import "encoding/binary"

// Head is what is stored of a partition as a whole. Times are Unix milliseconds.
type Head struct {
	Source  string // what the points were read from, and how; see actors
	Cluster string // the id of the cluster they were read from; empty: not known
	Topic   string // the id of the topic; empty: not known
	Offset  int64  // of the next record: the windows hold all records before it
	History int64  // the length of the windows, in milliseconds
	// CompleteFrom is a completeness watermark: the history that was read from the
	// topic is complete for points at or after this time.
	CompleteFrom int64
	// NewCompleteFrom is the watermark for entities without a stored window: a
	// point of such an entity is complete only at or after this time, because
	// entities that had points before were removed.
	NewCompleteFrom int64
	StreamTime      int64 // the newest timestamp
	Swept           int64 // stream time of the last sweep
	Lateness        int64 // how late an entity's first point came at most, in milliseconds
	// States says by what the states of entities were made, in the words of the owner; empty: there are none, and windows are points. It stays
	// the same until Reset. See state.go.
	States string
}

// record is a head with the fields that only this package needs.
type record struct {
	Head
	slot     uint32
	seq      uint64 // of the last journal block that counts
	reserved uint32 // ids below this may be in use
	entities uint32
	removing bool // removed entities, which are not counted, may still be stored
	underway bool // a checkpoint of several transactions may have stored entities with other ids, which do not count

	// Sections; see sections.go.
	seen        bool // the pages of last seen are complete
	state       stateRef
	files       bool // journal blocks may be in files
	outlines    bool // chunks may have outlines
	filedStates bool // states may be in files
}

const (
	removingFlag = 1 << iota
	underwayFlag
)

func encodeRecord(r *record) []byte {
	b := room(100 + len(r.Source))
	b = binary.AppendUvarint(b, uint64(len(r.Source)))
	b = append(b, r.Source...)
	for _, x := range []int64{r.Offset, r.History, r.CompleteFrom, r.NewCompleteFrom, r.StreamTime, r.Swept, r.Lateness} {
		b = binary.AppendVarint(b, x)
	}
	flags := uint64(0)
	if r.removing {
		flags |= removingFlag
	}
	if r.underway {
		flags |= underwayFlag
	}
	for _, x := range []uint64{uint64(r.slot), r.seq, uint64(r.reserved), uint64(r.entities), flags} {
		b = binary.AppendUvarint(b, x)
	}
	if sections := appendSections(nil, r); len(sections) > 0 {
		return sealAs(sectioned, append(appendIDs(b, &r.Head), sections...))
	}
	return seal(appendIdentity(b, &r.Head))
}

// appendIdentity ends a head with the ids of its cluster and topic, if they are
// known. Heads of older versions end without them.
func appendIdentity(b []byte, h *Head) []byte {
	if h.Cluster == "" && h.Topic == "" {
		return b
	}
	return appendIDs(b, h)
}

func appendIDs(b []byte, h *Head) []byte {
	for _, id := range []string{h.Cluster, h.Topic} {
		b = append(binary.AppendUvarint(b, uint64(len(id))), id...)
	}
	return b
}

// identity reads what appendIdentity has written.
func (r *reader) identity(h *Head) {
	if len(r.rest) > 0 {
		h.Cluster, h.Topic = r.text(), r.text()
	}
}

func decodeRecord(value []byte) (*record, error) {
	b, version, err := bodyUpTo(sectioned, value)
	if err != nil {
		return nil, err
	}
	r := &record{}
	r.Source = b.text()
	for _, x := range []*int64{&r.Offset, &r.History, &r.CompleteFrom, &r.NewCompleteFrom, &r.StreamTime, &r.Swept, &r.Lateness} {
		*x = b.varint()
	}
	r.slot = b.uint32()
	r.seq = b.uvarint()
	r.reserved = b.uint32()
	r.entities = b.uint32()
	flags := b.uvarint()
	r.removing, r.underway = flags&removingFlag != 0, flags&underwayFlag != 0
	b.identity(&r.Head)
	if version == sectioned {
		if err := b.sections(r); err != nil {
			return nil, err
		}
	}
	return r, b.end("head")
}
