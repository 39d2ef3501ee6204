package standstill

import (
	"slices"
	"testing"
	"time"

	"anomalydetector/stream"
)

// watched is a watch with a clock of its own.
type watched struct {
	*Watch
	now     time.Time
	trouble *stream.Trouble // is heard all the time
}

func newWatched() *watched {
	return &watched{Watch: New(time.Second), now: time.UnixMilli(1_600_000_000_000)}
}

// wait shows the same for a while, each second, and returns when and what was said.
func (w *watched) wait(seconds int, all func(second int) []Pending) (said map[int]Line) {
	said = make(map[int]Line)
	for second := range seconds {
		for _, l := range w.See(w.now, all(second), w.last) {
			said[second] = l
		}
		w.now = w.now.Add(time.Second)
	}
	return said
}

func (w *watched) last(time.Time, ...stream.Activity) (stream.Trouble, bool) {
	if w.trouble == nil {
		return stream.Trouble{}, false
	}
	return *w.trouble, true
}

func always(all ...Pending) func(int) []Pending { return func(int) []Pending { return all } }

func seconds(said map[int]Line) (all []int) {
	for second := range said {
		all = append(all, second)
	}
	slices.Sort(all)
	return all
}

// TestEachStandstillIsToldInTime: whatever is waited for, and whatever the broker says.
func TestEachStandstillIsToldInTime(t *testing.T) {
	final := &stream.Trouble{Name: "GROUP_AUTHORIZATION_FAILED", Final: true}
	refused := &stream.Trouble{Name: "NOT_ENOUGH_REPLICAS"}
	broken := &stream.Trouble{Text: "connection refused"}
	for name, c := range map[string]struct {
		waiting Waiting
		trouble *stream.Trouble
		want    int
	}{
		"a session": {Opening, nil, 30}, "the group": {Joining, nil, 30}, "history": {Replaying, nil, 30}, "a checkpoint": {Storing, nil, 30},
		"a round": {Scoring, nil, 30}, "acknowledgements": {Writing, nil, 30}, "the end": {Ending, nil, 30},
		"a commit": {Committing, nil, 36}, "an open transaction": {Held, nil, 30}, "the topic's ends": {Asking, nil, 30},
		"a refusal":                    {Joining, final, 4},
		"a refusal by the topic":       {Asking, final, 4},
		"a refusal at the start":       {Opening, final, 10},
		"a certificate at the start":   {Opening, &stream.Trouble{Final: true}, 10},
		"an error that is retried":     {Writing, refused, 10},
		"an error while records wait":  {Committing, refused, 16},
		"a broker that starts again":   {Asking, refused, 30},
		"no connection":                {Writing, broken, 30},
		"errors explain no checkpoint": {Storing, refused, 30},
	} {
		w := newWatched()
		w.trouble = c.trouble
		said := w.wait(45, always(Pending{c.waiting, 3, 7, 100, false}))
		l, found := said[c.want]
		if got := seconds(said); len(got) == 0 || got[0] != c.want || !found || l.Waiting != c.waiting || l.Over {
			t.Errorf("waiting for %s: told after %v s, want %d", name, got, c.want)
		}
		if !slices.Equal(l.Partitions, []int32{3}) || l.Records != 100 || l.Stood != time.Duration(c.want)*time.Second {
			t.Errorf("waiting for %s: told of %+v", name, l)
		}
	}
}

// TestStandstillIsToldAtGrowingIntervals until it ends, which is told once.
func TestStandstillIsToldAtGrowingIntervals(t *testing.T) {
	w := newWatched()
	said := w.wait(4000, func(second int) []Pending {
		if second >= 3000 {
			return nil
		}
		return []Pending{{Writing, -1, 0, 0, false}}
	})
	want := []int{30, 60, 120, 240, 480, 960, 1560, 2160, 2760, 3000}
	if got := seconds(said); !slices.Equal(got, want) {
		t.Fatalf("told after %v s, want %v", got, want)
	}
	if l := said[3000]; !l.Over || l.Stood != 3000*time.Second || l.Waiting != Writing {
		t.Errorf("its end is told as %+v", l)
	}
	for _, second := range want[:len(want)-1] {
		if l := said[second]; l.Over || l.Stood != time.Duration(second)*time.Second {
			t.Errorf("after %d s it is told as %+v", second, l)
		}
	}
	if len(w.Standing()) != 0 {
		t.Error("it still stands in the status")
	}
}

// TestMovementIsNoStandstill: a slow stream, a long replay, a busy stream that each look
// finds in another step, and nothing at all.
func TestMovementIsNoStandstill(t *testing.T) {
	for name, all := range map[string]func(int) []Pending{
		"idle": always(),
		"a replay that goes on every 20 s": func(second int) []Pending {
			return []Pending{{Replaying, 0, int64(second / 20), 0, false}}
		},
		"commits every 25 s": func(second int) []Pending {
			return []Pending{{Committing, 0, int64(second / 25), 5, false}, {Committing, -1, int64(second / 25), 0, false}}
		},
		"each time in another step": func(second int) []Pending {
			return []Pending{{Writing, -1, int64(2 * second), 0, false}, {Ending, -1, int64(3 * second), 0, false}, {Storing, 1, int64(second), 0, false}}
		},
		"a slow broker that acknowledges": func(second int) []Pending { return []Pending{{Writing, -1, int64(second / 9), 0, false}} },
	} {
		w := newWatched()
		w.trouble = &stream.Trouble{Name: "NOT_LEADER_FOR_PARTITION"}
		if name != "a slow broker that acknowledges" && name != "each time in another step" {
			w.trouble = nil
		}
		if said := w.wait(3600, all); len(said) > 0 {
			t.Errorf("%s: told after %v s", name, seconds(said))
		}
	}
}

// TestFailedAttemptIsNoMovement: records that cannot be written are aborted, read and
// written again and again; that is one standstill, not many.
func TestFailedAttemptIsNoMovement(t *testing.T) {
	w := newWatched()
	w.trouble = &stream.Trouble{Name: "NOT_ENOUGH_REPLICAS"}
	attempt := func(second int) []Pending {
		if second >= 300 {
			return nil
		}
		all := []Pending{{Committing, 0, 5, 100, false}}
		if second%15 < 13 {
			all = append(all, Pending{Writing, -1, int64(second / 15), 0, false})
		}
		return all
	}
	said := w.wait(400, attempt)
	if got := seconds(said); !slices.Equal(got, []int{10, 40, 100, 220, 300}) || !said[300].Over {
		t.Errorf("told after %v s", got)
	}
	if l := said[220]; l.Stood < 215*time.Second {
		t.Errorf("after 220 s it stands for %s", l.Stood)
	}
}

// TestCauseIsToldNotItsConsequence: records wait because nothing can be written.
func TestCauseIsToldNotItsConsequence(t *testing.T) {
	w := newWatched()
	said := w.wait(200, always(Pending{Committing, 0, 5, 100, false}, Pending{Committing, 1, 5, 100, false}, Pending{Writing, -1, 0, 0, false}))
	for second, l := range said {
		if l.Waiting != Writing {
			t.Errorf("after %d s: %+v", second, l)
		}
	}
}

// TestPartitionsThatStandAreToldTogether, and those that move are not among them.
func TestPartitionsThatStandAreToldTogether(t *testing.T) {
	w := newWatched()
	said := w.wait(40, func(second int) []Pending {
		return []Pending{{Committing, 4, 5, 100, false}, {Committing, 2, 5, 10, false}, {Committing, 3, int64(second), 1000, false}}
	})
	if l := said[36]; len(said) != 1 || !slices.Equal(l.Partitions, []int32{2, 4}) || l.Records != 110 {
		t.Errorf("told %+v", said)
	}
}

// TestErrorsAreListenedToInTime: before the first warning, and not in the normal course.
func TestErrorsAreListenedToInTime(t *testing.T) {
	for name, c := range map[string]struct {
		pending Pending
		want    int
	}{"writing": {Pending{Writing, -1, 0, 0, false}, 2}, "records wait": {Pending{Committing, 0, 0, 0, false}, 8}} {
		w := newWatched()
		for second := range 20 {
			w.See(w.now, []Pending{c.pending}, w.last)
			if got := w.Attentive(w.now); got != (second >= c.want) {
				t.Errorf("%s: attentive after %d s: %t", name, second, got)
			}
			w.now = w.now.Add(time.Second)
		}
	}
}
