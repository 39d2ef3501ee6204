package actors

import (
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"anomalydetector/detection"
	"anomalydetector/messages"
	"anomalydetector/persistence"
)

// postponing is a partition with a store, whose clock is the test's.
type postponing struct {
	*bench
	*testing.T
	config *Config
	now    time.Time
	write  error // the answer of the disk
}

func newPostponing(t *testing.T, options persistence.Options) *postponing {
	return newPostponingOf(t, options, benchConfig())
}

func newPostponingOf(t *testing.T, options persistence.Options, config *Config) *postponing {
	p := &postponing{T: t, config: config, now: time.UnixMilli(0)}
	options.Log = slog.New(slog.DiscardHandler)
	options.BeforeWrite = func() error { return p.write }
	store, err := persistence.OpenStore(t.TempDir(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	p.config.Postpone = DefaultPostpone
	p.config.Now, p.config.Store = func() time.Time { return p.now }, store
	p.bench = newBench(t, p.config)
	return p
}

// commit has some bins of 2 entities scored and committed.
func (p *postponing) commit(bins int, more bool) *messages.Checkpointed {
	p.Helper()
	slice := &messages.Slice{}
	for range bins {
		slice.Records = append(slice.Records, p.bin(2)...)
	}
	p.tell(slice)
	if done, ok := p.answer(p.T).(*messages.SliceDone); !ok {
		p.Fatalf("the slice failed: %v", done)
	}
	return p.committed(more)
}

func (p *postponing) committed(more bool) *messages.Checkpointed {
	p.tell(&messages.Committed{More: more})
	return <-p.commits
}

// stored checks whether a commit was stored, or postponed.
func (p *postponing) stored(what string, got *messages.Checkpointed, want bool) {
	p.Helper()
	head, _, err := p.config.Store.Stored(p.config.Name, 0)
	if got.Stored != want || got.Postponed == want || got.Err != nil || err != nil || want != (head.Offset == p.offset) {
		p.Errorf("%s: the answer is %+v; stored is offset %d of %d, %v", what, *got, head.Offset, p.offset, err)
	}
}

// TestCheckpointIsPostponedFiveSecondsAtMost, and only while more records come.
func TestCheckpointIsPostponedFiveSecondsAtMost(t *testing.T) {
	p := newPostponing(t, persistence.Options{})
	p.stored("at the end of the stream", p.commit(1, false), true)
	p.stored("behind the stream", p.commit(1, true), false)
	p.now = p.now.Add(DefaultPostpone - 1)
	p.stored("just before the time is over", p.commit(1, true), false)
	p.now = p.now.Add(1)
	p.stored("when the time is over", p.commit(1, true), true)
	p.stored("after that", p.commit(1, true), false)
	p.stored("with the next commit at the end of the stream", p.commit(1, false), true)
	p.commit(1, true)
	p.stored("when the detector has caught up", p.committed(false), true)
}

// TestNothingIsPostponedWhileEntitiesAreEvicted: only a checkpoint evicts them.
func TestNothingIsPostponedWhileEntitiesAreEvicted(t *testing.T) {
	p := newPostponing(t, persistence.Options{})
	p.config.MaxCached.Store(1)
	p.stored("with cached_entities", p.commit(1, true), true)
}

// TestFailedCheckpointIsNotPostponed: it is tried again at each commit, so that the detector learns when the disk is well.
func TestFailedCheckpointIsNotPostponed(t *testing.T) {
	p := newPostponing(t, persistence.Options{})
	p.write = errors.New("input/output error")
	for range 2 {
		if answer := p.commit(1, false); answer.Err == nil || answer.Stored {
			t.Fatalf("the answer is %+v", *answer)
		}
		if answer := p.commit(1, true); answer.Err == nil || answer.Postponed {
			t.Fatalf("the answer is %+v", *answer)
		}
	}
	p.write = nil
	p.stored("when the disk is well", p.commit(1, true), true)
	p.stored("after that", p.commit(1, true), false)
}

// TestPointsThatWindowsHaveLostAreNotStored: else there were soon too many to postpone a checkpoint. Full windows of 2 entities
// have 50 points.
func TestPointsThatWindowsHaveLostAreNotStored(t *testing.T) {
	const most = 100
	p := newPostponing(t, persistence.Options{Pending: most})
	for range 20 {
		p.stored("behind the stream", p.commit(most/2-1, true), false)
	}
	windows := p.windows()
	p.stored("at the end of the stream", p.committed(false), true)
	p.stop(t)
	p.bench = newBenchAt(t, p.config, p.offset)
	if again := p.windows(); !slices.EqualFunc(windows, again, slices.Equal) {
		t.Errorf("after a start the windows are %v\nwant %v", again, windows)
	}
}

// TestPointsThatWindowsHaveAreStoredIfThereAreTooMany: the partition does not keep more than so many.
func TestPointsThatWindowsHaveAreStoredIfThereAreTooMany(t *testing.T) {
	const most = 20
	p := newPostponing(t, persistence.Options{Pending: most})
	p.stored("with few points", p.commit(most/2-1, true), false)
	p.stored("with too many", p.commit(1, true), true)
}

// TestStatesMayWaitForACheckpointButNoPointIsLeftOut: a state of habits depends on points that have left its window.
func TestStatesMayWaitForACheckpointButNoPointIsLeftOut(t *testing.T) {
	const most = 400 // more than windows have
	shed := 0
	config := benchConfig()
	config.setMethod(detection.Settings{
		Method: detection.HabitMethod, GranularityMinutes: 15, HistoryHours: 24, MinRatio: detection.HabitMinRatio, Threshold: 5, MinDeviation: 0.01,
	})
	p := newPostponingOf(t, persistence.Options{Pending: most, Shed: func(points int) { shed += points }}, config)
	for range 3 {
		p.stored("behind the stream", p.commit(most/2-1, true), false)
		p.stored("with too many points", p.commit(1, true), true)
	}
	p.stored("behind the stream", p.commit(most/2-1, true), false)
	states := p.windows()
	p.stored("at the end of the stream", p.committed(false), true)
	p.stop(t)
	p.bench = newBenchAt(t, p.config, p.offset)
	if again := p.windows(); shed > 0 || !slices.EqualFunc(states, again, slices.Equal) {
		t.Errorf("%d points were left out; after a start the states have the points %v\nwant %v", shed, again, states)
	}
}

// windows are those of both entities.
func (p *postponing) windows() (windows [][]messages.WindowPoint) {
	p.Helper()
	for _, key := range []string{"-1,64512", "-1,64513"} {
		answer := make(chan *entityAnswer, 1)
		p.tell(&entityAsked{key, answer})
		windows = append(windows, (<-answer).status.Window)
	}
	return windows
}
