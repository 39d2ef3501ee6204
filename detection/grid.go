package detection

import "math/bits"

// grid has the times of some points that rise by whole numbers of a step:
//
//	place     0      1            2             3
//	time      first  first+step   first+2*step  first+3*step
//	present   1      0            1             1               a bit for each place: there is a point, or there is none
//
// Many entities lack a point now and then. Without gaps there are no bits.
type grid struct {
	first, step int64 // Unix milliseconds, milliseconds
	present     []uint64
	last        int // the place of the last point
}

// A grid has at most mostGaps places for each point, so that it is smaller than the points. Its times are far from where arithmetic would overflow.
const (
	mostGaps    = 8
	longestStep = 1 << 40
	latestTime  = 1 << 62
)

// newGrid is the grid of at least two times, if they are on one.
func newGrid(times []int64) (g grid, ok bool) {
	var step int64
	for i := 1; i < len(times); i++ {
		d := times[i] - times[i-1]
		if d <= 0 {
			return grid{}, false
		}
		if d != step { // most often they are the same, and a division is slow
			step = int64(commonStep(uint64(step), uint64(d)))
		}
	}
	first, last := times[0], times[len(times)-1]
	if first < 0 || last > latestTime || step > longestStep || (last-first)/step >= int64(mostGaps*len(times)) {
		return grid{}, false
	}
	g = grid{first: first, step: step}
	if (last-first)/step == int64(len(times)-1) {
		g.last = len(times) - 1
		return g, true
	}
	for _, at := range times[1:] {
		g.mark(int((at - first) / step))
	}
	return g, true
}

// mark adds a point at a place. There is none at the places between it and the last one.
func (g *grid) mark(place int) {
	if g.present == nil {
		if place == g.last+1 {
			g.last = place
			return
		}
		g.present = make([]uint64, g.last/64+1)
		for i := range g.last + 1 {
			g.present[i/64] |= 1 << (i % 64)
		}
	}
	for len(g.present) <= place/64 {
		g.present = append(g.present, 0)
	}
	g.present[place/64] |= 1 << (place % 64)
	g.last = max(g.last, place)
}

// add appends the time of a later point, if it is on the grid. points is how many there are then.
func (g *grid) add(at int64, points int) bool {
	after := at - g.first
	if at > latestTime || after <= int64(g.last)*g.step || after%g.step != 0 || after/g.step >= int64(mostGaps*points) {
		return false
	}
	g.mark(int(after / g.step))
	return true
}

// time is that of a place.
func (g *grid) time(place int) int64 { return g.first + int64(place)*g.step }

// next is the place of the point after that of a place before the last one.
func (g *grid) next(place int) int {
	place++
	if g.present == nil {
		return place
	}
	word := place / 64
	ahead := g.present[word] >> (place % 64) << (place % 64)
	for ahead == 0 {
		word++
		ahead = g.present[word]
	}
	return word*64 + bits.TrailingZeros64(ahead)
}

// whole says whether a grid that was read is one of so many points, from place 0 on. It finds the last place.
func (g *grid) whole(points int) bool {
	if g.first > latestTime || g.step < 1 || g.step > longestStep || len(g.present) > mostGaps*points/64+1 {
		return false
	}
	g.last = points - 1
	if words := len(g.present); words > 0 {
		count := 0
		for _, word := range g.present {
			count += bits.OnesCount64(word)
		}
		if count != points || g.present[0]&1 == 0 || g.present[words-1] == 0 {
			return false
		}
		g.last = 64*words - 1 - bits.LeadingZeros64(g.present[words-1])
	}
	return int64(g.last) <= (latestTime-g.first)/g.step
}
