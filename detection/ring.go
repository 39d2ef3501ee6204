package detection

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
	slots
	epoch     uint64 // the last epoch that changed the ring
	start     uint32
	held      uint32
	gone      uint32
	committed uint32
}

func (r *ring) len() int { return int(r.held - r.gone) }

// at is the i-th point of the window; 0 is the head, the oldest arrival.
func (r *ring) at(i int) point {
	i += int(r.gone)
	slot := r.slot(i)
	return point{r.time(i, slot), r.words[slot]}
}

// head is the time of the window's head.
func (r *ring) head() int64 { return r.heldTime(r.gone) }

// heldTime is the time of the i-th held point. If all points from it on have the same part, the buffer stays untouched.
func (r *ring) heldTime(i uint32) int64 {
	part := uint64(r.last)
	if r.run < r.held-i {
		part = r.part(r.slot(int(i)))
	}
	return int64(r.first + r.step*(uint64(i)+part))
}

// slot is the index in the buffer of the i-th held point.
func (r *ring) slot(i int) int {
	i += int(r.start)
	if i >= int(r.count) {
		i -= int(r.count)
	}
	return i
}

// appendValues appends the values of the window, in arrival order.
func (r *ring) appendValues(to []float64) []float64 { return r.appendValuesFrom(to, 0) }

// appendValuesFrom does the same from the i-th point of the window on.
func (r *ring) appendValuesFrom(to []float64, i int) []float64 {
	if r.len() <= i {
		return to
	}
	first, end := r.slot(int(r.gone)+i), r.slot(int(r.held))
	if first < end {
		return append(to, r.words[first:end]...)
	}
	return append(append(to, r.words[first:r.count]...), r.words[:end]...)
}

// appendWindowTimes appends the times of the window, in arrival order.
func (r *ring) appendWindowTimes(to []int64) []int64 {
	for i := r.gone; i < r.held; i++ {
		to = append(to, r.heldTime(i))
	}
	return to
}

// begin makes the present window the committed one, if the epoch is a new one.
func (r *ring) begin(epoch uint64) {
	if epoch == r.epoch {
		return
	}
	r.epoch = epoch
	r.start = uint32(r.slot(int(r.gone)))
	r.advance(uint64(r.gone))
	r.held -= r.gone
	r.gone = 0
	r.committed = r.held
}

// drop removes the head. If the window was empty before the epoch, nothing is kept to roll back to.
func (r *ring) drop() {
	if r.committed == 0 {
		r.start = uint32(r.slot(1))
		r.advance(1)
		r.held--
		return
	}
	r.gone++
}

// push appends a point. full is about how many points a full window has.
func (r *ring) push(p point, full int) {
	if r.held == r.count {
		r.makeRoom(full)
	}
	i := int(r.held)
	slot := r.slot(i)
	// Once a round, a ring whose times take more than they must looks whether they still do.
	if !r.put(i, slot, p.at) || slot == 0 && r.log > narrow {
		r.fit(p.at, full)
		slot = r.slot(i)
		r.mustPut(i, slot, p.at)
	}
	r.words[slot] = p.value
	r.held++
}

// makeRoom moves the held points to a larger buffer. If enough of them were both added and dropped within the
// epoch, it discards these instead, as no rollback needs them: so a replay of any length takes limited room.
func (r *ring) makeRoom(full int) {
	if useless := int(r.gone) - int(r.committed); useless > int(r.count)/4 {
		r.discard(useless, full)
		return
	}
	if r.count == 0 {
		r.slots = newSlots(larger(0, full), narrow)
		return
	}
	was := *r
	r.move(larger(int(r.held), full), r.log)
	r.scale = was.scale
	for i := range int(r.held) {
		r.mustPut(i, i, was.time(i, was.slot(i)))
	}
}

// discard removes the useless points that lie behind the committed ones.
func (r *ring) discard(useless, full int) {
	times := r.appendTimes(nil)
	for i := int(r.gone); i < int(r.held); i++ {
		r.words[r.slot(i-useless)] = r.words[r.slot(i)]
	}
	times = append(times[:r.committed], times[r.gone:]...)
	r.held -= uint32(useless)
	r.gone = r.committed
	r.arrange(times, times, full)
}

// fit stores the times of the held points anew, so that one more fits.
func (r *ring) fit(at int64, full int) {
	var room [320]int64
	times := r.appendTimes(room[:0])
	r.arrange(times, append(times, at), full)
}

// appendTimes appends the times of the held points.
func (r *ring) appendTimes(to []int64) []int64 {
	for i := range int(r.held) {
		to = append(to, r.time(i, r.slot(i)))
	}
	return to
}

// arrange stores the times of the held points so that all of some times fit.
func (r *ring) arrange(held, all []int64, full int) {
	scale, log := scaleOf(all)
	if log != r.log {
		slots := larger(int(r.held), full)
		if log > r.log {
			slots = max(slots, int(r.count)) // it may be reserved
		}
		r.move(slots, log)
	}
	r.scale, r.last, r.run = scale, 0, 0
	for i, at := range held {
		r.mustPut(i, r.slot(i), at)
	}
}

// move moves the values of the held points to a buffer with at least that many slots, which has no times yet.
func (r *ring) move(atLeast int, log uint8) {
	was := *r
	r.slots = newSlots(atLeast, log)
	r.start = 0
	for i := range int(r.held) {
		r.words[i] = was.words[was.slot(i)]
	}
}

// rollback restores the window from before the epoch, and returns whether the epoch had changed it.
func (r *ring) rollback(epoch uint64) bool {
	if epoch != r.epoch {
		return false
	}
	r.run -= min(r.run, r.held-r.committed)
	r.held = r.committed
	r.gone = 0
	return true
}

// larger is the capacity to grow to from n points. It is an eighth more, because there may be a million
// windows. Once a window is half full, it is what a full window needs, with room for a few points that an
// epoch dropped.
func larger(n, full int) int {
	const room = 4
	if n >= full/2 && n < full+room {
		return full + room
	}
	return n + n/8 + room
}
