package persistence

import (
	"fmt"
	"io"
	"math"
)

// maxKey is how many bytes a key may have, so that Badger takes it with a slot before it.
const maxKey = 65_000 - 16

// readSnapshot reads a snapshot to its end, and not a byte more. It calls check with the head and with the state of each entity,
// part with each part of the owner's state, and take with the points of each record. More tells that they belong to the same entity as
// the points before. The entity's bytes are valid until take returns. If readSnapshot returns an error, nothing that was taken may be used.
func readSnapshot(in io.Reader, check Check, part func([]byte) error, take func(e *storedEntity, more bool) error) (Snapshot, error) {
	r, err := newRecordReader(in, "snapshot", snapshotMagic, snapshotOfStates)
	if err != nil {
		return Snapshot{}, err
	}
	kind, body, err := r.next()
	if err != nil {
		return Snapshot{}, err
	}
	s, err := decodeHead(body, r.version)
	if kind != headRecord || err != nil {
		return Snapshot{}, r.damaged("it does not begin with a head")
	}
	if err := check.Head(s); err != nil {
		return Snapshot{}, err
	}
	e := &storedEntity{}
	full := false // the last record was, so the next one may have more points of its entity
	for kind, body, err = r.sections(part); ; kind, body, err = r.next() {
		if err != nil {
			return Snapshot{}, err
		}
		b := &reader{rest: body}
		switch kind {
		case entityRecord:
			next := b.text()
			if s.Entities > 0 && next <= e.key || len(next) > maxKey {
				return Snapshot{}, r.damaged("the key of record %d is out of order, or too long", r.number)
			}
			*e = storedEntity{key: next}
			if r.version >= snapshotOfStates {
				e.state = b.state()
			}
			s.Entities++
		case pointsRecord:
			if !full {
				return Snapshot{}, r.damaged("record %d goes on with what is complete", r.number)
			}
		case endRecord:
			return s, r.end(body, s.Entities, s.Points)
		default:
			return Snapshot{}, r.damaged("record %d is of an unknown kind", r.number)
		}
		e.points = b.points(kind == entityRecord && e.state.Bytes != nil)
		if b.end("record") != nil {
			return Snapshot{}, r.damaged("record %d has impossible points", r.number)
		}
		if kind == entityRecord && e.state.Bytes != nil {
			if err := check.State(e.state); err != nil {
				return Snapshot{}, fmt.Errorf("the %s cannot be used: the state of entity %q: %w", r.what, e.key, err)
			}
		}
		s.Points += len(e.points)
		full = len(e.points) == recordPoints
		if err := take(e, kind == pointsRecord); err != nil {
			return Snapshot{}, err
		}
	}
}

// sections reads the parts of the owner's state, and the record after them.
func (r *recordReader) sections(state func([]byte) error) (kind byte, body []byte, err error) {
	full := true // the part before is
	for parts := 0; ; parts++ {
		kind, body, err = r.next()
		switch {
		case err != nil:
			return 0, nil, err
		case r.version < snapshotWithState || kind != sectionRecord && (parts > 0 || r.version >= snapshotOfStates):
			return kind, body, nil
		case kind != sectionRecord || !full || parts == maxParts || len(body) < 2 || len(body) > 1+partBytes || body[0] != stateTag:
			return 0, nil, r.damaged("record %d is no part of a state", r.number)
		}
		full = len(body) == 1+partBytes
		if err := state(body[1:]); err != nil {
			return 0, nil, err
		}
	}
}

func decodeHead(body []byte, version byte) (s Snapshot, err error) {
	r := &reader{rest: body}
	partition := r.uvarint()
	s.Partition, s.Head.Source = int32(partition), r.text()
	for _, x := range s.Head.numbers() {
		*x = r.varint()
	}
	r.identity(&s.Head)
	if version >= snapshotOfStates {
		s.Head.States, r.rest = string(r.rest), nil
		if s.Head.States == "" {
			r.fail()
		}
	}
	if partition > math.MaxInt32 || s.Head.Offset < 0 || s.Head.History <= 0 {
		r.fail()
	}
	return s, r.end("head")
}

// state reads an entity's state in a snapshot.
func (r *reader) state() (s State) {
	length := r.uvarint()
	s.Newest = r.varint()
	if length > uint64(len(r.rest)) || s.Newest < 0 {
		r.fail()
		return State{}
	}
	if length > 0 {
		s.Bytes, r.rest = r.rest[:length], r.rest[length:]
	}
	return s
}

// points reads what appendPoints has written. It refuses what no window has: no points (unless there is a state),
// times before 1970, and values that are not finite.
func (r *reader) points(none bool) []Point {
	newest := r.varint()
	points := make([]Point, r.count(9))
	at, step, greatest := newest, int64(0), int64(math.MinInt64)
	for i := range points {
		step += r.varint()
		at += step
		points[i] = Point{at, r.float()}
		greatest = max(greatest, at)
		if at < 0 || math.IsNaN(points[i].Value) || math.IsInf(points[i].Value, 0) {
			r.fail()
			return nil
		}
	}
	if len(points) == 0 && !none || len(points) > recordPoints || greatest != newest {
		r.fail()
	}
	return points
}
