package detection

import "slices"

// point is one value of an entity. Times are Unix milliseconds, from Kafka's record timestamp.
type point struct {
	at    int64
	value float64
}

// ring holds the points of a window in arrival order, and what it takes to undo an epoch: points
// dropped within the epoch stay in the buffer until the next epoch begins.
//
//	start            start+gone                     start+held
//	| dropped in this epoch | the window                     |   (free)
//	| as it was before this epoch | added since   |
//	start                     start+committed
//
// The two divisions are independent: everything committed may have been dropped.
type ring struct {
	buf       []point // all of it is used: len is the capacity
	epoch     uint64  // the last one that changed the ring
	start     uint32
	held      uint32
	gone      uint32
	committed uint32
}

func (r *ring) len() int { return int(r.held - r.gone) }

// at is the i-th point of the window, the head being 0.
func (r *ring) at(i int) *point {
	return &r.buf[r.slot(int(r.gone)+i)]
}

// slot is the place in the buffer of the i-th held point.
func (r *ring) slot(i int) int {
	i += int(r.start)
	if i >= len(r.buf) {
		i -= len(r.buf)
	}
	return i
}

// begin makes the present window the committed one, if the epoch is new.
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

// drop removes the head. If the window was empty before the epoch there is nothing to go back to.
func (r *ring) drop() {
	if r.committed == 0 {
		r.start = uint32(r.slot(1))
		r.held--
		return
	}
	r.gone++
}

// push appends a point.
func (r *ring) push(p point) {
	if int(r.held) == len(r.buf) {
		r.makeRoom()
	}
	r.buf[r.slot(int(r.held))] = p
	r.held++
}

// makeRoom moves the held points to a larger buffer, unless enough of them were both added and dropped
// within the epoch: those are of no use to anyone, so a replay of any length takes bounded room.
func (r *ring) makeRoom() {
	if useless := int(r.gone) - int(r.committed); useless > len(r.buf)/4 {
		for i := int(r.gone); i < int(r.held); i++ {
			r.buf[r.slot(i-useless)] = r.buf[r.slot(i)]
		}
		r.held -= uint32(useless)
		r.gone = r.committed
		return
	}
	buf := slices.Grow([]point(nil), larger(int(r.held)))
	buf = buf[:cap(buf)]
	wrapped := copy(buf, r.buf[r.start:])
	copy(buf[wrapped:], r.buf[:r.start])
	r.buf = buf
	r.start = 0
}

// rollback restores the window from before the epoch, and tells whether the epoch had changed it.
func (r *ring) rollback(epoch uint64) bool {
	if epoch != r.epoch {
		return false
	}
	r.held = r.committed
	r.gone = 0
	return true
}

// larger is the capacity to grow to: a quarter more, as there may be a million windows.
func larger(n int) int { return n + n/4 + 4 }
