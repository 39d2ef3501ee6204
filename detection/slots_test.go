package detection

import (
	"math/rand/v2"
	"testing"
)

// timings are ways in which the time of a point follows that of the one before.
var timings = []struct {
	name string
	next func(r *rand.Rand, at int64) int64
}{
	{"a step apart", func(_ *rand.Rand, at int64) int64 { return at + quarter }},
	{"with gaps", func(r *rand.Rand, at int64) int64 { return at + quarter*(1+r.Int64N(3)) }},
	{"mostly gaps", func(r *rand.Rand, at int64) int64 { return at + quarter*r.Int64N(12) }},
	{"equal", func(r *rand.Rand, at int64) int64 { return at + quarter*(r.Int64N(50)/49) }},
	{"late", func(r *rand.Rand, at int64) int64 { return at + quarter*(r.Int64N(4)-1) }},
	{"late by weeks", func(r *rand.Rand, at int64) int64 { return at + quarter*(2000*r.Int64N(2)-999) }},
	{"to the second", func(r *rand.Rand, at int64) int64 { return at + 1000*r.Int64N(1800) }},
	{"to the millisecond", func(r *rand.Rand, at int64) int64 { return at + r.Int64N(2*quarter) }},
	{"any time", func(r *rand.Rand, _ int64) int64 { return r.Int64() }},
	{"one far away", func(r *rand.Rand, at int64) int64 {
		if r.IntN(60) == 0 {
			return r.Int64()
		}
		return at + quarter
	}},
}

// One window has points of all timings, one kind after another, so its times are stored in each form, and change
// from each to wider and narrower ones.
func TestTimesAreExactInAllForms(t *testing.T) {
	var changes [wide + 1][wide + 1]int
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 12))
		s := someSettings(r)
		s.HistoryHours = []float64{5, 20, 72}[seed%3]
		p := newPair(t, s)
		at, epoch, kind := int64(1_600_000_000_000), uint64(0), 0
		for i := range 1200 {
			if i%100 == 0 {
				if kind = r.IntN(2 * len(timings)); kind >= len(timings) {
					kind = 0
				}
				at %= 1 << 42
			}
			switch r.IntN(30) {
			case 0:
				epoch++
			case 1:
				p.rollback(epoch)
				epoch += r.Uint64N(2)
			}
			at = max(timings[kind].next(r, at), 0)
			before := p.window.points.log
			if r.IntN(4) == 0 {
				p.add(epoch, at, r.NormFloat64())
			} else {
				p.observe(epoch, at, r.NormFloat64())
			}
			changes[before][p.window.points.log]++
		}
	}
	for from := uint8(narrow); from <= wide; from++ {
		for to := uint8(narrow); to <= wide; to++ {
			if changes[from][to] == 0 && from < wide { // the next test has the others
				t.Errorf("no window went from parts of %d bits to parts of %d", 1<<from, 1<<to)
			}
		}
	}
	t.Log(changes[narrow:])
}

// These are the figures in the Window's comment.
func TestFormIsTheNarrowestThatFits(t *testing.T) {
	rules := threeDays(MeanDeviation)
	for _, c := range []struct {
		name        string
		odd         func(at int64) int64 // of each 50th point
		bits, bytes int
	}{
		{"a step apart", func(at int64) int64 { return at }, 8, 2688},
		{"hours late", func(at int64) int64 { return at - 40*quarter }, 8, 2688},
		{"weeks late", func(at int64) int64 { return at - 3000*quarter }, 16, 3072},
		{"not on the grid", func(at int64) int64 { return at + 1 }, 32, 4096},
		{"years late, not on the grid", func(at int64) int64 { return at%quarter + 1 }, 64, 4864},
	} {
		var w Window
		for i := range int64(1000) {
			at := 1_600_000_000_000 + i*quarter
			if i%50 == 0 {
				at = c.odd(at)
			}
			w.Observe(&rules, uint64(i), at, 1)
		}
		if bits, bytes := 1<<w.points.log, 8*cap(w.points.words); bits != c.bits || bytes > c.bytes {
			t.Errorf("%s: %d points, with times of %d bits, take %d bytes", c.name, w.Len(), bits, bytes)
		}
	}
}

// A form that no point needs any more is given up with the next round of the ring.
func TestOddTimeDoesNotWidenAWindowForLong(t *testing.T) {
	for _, c := range []struct {
		name                string
		apart               int64 // milliseconds
		odd                 func(at int64) int64
		during, after, most int
	}{
		{"one beside the grid", quarter, func(at int64) int64 { return at + 1 }, 32, 8, 2688},
		{"one years late, and no grid", quarter + 1, func(int64) int64 { return 12_345 }, 64, 32, 4096},
	} {
		p := newPair(t, Settings{GranularityMinutes: 15, HistoryHours: 72, MinRatio: 0.6, Threshold: 5})
		for i := range int64(1200) {
			at := 1_600_000_000_000 - 1_600_000_000_000%quarter + i*c.apart + i%7*(c.apart%quarter)
			if i == 300 {
				at = c.odd(at)
			}
			p.observe(uint64(i), at, 1)
			if bits := 1 << p.window.points.log; i == 500 && bits != c.during {
				t.Errorf("%s: parts of %d bits, want %d", c.name, bits, c.during)
			}
		}
		w := &p.window
		if bits, bytes := 1<<w.points.log, 8*cap(w.points.words); bits != c.after || bytes > c.most {
			t.Errorf("%s: parts of %d bits long after it, %d bytes", c.name, bits, bytes)
		}
	}
}

// Windows of entities that are often missing, or sent twice, keep their form and so their buffer.
func TestPointWithAnyStepAllocatesNothing(t *testing.T) {
	for _, timing := range timings[:3] {
		rules := threeDays(MeanDeviation)
		r := rand.New(rand.NewPCG(1, 14))
		var w Window
		at, epoch := int64(0), uint64(0)
		add := func() {
			at, epoch = timing.next(r, at), epoch+1
			w.Observe(&rules, epoch, at, 1)
		}
		for range 2000 {
			add()
		}
		if n := testing.AllocsPerRun(3000, add); n != 0 {
			t.Errorf("%s: %v allocations a point", timing.name, n)
		}
	}
}
