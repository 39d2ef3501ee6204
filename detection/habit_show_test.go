package detection

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// recallRounding is by how much of itself a number that is recalled exactly may differ.
const recallRounding = 1e-14

// roundingApart says whether two numbers differ at most by the rounding of numbers of a size.
func roundingApart(a, b, size float64) bool {
	return a == b || math.Abs(a-b) <= recallRounding*max(math.Abs(a), math.Abs(b), size)
}

// tally counts what was recalled of points that were scored.
type tally struct {
	points, exact, about int
	wrong, wide          int // of those that are about right: the expected value or the band's width is wrong by more than a tenth of the reach
}

// follow adds a stream to a state, and compares what it recalls with what it judged, at random points.
func (c *tally) follow(t *testing.T, s *stream, often int) {
	t.Helper()
	r := rand.New(rand.NewPCG(uint64(often), 36))
	rules := s.rules()
	var h Habit
	var judged []Judgement
	for i, e := range s.entries {
		look := r.IntN(often) == 0
		var expected Judgement
		if look {
			expected = h.Expect(rules, e.at)
		}
		j := h.Add(rules, uint64(i), e.at, e.value)
		judged = append(judged, j)
		if !look {
			continue
		}
		if expected.Reason != TooFewPoints || j.Reason != TooFewPoints {
			if expected.Median != j.Median || expected.Scale != j.Scale || expected.Low != j.Low || expected.High != j.High || expected.Usual != j.Usual || expected.Reason == Anomalous {
				t.Fatalf("%s, point %d: %+v is expected, and it is judged %+v", s.name, i, expected, j)
			}
		}
		c.latest(t, s, &h, &j)
		all := h.Recall(rules)
		if len(all) != h.Len() {
			t.Fatalf("%d of %d points are recalled", len(all), h.Len())
		}
		for k, one := range all {
			at := i - len(all) + 1 + k
			if one.At != s.entries[at].at || !roundingApart(one.Value, s.entries[at].value, 0) {
				t.Fatalf("%s, point %d: %+v instead of %+v", s.name, at, one, s.entries[at])
			}
			if want := &judged[at]; want.Reason != TooFewPoints {
				c.compare(t, s, at, &one, want)
			}
		}
	}
}

// latest compares the last judgement with what a state says of it later.
func (c *tally) latest(t *testing.T, s *stream, h *Habit, want *Judgement) {
	t.Helper()
	got := h.Latest(s.rules())
	same := got.Reason == want.Reason && got.Test == want.Test
	a, b := got.numbers(), want.numbers()
	for i := range a {
		same = same && roundingApart(a[i], b[i], math.Abs(h.points.at(h.Len()-1).value))
	}
	if !same {
		t.Fatalf("%s: the last point is judged %+v, and later %+v", s.name, *want, got)
	}
}

func (c *tally) compare(t *testing.T, s *stream, at int, got *Recalled, want *Judgement) {
	t.Helper()
	c.points++
	size, reach := math.Abs(got.Value), want.High-want.Median
	switch {
	case !got.Known && (got.Exact || got.Expected != 0 || got.Low != 0 || got.High != 0):
		t.Fatalf("%s, point %d: %+v", s.name, at, got)
	case !got.Known:
	case got.Exact:
		c.exact++
		if !roundingApart(got.Expected, want.Median, size) || !roundingApart(got.Low, want.Low, size+reach) || !roundingApart(got.High, want.High, size+reach) {
			t.Fatalf("%s, point %d was judged %+v, and later %+v", s.name, at, want, got)
		}
	default:
		c.about++
		c.wrong += number(math.Abs(got.Expected-want.Median) > reach/10)
		c.wide += number(math.Abs(got.High-got.Low-2*reach) > 2*reach/10)
	}
}

// TestHabitRecallsWhatItJudged in all kinds of streams: what it calls exact is equal, but for rounding.
func TestHabitRecallsWhatItJudged(t *testing.T) {
	var c tally
	for seed := range uint64(40) {
		s := anyStream(seed)
		c.follow(t, &s, 60)
	}
	for _, s := range append(settingStreams(), farStreams()...) {
		c.follow(t, &s, 200)
	}
	if c.exact < c.points/20 || c.about < c.points/10 {
		t.Errorf("%+v", c)
	}
}

// TestHabitRecallsNearlyWhatItJudged in streams as people have them.
func TestHabitRecallsNearlyWhatItJudged(t *testing.T) {
	var c tally
	for _, s := range append(goldenStreams(t), nabStreams(t)...) {
		s = s.one()
		c.follow(t, &s, 200)
	}
	t.Logf("%+v", c)
	if c.about < 1000 || c.wrong > c.about/50 || c.wide > c.about/4 {
		t.Errorf("%+v", c)
	}
}

func TestHabitRecallsADay(t *testing.T) {
	rules := usualHabit()
	next := seasonal(rand.New(rand.NewPCG(1, 35)))
	var h Habit
	for i := range int64(96*12 + 50) {
		h.Add(&rules, uint64(i), i*quarter, next(i*quarter))
	}
	stored := h.AppendState(&rules, nil)
	all := h.Recall(&rules)
	var read Habit
	if err := read.ParseState(&rules, stored); err != nil || !slices.Equal(read.Recall(&rules), all) || read.Latest(&rules) != h.Latest(&rules) {
		t.Errorf("a state that is read again recalls something else, or %v", err)
	}
	known, exact := 0, 0
	for i, one := range all {
		known += number(one.Known)
		exact += number(one.Exact)
		if one.Known != (i >= len(all)-97) || one.Exact != (i >= len(all)-24) || one.Known && !(one.Low < one.Expected && one.Expected < one.High) {
			t.Errorf("point %d of %d: %+v", i, len(all), one)
		}
	}
	if len(all) != 193 || known != 97 || exact != 24 {
		t.Errorf("%d points, %d known, %d exact", len(all), known, exact)
	}
	h.Expect(&rules, (96*12+50)*quarter)
	h.Latest(&rules)
	if !bytes.Equal(stored, h.AppendState(&rules, nil)) {
		t.Error("looking at a state changes it")
	}
	if hours := rules.KeptHours(); hours != 48 || rules.Full() != 192 {
		t.Errorf("%v hours, %d points", hours, rules.Full())
	}
}

// TestHabitOfALongHistoryRecallsTwoDays: it has the values of a week, but too many of the half hours before have been replaced.
func TestHabitOfALongHistoryRecallsTwoDays(t *testing.T) {
	rules := NewHabitRules(Settings{GranularityMinutes: 15, HistoryHours: 200, MinRatio: HabitMinRatio, Threshold: 5, MinDeviation: 0.01})
	next := seasonal(rand.New(rand.NewPCG(1, 35)))
	var h Habit
	for i := range int64(96*20 + 50) {
		h.Add(&rules, uint64(i), i*quarter, next(i*quarter))
	}
	all, known := h.Recall(&rules), 0
	for _, one := range all {
		known += number(one.Known)
	}
	if len(all) != 176*4+1 || known < 2*96 || known > 3*96 {
		t.Errorf("of %d points, %d are known", len(all), known)
	}
}

func TestHabitExpectsTheNextPointAfterTheLastOne(t *testing.T) {
	rules := usualHabit()
	var h Habit
	if at, ok := h.Next(&rules, quarter); ok {
		t.Errorf("without a point, the next one comes at %d", at)
	}
	h.Add(&rules, 1, 100*quarter+7, 1)
	for now, want := range map[int64]int64{0: 101, 100*quarter + 7: 101, 102*quarter + 6: 101, 102*quarter + 7: 102, 150 * quarter: 149} {
		if at, ok := h.Next(&rules, now); !ok || at != want*quarter+7 {
			t.Errorf("at %d the next point comes at %d, %t", now, at, ok)
		}
	}
}

func TestHabitWithoutPointsRecallsNothing(t *testing.T) {
	rules := usualHabit()
	var h Habit
	if all, j, next := h.Recall(&rules), h.Latest(&rules), h.Expect(&rules, 5); len(all) != 0 || j != (Judgement{}) || next != (Judgement{}) {
		t.Errorf("%v, %+v, %+v", all, j, next)
	}
}
