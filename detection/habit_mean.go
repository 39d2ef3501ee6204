package detection

import "math"

// residual is how far a value was from what was expected.
type residual struct {
	at    int64 // the time of its point, which may have left the window
	value float64
}

// runningSum is about the sum of the last residuals. A point takes one residual out of it and adds another one, and each of that rounds. A
// judgement contains the sum of up to 24 residuals in the reference's order. Most points do without it: they need only know that the
// mean is within its band, and not the largest one of the day.
type runningSum struct {
	about float64
	doubt float64 // the sum in the reference's order is at most this far away; not finite: nothing is known
}

// lost is how much of a residual the sums lose to rounding, at most. A sum of 24 in the reference's order loses 23 * 2^-53 of each number, and there
// are two of them: the one that this began with, and the one that it is compared with. While the residual is in, 24 replacements lose twice 2^-53 of
// it. That makes 94, and what is left up to 128 covers what the doubt itself loses.
const lost = 0x1p-46

// mostDoubt is that of residuals whose sum is finite in any order. The doubt is at least lost times their sizes together.
const mostDoubt = lost * 0x1p1022

// forget leaves the sum unknown until it is added up.
func (s *runningSum) forget() { s.doubt = math.Inf(1) }

// replace takes a residual out, and another one in.
func (s *runningSum) replace(out, in float64) {
	s.about = s.about - out + in
	s.doubt += float64(lost * math.Abs(in))
}

// mostMean is how far from 0 the mean may be; +Inf: nothing is known.
func (s *runningSum) mostMean() float64 {
	if !(s.doubt <= mostDoubt) {
		return math.Inf(1)
	}
	return (math.Abs(s.about) + s.doubt) / habitMean
}

// addUp finds the mean of the last residuals, unless take has. Fewer than 24 count as 24.
func (h *Habit) addUp(e *Evidence) {
	if e.summed {
		return
	}
	sum, size := h.total()
	e.mean, e.summed = sum/habitMean, true
	h.sum = runningSum{about: sum, doubt: lost * size}
}

// total is the sum of the last residuals in the reference's order, and that of their sizes.
func (h *Habit) total() (sum, size float64) {
	for i := range int(h.now.residuals) {
		x := h.residualOf(i)
		sum += x
		size += math.Abs(x)
	}
	return sum, size
}

// keepResidual takes a residual in. The residual before it was of the point at a time before, if there was one.
func (h *Habit) keepResidual(r residual, before int64) {
	n := h.counting(r.at, before)
	i := int(h.now.next)
	if n == habitMean-1 && h.now.residuals == habitMean {
		h.sum.replace(h.recent[i].value, r.value)
	} else {
		h.sum.forget()
	}
	h.setResidual(i, r)
	h.now.next, h.now.residuals = uint8(placeAfter(i)), uint8(n+1)
}

// counting is how many of the last residuals count for the mean of a point, beside its own.
func (h *Habit) counting(at, before int64) (n int) {
	if at-before > pause {
		return 0
	}
	n = min(int(h.now.residuals), habitMean-1)
	for n > 0 && at-h.recent[placeBefore(int(h.now.next), n)].at > day {
		n--
	}
	return n
}

// placeOf is the place of the i-th residual that counts, the oldest first.
func (h *Habit) placeOf(i int) int {
	return placeBefore(int(h.now.next), int(h.now.residuals)-i)
}

// placeBefore is the place in the ring of residuals that is n before another, and placeAfter is the next one. They have no branch, because
// the processor could not guess where the ring begins anew.
func placeBefore(i, n int) int { return i - n + habitMean&((i-n)>>63) }
func placeAfter(i int) int     { return (i + 1) & ((i + 1 - habitMean) >> 63) }
