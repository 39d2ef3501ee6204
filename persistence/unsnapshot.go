package persistence

import (
	"io"
	"math"
)

// maxKey is how many bytes a key may have, so that Badger takes it with a slot before it.
const maxKey = 65_000 - 16

// readSnapshot reads a snapshot to its end, and not a byte more. It calls accept with
// the head, state with each part of the owner's state, and take with the points of each record. More tells that they belong to the
// same entity as the points before. If readSnapshot returns an error, nothing that was
// taken may be used.
func readSnapshot(in io.Reader, accept func(Snapshot) error, state func([]byte) error, take func(key string, more bool, points []Point) error) (Snapshot, error) {
	r, err := newRecordReader(in, "snapshot", snapshotMagic, snapshotWithState)
	if err != nil {
		return Snapshot{}, err
	}
	kind, body, err := r.next()
	if err != nil {
		return Snapshot{}, err
	}
	s, err := decodeHead(body)
	if kind != headRecord || err != nil {
		return Snapshot{}, r.damaged("it does not begin with a head")
	}
	if err := accept(s); err != nil {
		return Snapshot{}, err
	}
	var key string
	full := false // the last record was, so the next one may have more points of its entity
	for kind, body, err = r.sections(state); ; kind, body, err = r.next() {
		if err != nil {
			return Snapshot{}, err
		}
		b := &reader{rest: body}
		switch kind {
		case entityRecord:
			next := b.text()
			if s.Entities > 0 && next <= key || len(next) > maxKey {
				return Snapshot{}, r.damaged("the key of record %d is out of order, or too long", r.number)
			}
			key = next
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
		points := b.points()
		if b.end("record") != nil {
			return Snapshot{}, r.damaged("record %d has impossible points", r.number)
		}
		s.Points += len(points)
		full = len(points) == recordPoints
		if err := take(key, kind == pointsRecord, points); err != nil {
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
		case r.version < snapshotWithState || kind != sectionRecord && parts > 0:
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

func decodeHead(body []byte) (s Snapshot, err error) {
	r := &reader{rest: body}
	partition := r.uvarint()
	s.Partition, s.Head.Source = int32(partition), r.text()
	for _, x := range s.Head.numbers() {
		*x = r.varint()
	}
	r.identity(&s.Head)
	if partition > math.MaxInt32 || s.Head.Offset < 0 || s.Head.History <= 0 {
		r.fail()
	}
	return s, r.end("head")
}

// points reads what appendPoints has written. It refuses what no window has: no points,
// times before 1970, and values that are not finite.
func (r *reader) points() []Point {
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
	if len(points) == 0 || len(points) > recordPoints || greatest != newest {
		r.fail()
	}
	return points
}
