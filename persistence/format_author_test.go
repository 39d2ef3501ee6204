package persistence_test

import (
	"fmt"
	"slices"
	"testing"

	"anomalydetector/persistence"
	"anomalydetector/test/formats"
)

// author writes a partition, and keeps what a reader must find.
type author struct {
	t      *testing.T
	p      *persistence.Partition
	want   formats.Partition
	head   persistence.Head
	memory windows
	cached map[string]*persistence.Entity
}

// take opens the partition.
func (a *author) take(store *persistence.Store) {
	a.t.Helper()
	var err error
	if a.p, err = store.Partition(a.want.Detector, a.want.Number); err != nil {
		a.t.Fatal(err)
	}
	a.cached = make(map[string]*persistence.Entity)
}

func (a *author) point(key string, at int64, value float64) {
	a.t.Helper()
	if a.cached[key] == nil {
		a.cached[key], _, _ = load(a.t, a.p, key)
	}
	a.p.Append(a.cached[key], at, value)
	a.memory[key] = evict(append(slices.Clone(a.memory[key]), persistence.Point{At: at, Value: value}), a.head.History)
	a.head.Offset++
}

// try writes a checkpoint, after which some entities are on disk only.
func (a *author) try(toDisk ...string) error {
	a.t.Helper()
	a.p.Commit()
	a.want.State = fmt.Appendf(nil, "the state of %s/%d at offset %d", a.want.Detector, a.want.Number, a.head.Offset)
	a.p.SetState(a.want.State, a.head.StreamTime-a.head.History-24*hour)
	var entities []*persistence.Entity
	for _, key := range toDisk {
		entities = append(entities, a.cached[key])
	}
	err := checkpoint(a.t, a.p, a.head, a.memory, entities...)
	for _, key := range toDisk {
		delete(a.cached, key)
	}
	return err
}

// checkpoint is try that must not fail.
func (a *author) checkpoint(toDisk ...string) {
	a.t.Helper()
	if err := a.try(toDisk...); err != nil {
		a.t.Fatal(err)
	}
}

// remove has the next checkpoint remove an entity.
func (a *author) remove(key string) {
	a.p.Remove(a.cached[key])
	delete(a.cached, key)
	a.gone(key)
}

// sweep has the next checkpoint remove the one entity on disk that had no point for long.
func (a *author) sweep(key string, last int64) {
	a.t.Helper()
	newest, removed, err := a.p.Sweep(1000, a.head.StreamTime-a.head.History-24*hour)
	if err != nil || !removed || newest != last || !slices.Equal(a.p.Swept(), []string{key}) {
		a.t.Fatalf("the sweep removed %q, with points up to %d: %v", a.p.Swept(), newest, err)
	}
	a.head.Swept = a.head.StreamTime
	a.head.NewCompleteFrom = max(a.head.NewCompleteFrom, newest+a.head.History+1)
	a.gone(key)
}

func (a *author) gone(key string) {
	delete(a.memory, key)
	a.want.Gone = append(a.want.Gone, key)
}
