package episode

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// How a ledger is stored: numbers are varints, floats are little-endian, and entities are in the order of their keys.

// codecVersion is the first byte.
const codecVersion = 1

// ErrLedger is in an error of Decode.
var ErrLedger = errors.New("the state of episodes cannot be read")

// Append appends the ledger as it is now.
func (l *Ledger) Append(b []byte) []byte {
	w := writer{append(b, codecVersion)}
	whole := &l.whole
	w.flag(whole.begun)
	w.flag(whole.anew)
	w.numbers(whole.now, whole.bin, int64(whole.count), whole.first, int64(len(whole.counts)))
	for _, count := range whole.counts {
		w.numbers(int64(count))
	}
	w.numbers(int64(len(whole.wholes)))
	for _, bin := range whole.wholes {
		w.numbers(bin)
	}
	w.episode(&whole.gap)
	keys := l.keys(func(*entry) bool { return true })
	w.numbers(int64(len(keys)))
	for _, key := range keys {
		e := l.entities[key]
		d := &e.deviation
		w.text(key)
		w.episode(&d.Episode)
		w.numbers(d.Now, d.heard, int64(d.normal))
		w.flag(d.waiting)
		w.floats(d.stepped, e.value, e.deviates)
		w.episode(&e.absence)
		w.numbers(e.lastSeen)
	}
	return w.b
}

// Decode replaces the ledger by what Append has written. All of it counts as committed.
func (l *Ledger) Decode(b []byte) error {
	if len(b) == 0 || b[0] != codecVersion {
		return fmt.Errorf("%w: it has another version", ErrLedger)
	}
	r := reader{rest: b[1:]}
	whole := whole{begun: r.flag(), anew: r.flag()}
	whole.now, whole.bin, whole.count, whole.first = r.number(), r.number(), int(r.number()), r.number()
	for range r.length() {
		whole.counts = append(whole.counts, int32(r.number()))
	}
	for range r.length() {
		whole.wholes = append(whole.wholes, r.number())
	}
	whole.gap = r.episode()
	if whole.gap.Open {
		whole.open[Gap]++
	}
	entities := map[string]*entry{}
	for range r.length() {
		key := r.text()
		e := &entry{}
		e.deviation.Episode = r.episode()
		e.deviation.Now, e.deviation.heard, e.deviation.normal = r.number(), r.number(), int(r.number())
		e.deviation.waiting = r.flag()
		e.deviation.stepped, e.value, e.deviates = r.float(), r.float(), r.float()
		e.absence = r.episode()
		e.lastSeen = r.number()
		if e.deviation.Episode.Open {
			whole.open[Deviation]++
		}
		if e.absence.Open {
			whole.open[Absence]++
		}
		entities[key] = e
	}
	if r.failed || len(r.rest) > 0 {
		return fmt.Errorf("%w: it does not end where it should", ErrLedger)
	}
	*l = Ledger{rules: l.rules, owner: l.owner, entities: entities, whole: whole, undo: map[string]*entry{}}
	return nil
}

type writer struct{ b []byte }

func (w *writer) numbers(all ...int64) {
	for _, x := range all {
		w.b = binary.AppendVarint(w.b, x)
	}
}

func (w *writer) floats(all ...float64) {
	for _, x := range all {
		w.b = binary.LittleEndian.AppendUint64(w.b, math.Float64bits(x))
	}
}

func (w *writer) flag(on bool) {
	if on {
		w.b = append(w.b, 1)
	} else {
		w.b = append(w.b, 0)
	}
}

func (w *writer) text(s string) {
	w.numbers(int64(len(s)))
	w.b = append(w.b, s...)
}

// episode writes an episode; most entities have only one of the two that they may have.
func (w *writer) episode(e *Episode) {
	w.text(e.ID)
	if e.ID == "" {
		return
	}
	w.flag(e.Open)
	w.numbers(e.OpenedAt, e.LastAt, e.EndedAt, int64(e.Outcome), int64(e.Points), int64(e.Reopened))
	w.floats(e.Usual, e.Low, e.High)
	w.text(e.Peak.ID)
	w.numbers(e.Peak.At)
	w.floats(e.Peak.Value, e.Peak.Usual, e.Peak.Scale, e.Peak.Deviation)
}

// reader reads what a writer has written. After a failure it returns only zeros.
type reader struct {
	rest   []byte
	failed bool
}

func (r *reader) number() int64 {
	x, n := binary.Varint(r.rest)
	if n <= 0 {
		r.rest, r.failed = nil, true
		return 0
	}
	r.rest = r.rest[n:]
	return x
}

// take returns the next n bytes, and nil if there are fewer.
func (r *reader) take(n int64) []byte {
	if n < 0 || n > int64(len(r.rest)) {
		r.rest, r.failed = nil, true
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

// length reads how many items follow. Each takes at least a byte.
func (r *reader) length() int {
	n := r.number()
	if n < 0 || n > int64(len(r.rest)) {
		r.rest, r.failed = nil, true
		return 0
	}
	return int(n)
}

func (r *reader) flag() bool {
	b := r.take(1)
	return len(b) == 1 && b[0] != 0
}

func (r *reader) float() float64 {
	b := r.take(8)
	if b == nil {
		return 0
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b))
}

func (r *reader) text() string { return string(r.take(r.number())) }

func (r *reader) episode() (e Episode) {
	if e.ID = r.text(); e.ID == "" {
		return e
	}
	e.Open = r.flag()
	e.OpenedAt, e.LastAt, e.EndedAt = r.number(), r.number(), r.number()
	outcome := r.number()
	if outcome < 0 || outcome > int64(Filled) {
		r.rest, r.failed = nil, true
	}
	e.Outcome, e.Points, e.Reopened = Outcome(outcome), int(r.number()), int(r.number())
	e.Usual, e.Low, e.High = r.float(), r.float(), r.float()
	e.Peak = Anomaly{ID: r.text(), At: r.number(), Value: r.float(), Usual: r.float(), Scale: r.float(), Deviation: r.float()}
	return e
}
