package detection

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// A stored state is these bytes. It is the state as it is: what an epoch has changed cannot be rolled back after it was read. Numbers of 4 and 8
// bytes are float64 or integers, little endian; v is an unsigned varint, as short as it can be, and z a signed one. The length is there so that
// no beginning of a state is one.
//
//	1    version: 1
//	8    history_hours of the rules that it was made by, in milliseconds
//	v    how many points these rules keep, by history_min_ratio and the granularity
//	4    how many bytes follow; an empty state has none of them
//	1    flags: 1 blocked
//	v    points, at least 1, in the order of arrival; for each of them
//	       z   its time, Unix milliseconds, minus that of the one before, or minus 0
//	       8   its value
//	v    how many of these points come before those of the level
//	8    blocker
//	8    what the points of the last half hour added to the level
//	v    how many points these are
//	v    day of the last residual plus 1; 0: there was none
//	8, 8 largest residual and mean of that day
//	v    residuals that count for the mean, at most 24, the oldest first; for each of them
//	       z, 8      the time of its point, minus that of the residual before, or minus 0; and the residual
//	v    earlier days, at most 250; for each of them
//	       8, 8, v   the largest residual and mean, and the day
//	v    newest cycle of the profile
//	1    strays
//	60   codes of the cells of the profile, 2 bits each
//	8 .. means of the cells whose code is not 0
//	1    half hours in a row that are leads, at most 8
//	v    leads, at most 7; for each of them
//	       1, v, 8   its cell, how much later its cycle is than the newest one, and its mean
const stateVersion = 1

// codesLength is the length of the codes of a stored profile.
const codesLength = cells / 4

// mostStatePoints bounds the points of a stored state.
const mostStatePoints = 1 << 24

// ErrState means that bytes are no state, or one of a version that is not known or of other settings.
var ErrState = errors.New("this is no state of the method habit")

// AppendState appends the stored state. The rules are those that it was made by.
func (h *Habit) AppendState(r *HabitRules, to []byte) []byte {
	to = append(to, stateVersion)
	to = binary.LittleEndian.AppendUint64(to, math.Float64bits(r.window.age))
	to = binary.AppendUvarint(to, uint64(r.count))
	to = append(to, 0, 0, 0, 0)
	if h.points.len() == 0 {
		return to
	}
	start := len(to)
	float := func(x float64) { to = binary.LittleEndian.AppendUint64(to, math.Float64bits(x)) }
	number8 := func(x uint64) { to = binary.LittleEndian.AppendUint64(to, x) }
	varint := func(x int) { to = binary.AppendUvarint(to, uint64(x)) }
	m := &h.now
	to = append(to, byte(number(m.blocked)))
	varint(h.points.len())
	before := int64(0)
	for i := range h.points.len() {
		p := h.points.at(i)
		to = binary.AppendVarint(to, p.at-before)
		float(p.value)
		before = p.at
	}
	varint(int(m.fresh))
	if m.blocked {
		number8(uint64(m.blocker))
	} else {
		number8(0)
	}
	float(m.sum)
	varint(int(m.count))
	varint(int(m.day))
	float(m.one)
	float(m.many)
	varint(int(m.residuals))
	before = 0
	for i := range int(m.residuals) {
		x := h.recent[h.placeOf(i)]
		to = binary.AppendVarint(to, x.at-before)
		float(x.value)
		before = x.at
	}
	varint(int(m.tops))
	for _, d := range h.days[:m.tops] {
		float(d.one)
		float(d.many)
		varint(int(d.date))
	}
	varint(int(m.newest))
	of := h.profile
	if of == nil {
		of = new(profile)
	}
	to = append(to, m.strays)
	codes := len(to)
	to = append(to, make([]byte, codesLength)...)
	for cell := range cells {
		to[codes+cell/4] |= of.code(cell) << (cell % 4 * 2)
	}
	for cell, mean := range of.means {
		if of.code(cell) != 0 {
			float(mean)
		}
	}
	to = append(to, m.row)
	varint(int(m.leads))
	for i, cell := range h.leadCells() {
		to = append(to, cell)
		varint(int(h.leads.cycles[i] - m.newest))
		float(of.means[cell])
	}
	binary.LittleEndian.PutUint32(to[start-4:], uint32(len(to)-start))
	return to
}

// ParseState makes an empty state the stored one. It decides about later points as the stored one would have, to the last bit. It refuses a
// state of rules that keep other points than these. The error wraps ErrState; then the state is as it was.
func (h *Habit) ParseState(r *HabitRules, data []byte) error {
	p := parser{data: data}
	var read Habit
	p.state(&read, r)
	if p.problem == "" && len(p.data) > 0 {
		p.problem = "there is more after its end"
	}
	if p.problem != "" {
		return fmt.Errorf("%w: %s", ErrState, p.problem)
	}
	read.points.epoch = h.points.epoch
	read.was = read.now
	*h = read
	return nil
}

const latestDay = math.MaxInt64/day + 1

func (p *parser) state(h *Habit, r *HabitRules) {
	if version := p.byte(); version != stateVersion {
		p.fail(fmt.Sprintf("its version is %d, and %d is known", version, stateVersion))
	}
	if age := p.float(); age != r.window.age {
		p.fail(fmt.Sprintf("it was made with a history of %v hours instead of %v", age/3_600_000, r.window.age/3_600_000))
	}
	if count := p.varint(math.MaxInt64); count != uint64(r.count) {
		p.fail(fmt.Sprintf("it was made to keep %d points instead of %d", count, r.count))
	}
	switch length := binary.LittleEndian.Uint32(p.bytes(4)); {
	case int(length) > len(p.data):
		p.fail("it ends too early")
	case int(length) < len(p.data):
		p.fail("there is more after its end")
	}
	if len(p.data) == 0 {
		return // it is empty, or there was a problem
	}
	m := &h.now
	flags := p.byte()
	if m.blocked = flags == 1; flags > 1 {
		p.fail("it has unknown flags")
	}
	n := int(p.varint(mostStatePoints))
	if n == 0 || n > len(p.data)/9 {
		p.fail("the number of its points is wrong")
		return
	}
	h.points.reserve(n, max(r.full, n))
	at := int64(0)
	for range n {
		at = p.time(at)
		h.points.push(point{at, p.finite()}, max(r.full, n))
	}
	h.points.committed = h.points.held
	m.fresh = uint32(p.varint(uint64(n - 1)))
	m.blocker = int64(p.number8())
	if m.blocker < 0 || !m.blocked && m.blocker != 0 {
		p.fail("its blocker is wrong")
	}
	m.sum = p.float()
	m.count = uint32(p.varint(math.MaxUint32))
	m.day = int64(p.varint(latestDay))
	m.one, m.many = p.distance(), p.distance()
	m.residuals = uint8(p.varint(habitMean))
	m.next = m.residuals % habitMean
	at = 0
	for i := range int(m.residuals) {
		at = p.time(at)
		h.recent[i] = residual{at, p.float()}
	}
	m.tops = uint8(p.varint(mostTops))
	h.days = make([]dayTop, m.tops, max(usualDays, m.tops))
	for i := range h.days {
		h.days[i] = dayTop{p.distance(), p.distance(), int64(p.varint(latestDay))}
	}
	m.newest = int64(p.varint(latestDay))
	if m.strays = p.byte(); m.strays >= mostStrays {
		p.fail("it has too many strays")
	}
	h.profile = newProfile()
	codes := p.bytes(codesLength)
	for cell := range cells {
		if code := codes[cell/4] >> (cell % 4 * 2) & 3; code != 0 {
			h.profile.setCode(cell, code)
			h.profile.means[cell] = p.finite()
		}
	}
	if m.row = p.byte(); m.row > mostLeads+1 {
		p.fail("it has too many leads in a row")
	}
	m.leads = uint8(p.varint(mostLeads))
	if m.leads > 0 {
		h.leads = new(leads)
	}
	for i := range h.leadCells() {
		cell, after := p.byte(), int64(p.varint(latestDay))
		if after == 0 || cell >= cells || h.profile.code(int(cell)) != 0 || slices.Contains(h.leads.cells[:i], cell) {
			p.fail("a lead is wrong")
			return
		}
		h.leads.cells[i], h.leads.cycles[i], h.profile.means[cell] = cell, m.newest+after, p.finite()
	}
	if p.problem == "" {
		h.derive()
	}
}
