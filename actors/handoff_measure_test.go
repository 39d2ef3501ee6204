package actors_test

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"anomalydetector/actors"
	"anomalydetector/messages"
	"anomalydetector/persistence"
)

// donor is another node whose windows are in a store of this process.
type donor struct {
	stranger
	detector string
	from, to *persistence.Store
}

func (d donor) Fetch(_ context.Context, wanted actors.Wanted, check persistence.Check) (*persistence.Import, error) {
	var copied bytes.Buffer
	if _, err := d.from.Export(d.detector, wanted.Partition, &copied); err != nil {
		return nil, err
	}
	return d.to.Import(&copied, check)
}

// TestHandoffIsMeasured: each partition takes its windows from the node that had it.
func TestHandoffIsMeasured(t *testing.T) {
	t.Parallel()
	g, set := wild(16, 400)
	w := newWorldOf(t, g, set)
	first := w.startStoring(t.TempDir(), persistence.Options{}, nil)
	w.feed(len(g.Records))
	w.untilCommitted()
	must(t, first.stop())
	m := new(measured)
	n := w.startStoring(t.TempDir(), persistence.Options{}, func(c *actors.Config) {
		c.Peers, c.HandoffFrom, c.Measure = donor{detector: c.Name, from: first.store, to: c.Store}, 1, m
	})
	n.latest("it is live", func(r *actors.Report) bool {
		return len(r.Status.Partitions) == int(g.Partitions) && !slices.ContainsFunc(r.Status.Partitions, func(p messages.PartitionStatus) bool { return p.Phase != messages.Ready })
	})
	if taken, untaken := m.get(&m.taken), m.get(&m.untaken); taken == 0 || untaken != 0 {
		t.Errorf("%d handoffs succeeded, %d failed", taken, untaken)
	}
	n.end()
	must(t, first.store.Close())
}
