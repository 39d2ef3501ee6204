package detection

// runningMedian is the middle of a level: those of its values that lie around their median, sorted. Between them is no other value of the level. So
// most points change a few numbers that lie beside each other, and the other values are not even read.
//
//	| before values | values[0] ... values[n-1] | the rest |
//	   all <=                                       all >=
//
// The zero value knows nothing yet, and fill tells it the values. If the median leaves the middle, it has to be filled again: in noise about once in
// seventy points, and in a steep trend once in twelve. That reads the whole level, so a trend costs more, the more points a day has.
type runningMedian struct {
	values [medianRoom]float64
	before uint32 // how many values of the level come before these
	n      uint32 // how many these are; 0: nothing is known
}

const medianRoom = 16

// forget drops the middle. The next question needs it filled again.
func (m *runningMedian) forget() { m.n = 0 }

// insert adds a value to a level of some length.
func (m *runningMedian) insert(length int, value float64) {
	n := m.n
	if n == 0 {
		return
	}
	before := number(value < m.values[0])
	if m.spans(value) || n < medianRoom && (before == 1 && m.before == 0 || before == 0 && m.before+n == uint32(length)) {
		m.insertHere(length, value)
		return
	}
	m.before += uint32(before) // without a branch, because the processor could not guess it
}

// spans tells whether a value lies in the middle, which must be known.
func (m *runningMedian) spans(value float64) bool {
	return number(value >= m.values[0])&number(value <= m.values[(m.n-1)%medianRoom]) != 0
}

// insertHere inserts a value where it belongs. If there is no room, the first or the last one goes, whichever is farther from the median.
func (m *runningMedian) insertHere(length int, value float64) {
	rank, n := m.rank(value), m.n
	if n == medianRoom {
		if 2*m.before+n < uint32(length) {
			m.before++
			if rank > 0 { // else it is as the first one
				copy(m.values[:], m.values[1:rank])
				m.values[rank-1] = value
			}
			return
		}
		n--
	}
	copy(m.values[rank+1:], m.values[rank:n])
	m.values[rank] = value
	m.n = n + 1
}

// remove removes a value that the level has.
func (m *runningMedian) remove(value float64) {
	switch {
	case m.n == 0:
	case m.spans(value):
		rank := m.rank(value)
		copy(m.values[rank:], m.values[rank+1:m.n])
		m.n--
	default:
		m.before -= uint32(number(value < m.values[0]))
	}
}

// rank is how many of the values are less than another one.
func (m *runningMedian) rank(value float64) (rank uint32) {
	for _, x := range m.values[:m.n] {
		rank += uint32(number(x < value))
	}
	return rank
}

// of returns the one or two values in the middle of a level of some length, above 0; false: they are not known.
func (m *runningMedian) of(length int) (low, high float64, known bool) {
	first, last := uint32(length-1)/2-m.before, uint32(length)/2-m.before
	if first >= m.n || last >= m.n {
		return 0, 0, false
	}
	return m.values[first%medianRoom], m.values[last%medianRoom], true
}

// fill makes known the middle of a level of at least one value, which it reorders. If the median has left the middle on one side, it will often go on
// in that direction, so there is more room on that side.
func (m *runningMedian) fill(level []float64) {
	n := min(len(level), medianRoom)
	first := (len(level) - n) / 2
	if m.n > 0 {
		if uint32(len(level)-1)/2 < m.before {
			first -= n / 4
		} else {
			first += n / 4
		}
		first = min(max(first, 0), len(level)-n)
	}
	ranks := [2]int{first, first + n - 1}
	place(level, ranks[:])
	sortFew(level[first : first+n])
	m.before, m.n = uint32(first), uint32(copy(m.values[:], level[first:first+n]))
}
