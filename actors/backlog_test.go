package actors_test

import (
	"testing"
	"time"

	"anomalydetector/actors"
	"anomalydetector/persistence"
)

// TestBacklogIsStoredWhenItIsOver: a detector that is far behind postpones its checkpoints. When it has caught up it stores the
// windows, and a stop stores them, too. Rounds are small, so that there are many commits.
func TestBacklogIsStoredWhenItIsOver(t *testing.T) {
	t.Parallel()
	g, set := wild(21, 400)
	w := newWorldOf(t, g, set)
	dir, m := t.TempDir(), new(measured)
	behind := func(c *actors.Config) {
		c.Measure, c.Postpone, c.Batch, c.CommitInterval = m, time.Hour, 20, time.Millisecond
	}
	w.feed(len(g.Records) / 2)
	n := w.startStoring(dir, persistence.Options{Pending: 50}, behind)
	w.untilCommitted()
	w.until("all is stored", func() bool { return n.storedOffsets() == w.end() })
	if m.get(&m.postponed) == 0 {
		t.Error("no checkpoint was postponed: the test has not tested anything")
	}
	w.feed(len(g.Records))
	w.until("something of it is committed", func() bool { return w.committed() > w.end()/2 })
	must(t, n.stop())
	if stored, committed := n.storedOffsets(), w.committed(); stored != committed {
		t.Errorf("after the stop the windows hold %d records, and %d are committed", stored, committed)
	}
	must(t, n.store.Close())
	n = w.startStoring(dir, persistence.Options{Pending: 50}, behind)
	w.untilCommitted()
	n.end()
	w.verify()
}

// storedOffsets is how many records the stored windows hold.
func (s *storing) storedOffsets() (sum int64) {
	for partition := range s.world.golden.Partitions {
		head, _, err := s.store.Stored(s.config.Name, partition)
		must(s.world.T, err)
		sum += head.Offset
	}
	return sum
}
