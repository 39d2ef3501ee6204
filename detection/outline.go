package detection

import (
	"encoding/binary"
	"math"
)

// An outline is what a resting window has of its points, as bytes: a window can rest on it, and nobody has to read the points. They are, in
// this order, with float64 in 8 bytes, little endian, and v for an unsigned varint:
//
//	1       version: 1
//	1       metric
//	8       history_hours of the rules that it was made by, in milliseconds
//	v, v, v the time of the first point, Unix milliseconds; the step of their times; how many points there are, at least 2
//	v       how many words of the grid follow; 0: there are no gaps
//	8 ..    a bit for each step: there is a point
//	8, 8    the screen's bounds of the median
//	8       no point is farther than this from either bound
//	v, v    how many points lie below and above the bounds
//	8, 8    mean deviation: the sum of distances, and its error
//	8, 8, v median deviation: its two bounds, and how many points lie between them
const outlineVersion = 1

// AppendOutline appends the outline of a window, or nothing if there is none: a window that rests, or that Rest would refuse. A window that has an
// outline ends with its newest point, because its times rise: the store relies on that. The outline has a new screen, because that of the window may not hold for many
// points more.
func (w *Window) AppendOutline(s *Scorer, to []byte) []byte {
	if w.rest != nil || !s.rules.enough(w.Len()) {
		return to
	}
	s.times, s.values = w.points.appendWindowTimes(s.times[:0]), w.points.appendValues(s.values[:0])
	drawn, rest := s.restOf(s.times, s.values)
	if rest == nil {
		return to
	}
	float := func(x float64) { to = binary.LittleEndian.AppendUint64(to, math.Float64bits(x)) }
	varint := func(x uint64) { to = binary.AppendUvarint(to, x) }
	to = append(to, outlineVersion, byte(s.rules.metric))
	float(s.rules.age)
	varint(uint64(rest.first))
	varint(uint64(rest.step))
	varint(uint64(rest.held))
	varint(uint64(len(rest.present)))
	for _, word := range rest.present {
		to = binary.LittleEndian.AppendUint64(to, word)
	}
	float(drawn.low)
	float(drawn.high)
	float(rest.reach)
	varint(uint64(drawn.below))
	varint(uint64(drawn.above))
	if s.rules.metric == MeanDeviation {
		float(drawn.spread.sum)
		float(drawn.spread.err)
		return to
	}
	float(drawn.nearLow)
	float(drawn.nearHigh)
	varint(uint64(drawn.near))
	return to
}

// RestOn makes an empty window that of the outline and the points that came after it, as Rest would with all points. It returns false, and the
// window stays empty, if the outline is of other rules, if a point is not on its grid, or if so little is known after them that
// the window would have to be woken soon.
func (w *Window) RestOn(s *Scorer, outline []byte, times []int64, values []float64) bool {
	resting := Window{rest: new(rest)}
	if !resting.parseOutline(&s.rules, outline) {
		return false
	}
	r := resting.rest
	for i, at := range times {
		if !r.add(at, int(r.held)+1) || !resting.evictRest(s.rules.oldest(at)) {
			return false
		}
		r.held++
		r.reach = max(r.reach, resting.screen.farthest(values[i]))
		resting.screen.add(values[i], resting.Len())
	}
	r.begin()
	if !resting.screen.drawn || !s.rules.enough(resting.Len()) {
		return false
	}
	*w = resting
	return true
}

// parseOutline reads an outline of the same rules.
func (w *Window) parseOutline(r *Rules, outline []byte) bool {
	p := parser{data: outline}
	if p.byte() != outlineVersion || p.byte() != byte(r.metric) || p.float() != r.age {
		return false
	}
	w.rest.first, w.rest.step = int64(p.varint(math.MaxInt64)), int64(p.varint(math.MaxInt64))
	points := p.varint(math.MaxInt32)
	w.rest.held = uint32(points)
	for range p.varint(uint64(len(p.data) / 8)) {
		w.rest.present = append(w.rest.present, p.number8())
	}
	s := &w.screen
	s.low, s.high, w.rest.reach = p.finite(), p.finite(), p.finite()
	s.below, s.above = uint32(p.varint(points)), uint32(p.varint(points))
	if r.metric == MeanDeviation {
		s.spread = spread{p.float(), p.float()}
	} else {
		s.nearLow, s.nearHigh, s.near = p.float(), p.float(), uint32(p.varint(points))
	}
	s.drawn = p.problem == "" && len(p.data) == 0 && points >= 2 && s.low <= s.high && w.rest.whole(int(points))
	return s.holds(int(w.rest.held))
}
