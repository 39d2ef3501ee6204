package persistence_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"anomalydetector/persistence"
	"anomalydetector/test/formats"
)

// The tests of stored formats use the store through the functions below wherever its
// functions may change, so that a new shape of the store changes this file alone.

// windows are those that a partition has in memory.
type windows map[string][]persistence.Point

// open opens the state in a directory.
func open(t *testing.T, dir string, o persistence.Options) *persistence.Store {
	t.Helper()
	store, err := persistence.OpenStore(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// unchecked takes any snapshot.
var unchecked = persistence.Check{
	Head:  func(persistence.Snapshot) error { return nil },
	State: func(persistence.State) error { return nil },
}

// checkpoint stores what was appended and committed, with a head. Afterwards the entities
// toDisk are on disk only.
func checkpoint(t *testing.T, p *persistence.Partition, head persistence.Head, memory windows, toDisk ...*persistence.Entity) error {
	t.Helper()
	plan := p.Plan(head, toDisk)
	plan.Fill(func(e *persistence.Entity, n int) ([]persistence.Point, int) {
		w := memory[e.Key()]
		return w[len(w)-min(n, len(w)):], len(w)
	}, func(e *persistence.Entity, to []byte) []byte {
		w := memory[e.Key()]
		if last := w[len(w)-1]; slices.ContainsFunc(w, func(p persistence.Point) bool { return p.At > last.At }) {
			return to
		}
		return fmt.Appendf(to, "%d points", len(w))
	})
	err := plan.Write()
	p.Settle(plan, err)
	return err
}

// load reads an entity into memory, and returns what is stored of it.
func load(t *testing.T, p *persistence.Partition, key string) (e *persistence.Entity, points []persistence.Point, known bool) {
	t.Helper()
	e, points, known, err := p.Load(key)
	if err != nil {
		t.Fatal(err)
	}
	return e, points, known
}

// headOf is a head as it is written in the file of expectations.
func headOf(h persistence.Head) formats.Head {
	return formats.Head{Source: h.Source, Cluster: h.Cluster, Topic: h.Topic, Offset: h.Offset, History: h.History,
		CompleteFrom: h.CompleteFrom, NewCompleteFrom: h.NewCompleteFrom, StreamTime: h.StreamTime, Swept: h.Swept, Lateness: h.Lateness}
}

// windowOf is a window as it is written in the file of expectations.
func windowOf(points []persistence.Point) (w formats.Window) {
	for _, p := range points {
		w.Times, w.Values = append(w.Times, p.At), append(w.Values, p.Value)
	}
	return w
}

// pointsOf is the opposite of windowOf.
func pointsOf(w formats.Window) (points []persistence.Point) {
	for i, at := range w.Times {
		points = append(points, persistence.Point{At: at, Value: w.Values[i]})
	}
	return points
}

// evict removes from the front of a window what its last point makes too old.
func evict(w []persistence.Point, history int64) []persistence.Point {
	for len(w) > 0 && w[0].At < w[len(w)-1].At-history {
		w = w[1:]
	}
	return w
}

// equal compares windows bit for bit: 0 is not -0.
func equal(a, b []persistence.Point) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].At != b[i].At || math.Float64bits(a[i].Value) != math.Float64bits(b[i].Value) {
			return false
		}
	}
	return true
}
