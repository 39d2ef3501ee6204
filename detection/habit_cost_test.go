package detection

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// habitual is a stream of noise, 96 points a day, to a state that knows its days.
type habitual struct {
	rules  HabitRules
	habit  Habit
	values []float64
	count  int
}

func newHabitual(next func(*rand.Rand) float64) *habitual {
	r := rand.New(rand.NewPCG(1, 10))
	s := &habitual{rules: usualHabit(), values: make([]float64, 65536)}
	for i := range s.values {
		s.values[i] = next(r)
	}
	for range 96 * 20 {
		s.add()
	}
	return s
}

// usualHabit are the settings of AS hegemony, with the method's own ratio.
func usualHabit() HabitRules {
	return NewHabitRules(Settings{GranularityMinutes: 15, HistoryHours: 72, MinRatio: HabitMinRatio, Threshold: 5, MinDeviation: 0.01})
}

func (s *habitual) add() Judgement {
	s.count++
	return s.habit.Add(&s.rules, uint64(s.count), int64(s.count)*quarter, s.values[s.count%len(s.values)])
}

func TestHabitAllocatesNothing(t *testing.T) {
	s := newHabitual((*rand.Rand).NormFloat64)
	if n := testing.AllocsPerRun(10, func() {
		for range 96 * 10 {
			s.add()
		}
	}); n != 0 {
		t.Errorf("%v allocations in ten days", n)
	}
}

// bytes is what a state takes.
func (h *Habit) bytes() int {
	n := 0
	if h.profile != nil {
		n = int(unsafe.Sizeof(*h.profile))
	}
	if h.leads != nil {
		n += int(unsafe.Sizeof(*h.leads))
	}
	return n + int(unsafe.Sizeof(*h)) + cap(h.points.words)*8 + cap(h.undo)*int(unsafe.Sizeof(change{})) + cap(h.days)*int(unsafe.Sizeof(dayTop{}))
}

func TestHabitIsSmall(t *testing.T) {
	s := newHabitual((*rand.Rand).NormFloat64)
	for range 96 * 10 {
		s.add()
	}
	h := &s.habit
	young := new(Habit)
	young.Add(&s.rules, 1, 0, 1)
	if n := young.bytes(); n > 900 {
		t.Errorf("a state of one point takes %d bytes, its comment says 0.9 kB", n)
	}
	t.Logf("%d bytes: %d the struct (profile %d, ring %d, moments 2 * %d), %d points, %d undo, %d days", h.bytes(), unsafe.Sizeof(*h),
		unsafe.Sizeof(*h.profile), unsafe.Sizeof(h.points), unsafe.Sizeof(h.now), cap(h.points.words)*8, cap(h.undo)*24, cap(h.days)*24)
	if h.leads != nil {
		t.Error("leads are kept, and there are none")
	}
	if n := h.bytes(); n > 4950 {
		t.Errorf("a state takes %d bytes, its comment says 4.9 kB", n)
	}
}

func BenchmarkHabit(b *testing.B) {
	for name, next := range map[string]func(*rand.Rand) float64{
		"noise": (*rand.Rand).NormFloat64,
		"equal": func(*rand.Rand) float64 { return 0.25 },
	} {
		b.Run(name, func(b *testing.B) {
			s := newHabitual(next)
			b.ReportAllocs()
			for b.Loop() {
				s.add()
			}
		})
	}
}

// BenchmarkHabitInTurn shows what a point costs in the long run while many states take turns, so that none is in the processor's caches, by how many points
// of an entity are in a transaction. A detector that is behind the stream has hundreds in each.
func BenchmarkHabitInTurn(b *testing.B) {
	for _, c := range []struct {
		states int
		points int64
	}{{20_000, 1}, {4_000, 1}, {4_000, 16}, {4_000, 256}} {
		b.Run(fmt.Sprintf("states=%d/points=%d", c.states, c.points), func(b *testing.B) {
			rules := usualHabit()
			random := rand.New(rand.NewPCG(1, 12))
			var values [4096]float64
			for i := range values {
				values[i] = random.Float64()
			}
			all := make([]Habit, c.states)
			// Not in the first five days of 1970: their cycle, 0, stands for none, too.
			bin, next := int64(40*365*96), 0
			var evidence Evidence
			round := func(count int) {
				for i := range count {
					next++
					all[i].Decide(&rules, uint64(bin/c.points), bin*quarter, values[next*7%len(values)], &evidence)
				}
				bin++
			}
			for range 96 * 9 {
				round(c.states)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for done := 0; done < b.N; done += c.states {
				round(min(c.states, b.N-done))
			}
		})
	}
}
