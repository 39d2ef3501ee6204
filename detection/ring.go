package detection

import (
	"math"
	"slices"
)

// point is one value of an entity. Times are Unix milliseconds, from Kafka's record timestamp.
type point struct {
	at    int64
	value float64
}

// ring holds the points of a window in arrival order, and what is needed to roll an epoch back: points that
// were dropped within the epoch stay in the buffer until the next epoch begins.
//
//	start            start+gone                     start+held
//	| dropped in this epoch | the window                     |   (free)
//	| as it was before this epoch | added since   |
//	start                     start+committed
//
// The two divisions are independent: every committed point may have been dropped.
type ring struct {
	values    []float64 // all of it is in use: its length is the capacity
	times     times     // the times of the same slots
	epoch     uint64    // the last epoch that changed the ring
	start     uint32
	held      uint32
	gone      uint32
	committed uint32
}

func (r *ring) len() int { return int(r.held - r.gone) }

// at is the i-th point of the window; 0 is the head, the oldest arrival.
func (r *ring) at(i int) point {
	slot := r.slot(int(r.gone) + i)
	return point{r.times.at(slot), r.values[slot]}
}

// slot is the index in the buffer of the i-th held point.
func (r *ring) slot(i int) int {
	i += int(r.start)
	if i >= len(r.values) {
		i -= len(r.values)
	}
	return i
}

// appendValues appends the values of the window, in arrival order.
func (r *ring) appendValues(to []float64) []float64 {
	if r.len() == 0 {
		return to
	}
	first, end := r.slot(int(r.gone)), r.slot(int(r.held))
	if first < end {
		return append(to, r.values[first:end]...)
	}
	return append(append(to, r.values[first:]...), r.values[:end]...)
}

// begin makes the present window the committed one, if the epoch is a new one.
func (r *ring) begin(epoch uint64) {
	if epoch == r.epoch {
		return
	}
	r.epoch = epoch
	r.start = uint32(r.slot(int(r.gone)))
	r.held -= r.gone
	r.gone = 0
	r.committed = r.held
}

// drop removes the head. If the window was empty before the epoch, nothing is kept to roll back to.
func (r *ring) drop() {
	if r.committed == 0 {
		r.start = uint32(r.slot(1))
		r.held--
		return
	}
	r.gone++
}

// push appends a point. full is about how many points a full window has.
func (r *ring) push(p point, full int) {
	if int(r.held) == len(r.values) {
		r.makeRoom(full)
	}
	slot := r.slot(int(r.held))
	if !r.times.put(slot, p.at) {
		r.fit(p.at)
		r.times.put(slot, p.at)
	}
	r.values[slot] = p.value
	r.held++
}

// makeRoom moves the held points to a larger buffer. If enough of them were both added and dropped within the
// epoch, it discards these instead, as no rollback needs them: so a replay of any length takes limited room.
func (r *ring) makeRoom(full int) {
	if useless := int(r.gone) - int(r.committed); useless > len(r.values)/4 {
		for i := int(r.gone); i < int(r.held); i++ {
			from, to := r.slot(i), r.slot(i-useless)
			r.values[to] = r.values[from]
			r.times.move(to, from)
		}
		r.held -= uint32(useless)
		r.gone = r.committed
		return
	}
	values := slices.Grow([]float64(nil), larger(int(r.held), full))
	values = values[:cap(values)]
	wrapped := copy(values, r.values[r.start:])
	copy(values[wrapped:], r.values[:r.start])
	r.times = r.times.grown(len(values), int(r.start))
	r.values = values
	r.start = 0
}

// fit makes room for the times of the held points and one more.
func (r *ring) fit(at int64) {
	earliest, latest := at, at
	all := make([]int64, r.held)
	for i := range all {
		all[i] = r.times.at(r.slot(i))
		earliest, latest = min(earliest, all[i]), max(latest, all[i])
	}
	r.times = newTimes(len(r.values), earliest, latest)
	for i, t := range all {
		r.times.put(r.slot(i), t)
	}
}

// rollback restores the window from before the epoch, and returns whether the epoch had changed it.
func (r *ring) rollback(epoch uint64) bool {
	if epoch != r.epoch {
		return false
	}
	r.held = r.committed
	r.gone = 0
	return true
}

// larger is the capacity to grow to from n points. It is an eighth more, because there may be a million
// windows. Once a window is half full, it is what a full window needs, with room for a few points that an
// epoch dropped.
func larger(n, full int) int {
	if n >= full/2 && n < full {
		return full + 4
	}
	return n + n/8 + 4
}

// times are the times of a ring's slots. They take four bytes each, as milliseconds after a base, while they
// lie within 49 days of each other, and eight bytes each otherwise.
type times struct {
	base  int64
	parts []uint32 // one for each slot; or two, the lower half first
	wide  bool
}

// newTimes makes room for a number of slots with times between the two. It leaves most of the range for later
// times, because time goes on.
func newTimes(slots int, earliest, latest int64) times {
	span := uint64(latest) - uint64(earliest)
	if span > math.MaxUint32 {
		return times{parts: make([]uint32, 2*slots), wide: true}
	}
	return times{base: earliest - int64((math.MaxUint32-span)/8), parts: make([]uint32, slots)}
}

func (t *times) at(slot int) int64 {
	if t.wide {
		return int64(t.parts[2*slot]) | int64(t.parts[2*slot+1])<<32
	}
	return t.base + int64(t.parts[slot])
}

// put stores a time. It returns false if the time does not fit.
func (t *times) put(slot int, at int64) bool {
	if t.wide {
		t.parts[2*slot], t.parts[2*slot+1] = uint32(at), uint32(uint64(at)>>32)
		return true
	}
	after := uint64(at) - uint64(t.base)
	if after > math.MaxUint32 {
		return false
	}
	t.parts[slot] = uint32(after)
	return true
}

func (t *times) move(to, from int) {
	if t.wide {
		to, from = 2*to, 2*from
		t.parts[to+1] = t.parts[from+1]
	}
	t.parts[to] = t.parts[from]
}

// grown is a copy with more slots, whose first one is the slot at start.
func (t *times) grown(slots, start int) times {
	if t.wide {
		slots, start = 2*slots, 2*start
	}
	grown := times{base: t.base, parts: make([]uint32, slots), wide: t.wide}
	wrapped := copy(grown.parts, t.parts[start:])
	copy(grown.parts[wrapped:], t.parts[:start])
	return grown
}
