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

// drop removes the head. A window that was empty before the epoch needs no point kept, so that
// a replay of any length takes no more room than the window.
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

// makeRoom moves the held points to a larger buffer, or closes the gap of those that were both added
// and dropped within the epoch, if it is large enough to pay for the move.
func (r *ring) makeRoom() {
	gap := 0
	if r.gone > r.committed {
		gap = int(r.gone - r.committed)
	}
	keep := int(r.held) - gap
	buf := r.buf
	if gap <= len(r.buf)/4 {
		buf = nil
	}
	if buf == nil {
		buf = slices.Grow(buf, larger(keep))
		buf = buf[:cap(buf)]
		for i := range keep {
			buf[i] = r.buf[r.slot(r.without(gap, i))]
		}
		r.start = 0
	} else {
		for i := int(r.committed); i < keep; i++ {
			r.buf[r.slot(i)] = r.buf[r.slot(r.without(gap, i))]
		}
	}
	r.buf = buf
	r.held = uint32(keep)
	r.gone -= uint32(gap)
}

// without is the index of the i-th held point before the gap is closed.
func (r *ring) without(gap, i int) int {
	if i >= int(r.committed) {
		return i + gap
	}
	return i
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
