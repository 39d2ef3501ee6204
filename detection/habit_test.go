package detection

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// rulesOf are the rules of a stream.
func (s *stream) rules() *HabitRules {
	r := NewHabitRules(s.settings())
	return &r
}

// one is the stream of the first entity.
func (s stream) one() stream {
	s.entries = slices.DeleteFunc(slices.Clone(s.entries), func(e entry) bool { return e.entity != 0 })
	return s
}

// anyStream is a random stream, or from 24 on one with half hours far ahead and far behind, up to twenty in a row, and more at times.
func anyStream(seed uint64) stream {
	if seed < 24 {
		return randomStream(seed).one()
	}
	s := newStream(fmt.Sprintf("jumps/%d", seed))
	s.step, s.minDev = quarter, 0.01
	r := rand.New(rand.NewPCG(seed, 33))
	at, by, left := int64(1_600_000_000_000), int64(0), 0
	for range 2500 {
		if at += quarter; r.IntN(20) == 0 {
			at += r.Int64N(day)
		}
		if left--; left < 0 {
			by, left = 0, r.IntN(60)
			if r.IntN(2) == 0 {
				by, left = r.Int64N(60*day)-20*day, r.IntN(40)
			}
			if r.IntN(20) == 0 {
				left = 200
			}
		}
		s.entries = append(s.entries, entry{0, point{at + by, r.NormFloat64()}})
	}
	return s
}

// equalStates compares all that decides about later points.
func equalStates(t *testing.T, what string, got, want *Habit) {
	t.Helper()
	rules := usualHabit()
	if a, b := got.AppendState(&rules, nil), want.AppendState(&rules, nil); !bytes.Equal(a, b) {
		t.Fatalf("%s: another state, of %d bytes instead of %d", what, len(a), len(b))
	}
	same := func(a, b float64) bool {
		return math.Float64bits(a) == math.Float64bits(b) || math.IsNaN(a) && math.IsNaN(b)
	}
	if want.Len() > 0 && (!same(got.season, want.season) || want.now.day != 0 && (!same(got.one, want.one) || !same(got.many, want.many))) {
		t.Fatalf("%s: what follows from the state is %v %v %v, want %v %v %v", what, got.season, got.one, got.many, want.season, want.one, want.many)
	}
}

func sameJudgement(a, b Judgement) bool {
	return same(a.Verdict, b.Verdict) && a == b || fmt.Sprint(a) == fmt.Sprint(b)
}

// TestHabitRolledBackIsAsIfNothingHadHappened has epochs of one point to hundreds, some of which are rolled back.
func TestHabitRolledBackIsAsIfNothingHadHappened(t *testing.T) {
	for seed := range uint64(32) {
		s := anyStream(seed)
		r := rand.New(rand.NewPCG(seed, 23))
		rules := s.rules()
		var h, plain Habit
		epoch := seed % 2
		for at := 0; at < len(s.entries); {
			most := []int{1, 3, 30, 1000}[r.IntN(4)]
			part := s.entries[at:min(at+1+r.IntN(most), len(s.entries))]
			if r.IntN(3) == 0 {
				other := anyStream((seed + 20) % 32).entries
				for _, e := range other[:min(1+r.IntN(3*most), len(other))] {
					h.Add(rules, epoch, e.at, e.value)
				}
				h.Rollback(epoch)
				h.Rollback(epoch + 1) // it changed nothing
				equalStates(t, fmt.Sprintf("seed %d, before point %d", seed, at), &h, &plain)
				epoch += r.Uint64N(2)
			}
			for i, e := range part {
				got, want := h.Add(rules, epoch, e.at, e.value), plain.Add(rules, uint64(at+i), e.at, e.value)
				if !sameJudgement(got, want) {
					t.Fatalf("seed %d, point %d: %+v, without epochs %+v", seed, at+i, got, want)
				}
			}
			if len(h.undo) > mostChanges {
				t.Fatalf("an epoch of %d points noted %d changes", len(part), len(h.undo))
			}
			at += len(part)
			epoch++
		}
		equalStates(t, fmt.Sprintf("seed %d, at the end", seed), &h, &plain)
	}
}

func TestHabitObservesWhatItAdds(t *testing.T) {
	for seed := range uint64(8) {
		s := randomStream(seed).one()
		var observed, added Habit
		for i, e := range s.entries {
			observed.Observe(s.rules(), uint64(i/7), e.at, e.value)
			added.Add(s.rules(), uint64(i), e.at, e.value)
		}
		equalStates(t, s.name, &observed, &added)
	}
}

// TestHabitReadAgainDecidesTheSame stores and reads the state at random places, also within an epoch.
func TestHabitReadAgainDecidesTheSame(t *testing.T) {
	for seed := range uint64(32) {
		s := anyStream(seed)
		r := rand.New(rand.NewPCG(seed, 24))
		rules := s.rules()
		var h, plain Habit
		for i, e := range s.entries {
			if r.IntN(50) == 0 || i < 5 {
				stored := h.AppendState(rules, nil)
				h = Habit{}
				h.Observe(rules, 3, e.at, 1)
				if err := h.ParseState(rules, stored); err != nil {
					t.Fatal(seed, i, err)
				}
				equalStates(t, s.name, &h, &plain)
				if r.IntN(2) == 0 {
					h.Add(rules, 3, e.at, 1e6)
					h.Rollback(3)
					equalStates(t, s.name+", rolled back", &h, &plain)
				}
			}
			got, want := h.Add(rules, uint64(i/20), e.at, e.value), plain.Add(rules, uint64(i), e.at, e.value)
			if !sameJudgement(got, want) {
				t.Fatalf("seed %d, point %d: %+v, without a store %+v", seed, i, got, want)
			}
		}
		equalStates(t, s.name, &h, &plain)
	}
}

// TestHabitDependsOnFourteenDays replays streams without late points from random cuts: after 14 days the state is the same. A
// day more is for the day that the cut is in, and the gaps make no difference.
func TestHabitDependsOnFourteenDays(t *testing.T) {
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 25))
		next := seasonal(r)
		rules := usualHabit()
		var entries []point
		for at := int64(1_700_000_000_000); len(entries) < 96*40; at += quarter {
			if r.IntN(300) == 0 {
				at += r.Int64N(30) * quarter
			}
			entries = append(entries, point{at, next(at)})
		}
		var whole Habit
		cut := 96*5 + r.IntN(96*10)
		var replayed Habit
		differ := 0
		for i, p := range entries {
			want := whole.Add(&rules, uint64(i), p.at, p.value)
			if i < cut {
				continue
			}
			got := replayed.Add(&rules, uint64(i), p.at, p.value)
			if !sameJudgement(got, want) && p.at >= entries[cut].at+14*day {
				differ++
			}
		}
		t.Logf("seed %d: %d differ", seed, differ)
		if differ > 0 {
			t.Errorf("seed %d: %d judgements differ after 14 days", seed, differ)
		}
	}
}

func TestHabitOfManySettingsIsThatOfEach(t *testing.T) {
	s := randomStream(5).one()
	var rules []HabitRules
	for _, threshold := range []float64{5, 3, 8} {
		for _, minDev := range []float64{0.01, 0, 1} {
			of := s.settings()
			of.Threshold, of.MinDeviation = threshold, minDev
			rules = append(rules, NewHabitRules(of))
		}
	}
	for i := range rules {
		if !rules[i].Shares(&rules[0]) {
			t.Fatal("they do not share the state")
		}
	}
	var all Habit
	each := make([]Habit, len(rules))
	got := make([]Judgement, len(rules))
	anomalies := make([]int, len(rules))
	late := s.entries[len(s.entries)-1] // after a long silence there are too few points, and nothing of an earlier judgement may be left
	late.at += 60 * day
	few := 0
	for i, e := range append(slices.Clip(s.entries), late) {
		all.Compare(rules, uint64(i), e.at, e.value, got)
		for k := range rules {
			if want := each[k].Add(&rules[k], uint64(i), e.at, e.value); !sameJudgement(got[k], want) {
				t.Fatalf("point %d: %+v, alone %+v", i, got[k], want)
			}
			anomalies[k] += number(got[k].Reason == Anomalous)
			few += number(e == late && got[k].Reason == TooFewPoints)
			if j := &got[k]; (j.Reason == Anomalous) != (math.Abs(j.Deviation) > rules[k].window.threshold) && j.Reason != TooFewPoints {
				t.Fatalf("point %d: %+v", i, *j)
			}
		}
	}
	if few != len(rules) {
		t.Errorf("after the silence %d of %d settings have too few points", few, len(rules))
	}
	if !(anomalies[3] > anomalies[0] && anomalies[0] > anomalies[6] && anomalies[1] >= anomalies[0] && anomalies[0] >= anomalies[2]) {
		t.Errorf("anomalies by threshold and min_dev: %v", anomalies)
	}
}

// TestHabitSaysWhichTestSpoke has a level that is lower or higher for a day: first the value is outside, then also the mean.
func TestHabitSaysWhichTestSpoke(t *testing.T) {
	rules := usualHabit()
	number := func(x float64) string { return fmt.Sprintf("%.2f", x) }
	for _, c := range []struct {
		side float64
		word string
	}{{-1, "below"}, {1, "above"}} {
		r := rand.New(rand.NewPCG(1, 26))
		var h Habit
		heard := map[Test]int{}
		for i := range int64(96 * 12) {
			value := 10 + 0.05*r.NormFloat64()
			if i >= 96*11 {
				value += c.side * 0.2
			}
			j := h.Add(&rules, uint64(i), i*quarter, value)
			if i < 96*11 || j.Reason != Anomalous {
				continue
			}
			heard[j.Test]++
			beyond := max(j.Low-value, value-j.High)
			if c.side*j.Deviation < 5 || j.Low > j.Median || j.High < j.Median || j.Test == MeanTest && c.side*j.Mean < j.Usual || j.Test == ValueTest && beyond < 0 {
				t.Fatalf("%v is judged %+v", value, j)
			}
			want := "the last 24 values lie " + number(c.side*j.Mean) + " " + c.word + " expectation on average; up to " + number(j.Usual) + " is usual"
			if j.Test == ValueTest {
				want = number(j.Median) + " expected at this time of day, " + number(j.Low) + " to " + number(j.High) + " usual; it is " + number(value)
			}
			if got := j.Sentence(value, number); got != want {
				t.Fatalf("%q, want %q", got, want)
			}
		}
		if heard[MeanTest] < 5 || heard[ValueTest] < 1 {
			t.Errorf("%s: heard %v", c.word, heard)
		}
	}
}

// TestHabitComparesALateRecordWithWhatIsKnown and takes it in for its own half hour and day.
func TestHabitComparesALateRecordWithWhatIsKnown(t *testing.T) {
	rules := usualHabit()
	var inTime, late Habit
	at := int64(0)
	for ; at < 10*day; at += quarter {
		value := 1.0
		if hour := at % day / (2 * halfHour); hour >= 10 && hour < 15 {
			value = 2
		}
		inTime.Add(&rules, 1, at, value+float64(at/quarter%7)/1000)
		late.Add(&rules, 1, at, value+float64(at/quarter%7)/1000)
	}
	// It is midnight. A record of noon, twelve hours late, is expected to be as at noon.
	j := late.Add(&rules, 2, at-day/2+quarter, 2)
	if j.Reason != Normal || math.Abs(j.Median-2) > 0.01 {
		t.Errorf("a late record of noon: %+v", j)
	}
	// Two of the same time count twice.
	inTime.Add(&rules, 2, at, 1)
	first, second := late.Add(&rules, 3, at, 1), late.Add(&rules, 3, at, 1)
	if first.Reason != Normal || second.Reason != Normal || late.points.len() != inTime.points.len()+2 {
		t.Errorf("%+v, %+v, %d points, without them %d", first, second, late.points.len(), inTime.points.len())
	}
}

func TestHabitScoresFromTheThirdDayOn(t *testing.T) {
	rules := usualHabit()
	var h Habit
	for i := range int64(96 * 4) {
		j := h.Add(&rules, uint64(i), i*quarter, 1)
		if want := i >= 96*2; (j.Reason != TooFewPoints) != want {
			t.Fatalf("point %d: %+v", i, j)
		}
	}
}

func TestHabitWithoutDeviationMakesInfinityOfAnyOther(t *testing.T) {
	settings := Settings{GranularityMinutes: 15, HistoryHours: 72, MinRatio: HabitMinRatio, Threshold: 5}
	rules := NewHabitRules(settings)
	var h Habit
	for i := range int64(96 * 4) {
		if j := h.Add(&rules, uint64(i), i*quarter, 0.1); j.Reason == Anomalous {
			t.Fatalf("an equal value: %+v", j)
		}
	}
	if j := h.Add(&rules, 1000, 96*4*quarter, 0); j.Reason != Anomalous || !math.IsInf(j.Deviation, -1) {
		t.Errorf("a lesser value: %+v", j)
	}
}

// TestHabitOfAnyHistoryIsConsistent has histories shorter than a day, and odd ones.
func TestHabitOfAnyHistoryIsConsistent(t *testing.T) {
	for _, hours := range []float64{0.01, 1, 12, 24, 25.3, 48, 71.9, 200, 1000} {
		for _, ratio := range []float64{0, 0.2, 0.6, 1} {
			s := randomStream(9).one()
			settings := s.settings()
			settings.HistoryHours, settings.MinRatio = hours, ratio
			rules := NewHabitRules(settings)
			var h, again Habit
			for i, e := range s.entries {
				h.Add(&rules, uint64(i/9), e.at, e.value)
				if i%9 == 4 && i%100 < 9 {
					h.Rollback(uint64(i / 9))
					for k := i / 9 * 9; k <= i; k++ {
						h.Add(&rules, uint64(i/9), s.entries[k].at, s.entries[k].value)
					}
				}
				again.Add(&rules, 0, e.at, e.value)
			}
			equalStates(t, fmt.Sprint(hours, ratio), &h, &again)
		}
	}
}

func TestHabitSurvivesAnyNumbers(t *testing.T) {
	for _, kind := range streams {
		r := rand.New(rand.NewPCG(1, 27))
		rules := usualHabit()
		var h Habit
		at := int64(1_600_000_000_000)
		for i := range 96 * 12 {
			at += max(step(r), -at)
			h.Add(&rules, uint64(i/3), at, kind.next(r))
			if i%100 == 0 {
				h.Rollback(uint64(i / 3))
			}
		}
		var read Habit
		if err := read.ParseState(&rules, h.AppendState(&rules, nil)); err != nil {
			t.Errorf("%s: %v", kind.name, err)
		}
	}
	rules := usualHabit()
	var h Habit
	for i, at := range []int64{0, math.MaxInt64, 0, 1, math.MaxInt64 - 1, 1 << 40, 0} {
		h.Add(&rules, uint64(i), at, 1)
	}
}

func TestHabitRefusesWhatIsNoState(t *testing.T) {
	s := randomStream(3).one()
	rules := s.rules()
	var h Habit
	refused := func(what string, rules *HabitRules, data []byte) {
		t.Helper()
		var read Habit
		if err := read.ParseState(rules, data); !errors.Is(err, ErrState) || read.Len() > 0 {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, points := range [][]entry{nil, s.entries} {
		for _, e := range points {
			h.Observe(rules, 1, e.at, e.value)
		}
		stored := h.AppendState(rules, nil)
		for n := range stored {
			refused(fmt.Sprintf("the first %d of %d bytes", n, len(stored)), rules, stored[:n])
		}
		refused("one byte more", rules, append(slices.Clone(stored), 0))
		refused("version 2", rules, append([]byte{2}, stored[1:]...))
		for _, change := range []func(*Settings){
			func(s *Settings) { s.HistoryHours *= 2 },
			func(s *Settings) { s.MinRatio *= 2 },
			func(s *Settings) { s.GranularityMinutes *= 2 },
		} {
			settings := s.settings()
			change(&settings)
			other := NewHabitRules(settings)
			refused(fmt.Sprintf("another of the settings: %+v", settings), &other, stored)
		}
		settings := s.settings()
		settings.Threshold, settings.MinDeviation = 3, 7
		same := NewHabitRules(settings)
		if err := new(Habit).ParseState(&same, stored); err != nil {
			t.Errorf("another threshold: %v", err)
		}
	}
}

// TestHabitDropsNoPointTwice has histories of at most a day, and times at which the window's limit is rounded.
func TestHabitDropsNoPointTwice(t *testing.T) {
	for _, hours := range []float64{0.01, 12, 23.99999, 24, 24.00001} {
		rules := NewHabitRules(Settings{GranularityMinutes: 15, HistoryHours: hours, MinRatio: HabitMinRatio, Threshold: 5, MinDeviation: 0.01})
		for _, from := range []int64{1 << 40, 1 << 53, 1 << 58, math.MaxInt64 - 20*day} {
			r := rand.New(rand.NewPCG(1, 28))
			var h Habit
			at := from
			for i := range uint64(2000) {
				at += quarter - 600 + r.Int64N(1200)
				if r.IntN(50) == 0 {
					at = from + int64(i)*quarter/4
				}
				h.Add(&rules, i/4, at, r.Float64())
				if m := &h.median; m.n > 0 && int(m.before+m.n) > h.levelLen() || int(h.now.fresh) > h.points.len() {
					t.Fatalf("%v hours, point %d at %d: %d and %d of %d points are in order, from %d on", hours, i, at, m.before, m.n, h.points.len(), h.now.fresh)
				}
			}
		}
	}
}

// TestHabitKeepsItsProfileUntilTimeHasGoneOn has half hours that are far ahead: seven of them in a row change only their own cells. After
// eight, the state knows the new days as well as it knew the others.
func TestHabitKeepsItsProfileUntilTimeHasGoneOn(t *testing.T) {
	rules := usualHabit()
	for _, ahead := range []int64{1, 7, 8, 96} {
		var h Habit
		at := int64(1_600_000_000_000)
		for range 96 * 12 {
			at += quarter
			h.Observe(&rules, 1, at, 1)
		}
		known := h.profile.known()
		for i := range ahead {
			h.Observe(&rules, 2, at+50*day+i*halfHour, 1)
		}
		h.Observe(&rules, 2, at, 1) // ends the last one
		if got := h.profile.known() + int(h.now.leads); ahead <= mostLeads && got < known || ahead > mostLeads && got > int(ahead)+1 {
			t.Errorf("%d half hours ahead: %d cells are known, before %d", ahead, got, known)
		}
		h.Rollback(2)
		if got := h.profile.known(); got != known {
			t.Errorf("%d half hours ahead, rolled back: %d cells are known, before %d", ahead, got, known)
		}
	}
}

// TestHabitKeepsItsProfileBesideManyWrongTimes has more half hours far ahead than are kept, but never two in a row.
func TestHabitKeepsItsProfileBesideManyWrongTimes(t *testing.T) {
	rules := usualHabit()
	var h Habit
	at := int64(1_600_000_000_000)
	for i := range int64(96 * 15) {
		at += quarter
		h.Observe(&rules, 1, at, 1)
		if i > 96*12 && i%20 == 0 {
			h.Observe(&rules, 1, at+(30+i%7)*day, 1)
		}
	}
	if got := h.profile.known(); got < cells-20 || h.now.leads < mostLeads-1 {
		t.Errorf("%d cells are known and %d are ahead", got, h.now.leads)
	}
}
