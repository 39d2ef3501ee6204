package actors_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/actors"
	"anomalydetector/messages"
	"anomalydetector/persistence"
	"anomalydetector/stream"
)

// measured is a Measure that counts its calls.
type measured struct {
	mu                               sync.Mutex
	transactions, detections         int
	stored, unstored, taken, untaken int
	postponed                        int
	negative                         int
}

func (m *measured) note(took time.Duration, counts ...*int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if took < 0 {
		m.negative++
	}
	for _, count := range counts {
		*count++
	}
}

func pick(good bool, yes, no *int) *int {
	if good {
		return yes
	}
	return no
}

func (m *measured) Transaction(took time.Duration) { m.note(took, &m.transactions) }
func (m *measured) Detection(took time.Duration)   { m.note(took, &m.detections) }
func (m *measured) Checkpoint(took time.Duration, stored bool) {
	m.note(took, pick(stored, &m.stored, &m.unstored))
}
func (m *measured) Postponed() { m.note(0, &m.postponed) }
func (m *measured) Handoff(took time.Duration, taken bool) {
	m.note(took, pick(taken, &m.taken, &m.untaken))
}

func (m *measured) get(what *int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return *what
}

// latest waits for a report that is as it should be.
func (n *node) latest(what string, fits func(*actors.Report) bool) (report *actors.Report) {
	n.world.Helper()
	n.world.until(what, func() bool {
		report = n.config.Report()
		return report != nil && fits(report)
	})
	return report
}

// TestReportsCountWhatIsCommittedOnce: an abort is counted. The records of the aborted
// transaction are counted when they are committed.
func TestReportsCountWhatIsCommittedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "hegemony_median")
	w.failsCommits(2)
	m := new(measured)
	n := w.startStoring(t.TempDir(), persistence.Options{}, func(c *actors.Config) { c.Measure = m })
	w.produce(&kgo.Record{Topic: inputTopic}) // a tombstone
	w.feed(len(w.golden.Records))
	all := int64(len(w.golden.Records)) + 1
	report := n.latest("all is counted", func(r *actors.Report) bool { return r.Totals.Records == all })
	var above, below int64
	for _, deviation := range w.golden.Expected {
		if deviation > 0 {
			above++
		} else {
			below++
		}
	}
	totals := report.Totals
	switch {
	case totals.Above != above || totals.Below != below:
		t.Errorf("%d anomalies above and %d below, want %d and %d", totals.Above, totals.Below, above, below)
	case totals.Points != all-1 || totals.Bad["tombstone"] != 1 || totals.DeadLetters != 1:
		t.Errorf("points and bad records: %+v", totals)
	case totals.Unscored == 0 || totals.Unscored >= totals.Points:
		t.Errorf("%d of %d points are unscored", totals.Unscored, totals.Points)
	case totals.Commits == 0 || totals.Aborts != 2:
		t.Errorf("%d commits and %d aborts, want 2", totals.Commits, totals.Aborts)
	case report.Committed.IsZero() || !report.Joined || report.Paused != "" || report.Ended:
		t.Errorf("report %+v", report)
	}
	entities, cached := 0, 0
	for i, p := range report.Status.Partitions {
		about := report.Partitions[i]
		if about.Partition != p.Partition || p.Entities > 0 && about.StreamTime == 0 {
			t.Errorf("partition %d: %+v", p.Partition, about)
		}
		entities, cached = entities+p.Entities, cached+about.Cached
	}
	if entities == 0 || cached != entities {
		t.Errorf("%d entities, %d in memory", entities, cached)
	}
	if commits := int(totals.Commits); m.get(&m.detections) != commits || m.get(&m.transactions) != commits+2 {
		t.Errorf("%d detections and %d transactions are measured, with %d commits", m.get(&m.detections), m.get(&m.transactions), commits)
	}
	w.until("checkpoints are measured", func() bool { return m.get(&m.stored) > 0 })
	if unstored, negative := m.get(&m.unstored), m.get(&m.negative); unstored+negative != 0 {
		t.Errorf("%d checkpoints failed, %d times were negative", unstored, negative)
	}
	n.end()
	if last := n.config.Report(); last.Totals.Records != all {
		t.Errorf("at the end %d records are counted", last.Totals.Records)
	}
	n.latest("the end is reported", func(r *actors.Report) bool { return r.Ended })
}

// TestReportsSayHowManyEntitiesAreInMemory: a limit evicts some.
func TestReportsSayHowManyEntitiesAreInMemory(t *testing.T) {
	t.Parallel()
	g, set := wild(12, 400)
	w := newWorldOf(t, g, set)
	n := w.startStoring(t.TempDir(), persistence.Options{Journal: 60}, func(c *actors.Config) { c.MaxCached.Store(2) })
	w.feed(len(g.Records))
	n.latest("fewer are in memory than there are", func(r *actors.Report) bool {
		return slices.ContainsFunc(r.Status.Partitions, func(p messages.PartitionStatus) bool {
			at := slices.IndexFunc(r.Partitions, func(of actors.PartitionReport) bool { return of.Partition == p.Partition })
			return r.Partitions[at].Cached < p.Entities
		})
	})
	n.end()
}

// TestReportsSayWhyIntakeIsPaused, and that it goes on.
func TestReportsSayWhyIntakeIsPaused(t *testing.T) {
	t.Parallel()
	g, set := wild(13, 400)
	w := newWorldOf(t, g, set)
	var full, failing atomic.Bool
	m := new(measured)
	options := persistence.Options{Floor: 1 << 20,
		Free: func() (uint64, error) {
			if full.Load() {
				return 0, nil
			}
			return 1 << 40, nil
		},
		BeforeWrite: func() error {
			if failing.Load() {
				return errors.New("input/output error")
			}
			return nil
		},
	}
	n := w.startStoring(t.TempDir(), options, func(c *actors.Config) { c.Measure = m })
	w.feed(len(g.Records) / 3)
	n.latest("all is counted", func(r *actors.Report) bool { return r.Totals.Records == int64(w.fed) })
	full.Store(true)
	report := n.latest("there is no space", func(r *actors.Report) bool { return r.Paused == actors.NoSpace })
	if report.Status.State != messages.StateStopped || report.Status.Problem == "" {
		t.Errorf("its status is %+v", report.Status)
	}
	full.Store(false)
	n.latest("intake goes on", func(r *actors.Report) bool { return r.Paused == "" })
	failing.Store(true)
	w.feed(1)
	n.latest("the store fails", func(r *actors.Report) bool { return r.Paused == actors.StoreFails })
	failing.Store(false)
	n.latest("intake goes on again", func(r *actors.Report) bool { return r.Paused == "" })
	if m.get(&m.unstored) == 0 {
		t.Error("no checkpoint is counted that failed")
	}
	n.end()
}

// TestReportsComeWhateverIsWaitedFor, such as from a detector that cannot open its session.
func TestReportsComeWhateverIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "short_window_median")
	n := w.start("one", func(c *actors.Config, _ *stream.Config) {
		c.Open = func(ctx context.Context) (actors.Session, error) { <-ctx.Done(); return nil, ctx.Err() }
	})
	first := n.latest("there is one", func(*actors.Report) bool { return true })
	next := n.latest("there is a newer one", func(r *actors.Report) bool { return r.At.After(first.At) })
	if next.Joined || next.Status.State != messages.StateOpening {
		t.Errorf("it is %+v", next.Status)
	}
}

// TestPanicsAndReplaysAreReported: a partition that panicked replays.
func TestPanicsAndReplaysAreReported(t *testing.T) {
	t.Parallel()
	g, set := wild(14, 400)
	w := newWorldOf(t, g, set)
	n := w.startSick(t.TempDir(), []*poison{{actor: "partition", message: "*messages.Slice", times: 1}}, nil)
	w.feed(len(g.Records))
	n.latest("all is counted", func(r *actors.Report) bool { return r.Totals.Records == int64(w.fed) })
	if n.config.Counts.Panics.Load() != 1 {
		t.Errorf("%d panics are counted", n.config.Counts.Panics.Load())
	}
	must(t, n.stop())
	must(t, n.store.Close())
}

// stranger is a Peers without any windows.
type stranger struct{}

func (stranger) Fetch(context.Context, actors.Wanted, persistence.Check) (*persistence.Import, error) {
	return nil, errors.New("it has nothing")
}
func (stranger) AwaitCommitted(context.Context, int32, int64) error { return nil }
func (stranger) Drain(context.Context)                              {}

// TestHandoffThatFailsIsMeasured: the partition has to be replayed.
func TestHandoffThatFailsIsMeasured(t *testing.T) {
	t.Parallel()
	g, set := wild(15, 400)
	w := newWorldOf(t, g, set)
	first := w.start("one", nil)
	w.feed(len(g.Records))
	w.untilCommitted()
	must(t, first.stop())
	m := new(measured)
	n := w.startStoring(t.TempDir(), persistence.Options{}, func(c *actors.Config) { c.Peers, c.HandoffFrom, c.Measure = stranger{}, 1, m })
	n.latest("it is live", func(r *actors.Report) bool {
		return len(r.Status.Partitions) == int(g.Partitions) && !slices.ContainsFunc(r.Status.Partitions, func(p messages.PartitionStatus) bool { return p.Phase != messages.Ready })
	})
	if m.get(&m.untaken) == 0 || m.get(&m.taken) != 0 {
		t.Errorf("%d handoffs failed, %d did not", m.untaken, m.taken)
	}
	n.end()
}
