package persistence

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/dgraph-io/badger/v4"
)

// A snapshot is a partition's state in a form that depends on nothing of the
// store it comes from: two stores that hold the same windows write the same
// bytes. It is written and read as a stream, a record at a time.
//
//	+--------------------+---------+------+--------+---------------------+-----+
//	| "adetect-snapshot" | version | head | state* | entity points* ...  | end |
//	+--------------------+---------+------+--------+---------------------+-----+
//	         16 bytes       1 byte                   in the order of keys
//
// The version is 3 if entities have states, or else 2 if the owner has stored a state, or else 1. What two stores with the same states write differs:
// one has sealed a point into a state that the other has in its journal.
//
// A record, with a checksum of all its other bytes:
//
//	+---------+------------+------------+------
//	| kind u8 | length u32 | crc32c u32 | body, of that length, at most maxRecord
//	+---------+------------+------------+------
//	'h' head    partition | source | offset history complete-from complete-for-new-from
//	            stream-time swept lateness
//	            and, if they are known or the version is 3, cluster id | topic id
//	            and, in version 3, by what the states were made
//	's' section tag u8 | bytes   the owner's state, tag 2: all records before it are full
//	'e' entity  key | points     the oldest of its window, in the order of arrival
//	            key | length newest bytes | points   in version 3: the state, of length 0 if there is none, and the points after it, if
//	            there are any
//	'p' points  points           of the same entity; all records before it are full
//	'z' end     entities | points | sha256 of all bytes before this record
//
//	points      newest | count | count × (change of the step of time, value), as in a chunk
//
// Fixed-size numbers are little-endian, the others varints. The checksum of the
// end tells that no record is missing, twice, or of another snapshot.
const (
	snapshotMagic     = "adetect-snapshot"
	snapshotVersion   = 1
	snapshotWithState = 2
	snapshotOfStates  = 3
)

// ErrNotStored is in the error of Export if nothing is stored of the partition.
var ErrNotStored = errors.New("nothing is stored of the partition")

// Snapshot is what a snapshot says of itself.
type Snapshot struct {
	Partition int32
	Head      Head
	Entities  int
	Points    int
}

// Export writes a snapshot of what is stored of a partition now. The partition may
// have another owner, whom this does not disturb. It takes as much memory as an open
// Partition, and one window.
func (s *Store) Export(detector string, number int32, w io.Writer) (Snapshot, error) {
	return s.ExportIf(detector, number, w, func(Head) error { return nil })
}

// ExportIf writes a snapshot unless the function refuses it by its head.
func (s *Store) ExportIf(detector string, number int32, w io.Writer, accept func(Head) error) (Snapshot, error) {
	snapshot := Snapshot{Partition: number}
	found, err := s.reading(detector, number, func(txn *badger.Txn, p *Partition) error {
		snapshot.Head = p.stored.Head
		if err := accept(snapshot.Head); err != nil {
			return err
		}
		state, err := p.readState(txn)
		if err != nil {
			return err
		}
		out, err := newRecordWriter(w, snapshotMagic, p.stored.snapshotVersion())
		if err != nil {
			return err
		}
		if err := out.write(headRecord, appendHead(nil, &snapshot)); err != nil {
			return err
		}
		if err := out.state(state); err != nil {
			return err
		}
		err = p.eachWindow(txn, func(e *storedEntity) error {
			snapshot.Entities++
			snapshot.Points += len(e.points)
			return out.window(e, p.stateful())
		})
		if err != nil {
			return err
		}
		return out.end(snapshot.Entities, snapshot.Points)
	})
	if err == nil && !found {
		err = ErrNotStored
	}
	if err != nil {
		return Snapshot{}, fmt.Errorf("export partition %d: %w", number, err)
	}
	return snapshot, nil
}

// state writes the owner's state, if there is one.
func (w *recordWriter) state(state []byte) error {
	return eachPart(state, func(bytes []byte) error {
		w.body = append(append(w.body[:0], stateTag), bytes...)
		return w.write(sectionRecord, w.body)
	})
}

// snapshotVersion is the version of a snapshot with this head.
func (r *record) snapshotVersion() byte {
	switch {
	case r.States != "":
		return snapshotOfStates
	case r.state.parts > 0:
		return snapshotWithState
	}
	return snapshotVersion
}

// window writes one entity, in as many records as it takes.
func (w *recordWriter) window(e *storedEntity, stateful bool) error {
	kind := byte(entityRecord)
	for points := e.points; ; {
		part := points[:min(recordPoints, len(points))]
		points = points[len(part):]
		body := w.body[:0]
		if kind == entityRecord {
			body = binary.AppendUvarint(body, uint64(len(e.key)))
			body = append(body, e.key...)
			if stateful {
				body = binary.AppendUvarint(body, uint64(len(e.state.Bytes)))
				body = append(binary.AppendVarint(body, e.state.Newest), e.state.Bytes...)
			}
		}
		w.body = appendPoints(body, part)
		if err := w.write(kind, w.body); err != nil || len(points) == 0 {
			return err
		}
		kind = pointsRecord
	}
}

func appendHead(b []byte, s *Snapshot) []byte {
	b = binary.AppendUvarint(b, uint64(s.Partition))
	b = binary.AppendUvarint(b, uint64(len(s.Head.Source)))
	b = append(b, s.Head.Source...)
	for _, x := range s.Head.numbers() {
		b = binary.AppendVarint(b, *x)
	}
	if s.Head.States != "" {
		return append(appendIDs(b, &s.Head), s.Head.States...)
	}
	return appendIdentity(b, &s.Head)
}

// numbers are the fields of a head that are, in the order in which they are written.
func (h *Head) numbers() []*int64 {
	return []*int64{&h.Offset, &h.History, &h.CompleteFrom, &h.NewCompleteFrom, &h.StreamTime, &h.Swept, &h.Lateness}
}
