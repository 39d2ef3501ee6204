package actors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/tinylib/msgp/msgp"

	"anomalydetector/messages"
	"anomalydetector/persistence"
)

// entities asks for all entities of the partition, page by page.
func (b *bench) entities(tb testing.TB, q messages.EntitiesQuery) (all []messages.EntityName, problem error) {
	tb.Helper()
	b.settle(tb)
	detector := b.system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*statusAsked); ok {
			ctx.Respond(&statusAnswer{askables: []askable{{
				messages.PartitionStatus{Role: messages.RoleAssigned, Phase: messages.Ready}, b.partition, b.contact}}})
		}
	}))
	defer b.system.Root.Stop(detector)
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	for {
		page, more, err := AskEntities(ctx, b.system.Root, detector, q)
		all, problem = append(all, page...), errors.Join(problem, err)
		if !more {
			return all, problem
		}
		if len(page) != q.Limit {
			tb.Fatalf("a page of %d has %d names", q.Limit, len(page))
		}
		q.After = page[len(page)-1].Key
	}
}

// settle returns when the partition has taken all messages sent to it, or has ended.
func (b *bench) settle(tb testing.TB) {
	tb.Helper()
	answer := make(chan *entityAnswer, 1)
	b.tell(&entityAsked{"-1,64512", answer})
	select {
	case <-answer:
	case <-b.contact.gone:
	case <-time.After(waitAtMost):
		tb.Fatal("the partition does not answer")
	}
	answer = make(chan *entityAnswer, 1)
	b.tell(&entityAsked{"-1,64512", answer}) // what it took before has been handed over
	select {
	case <-answer:
	case <-b.contact.gone:
	}
}

// whole asks until nothing is missing.
func (b *bench) whole(tb testing.TB, q messages.EntitiesQuery) []messages.EntityName {
	tb.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		all, problem := b.entities(tb, q)
		if problem == nil {
			return all
		}
		if time.Now().After(deadline) {
			tb.Fatalf("the directory is not whole: %v", problem)
		}
	}
}

// wantEntities checks which of the entities of bin there are.
func wantEntities(tb testing.TB, step string, all []messages.EntityName, count int) (stored int) {
	tb.Helper()
	var want, got []string
	for i := range count {
		want = append(want, fmt.Sprintf("-1,%d", 64512+i))
	}
	for _, one := range all {
		got = append(got, one.Key)
		if strings.Join(one.Fields, ",") != one.Key || len(one.Fields) != 2 {
			tb.Errorf("%s: the fields of %s are %q", step, one.Key, one.Fields)
		}
		if one.Stored {
			stored++
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		tb.Fatalf("%s: there are %d entities %.200q, want %d", step, len(got), got, count)
	}
	return stored
}

// TestDirectoryHoldsEachEntityWhereverItIs: in memory, evicted, on disk since a start, or
// back in memory. It holds no entity that was removed.
func TestDirectoryHoldsEachEntityWhereverItIs(t *testing.T) {
	store, err := persistence.OpenStore(t.TempDir(), persistence.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	const count, cached = 60, 20
	config := benchConfig()
	config.Store = store
	config.MaxCached.Store(int64(cached))
	b := newBench(t, config)
	wantEntities(t, "nothing came yet", b.whole(t, messages.EntitiesQuery{Limit: 7}), 0)
	b.score(t, b.bin(count/2))
	b.score(t, b.bin(1)) // waits until what was committed is stored
	wantEntities(t, "half of them", b.whole(t, messages.EntitiesQuery{Limit: 7}), count/2)
	b.score(t, b.bin(count))
	b.score(t, b.bin(1))
	if stored := wantEntities(t, "most left the memory", b.whole(t, messages.EntitiesQuery{Limit: 7}), count); stored < count-cached {
		t.Errorf("%d of %d are said to be only on disk", stored, count)
	}
	b.score(t, b.bin(1))
	b.stop(t)

	again := newBenchAt(t, config, b.offset)
	again.at, again.offset = b.at, b.offset
	if stored := wantEntities(t, "after a restart", again.whole(t, messages.EntitiesQuery{Limit: 7}), count); stored != count {
		t.Errorf("%d of %d are said to be only on disk", stored, count)
	}
	again.score(t, again.bin(2))
	if stored := wantEntities(t, "two came back", again.whole(t, messages.EntitiesQuery{Limit: 7}), count); stored != count-2 {
		t.Errorf("%d of %d are said to be only on disk", stored, count)
	}
	for range int((benchHistory + patience + 2*sweepEvery) / benchGranularity) {
		again.score(t, again.bin(1))
	}
	again.score(t, again.bin(1))
	wantEntities(t, "all but one had no point for long", again.whole(t, messages.EntitiesQuery{Limit: 7}), 1)
	again.stop(t)
	if _, problem := again.entities(t, messages.EntitiesQuery{Limit: 7}); !errors.Is(problem, errGivenUp) {
		t.Errorf("a partition that was given up answers %v", problem)
	}
}

// TestDirectoryKnowsChangesOfCachedEntities: an entity is new, evicted, cached again, and
// removed. Then all entities are dropped at once.
func TestDirectoryKnowsChangesOfCachedEntities(t *testing.T) {
	for _, searched := range []bool{true, false} {
		config := benchConfig()
		config.Searched = searched
		s := newShelf(t, config, nil)
		s.have("-1,1")
		s.have("-1,2")
		for _, step := range []struct {
			change func()
			want   string
		}{
			{func() {}, "-1,1 -1,2 "},
			{func() { s.drop("-1,1") }, "-1,1* -1,2 "},
			{func() { s.have("-1,1"); s.drop("-1,2") }, "-1,1 -1,2* "},
			{func() { s.remove("-1,1"); s.removeStored([]string{"-1,2"}); s.have("-1,3") }, "-1,3 "},
			{func() { s.have("-1,4"); s.clear(); s.have("-1,5") }, "-1,5 "},
			{func() { s.clear() }, ""},
		} {
			step.change()
			if keys := s.sound(); keys != step.want {
				t.Errorf("there are %q, want %q", keys, step.want)
			}
		}
	}
}

// TestNothingIsNotedUntilNamesAreWanted: the directory asks for them once.
func TestNothingIsNotedUntilNamesAreWanted(t *testing.T) {
	s := newShelf(t, benchConfig(), nil)
	s.have("-1,1")
	if news := s.handOver(false); news != nil || s.changes != nil {
		t.Errorf("handed over is %+v", news)
	}
	s.sound()
	s.have("-1,2")
	if keys := s.sound(); keys != "-1,1 -1,2 " || s.wanted != 1 {
		t.Errorf("there are %q, and the names were wanted %d times", keys, s.wanted)
	}
}

// TestChangesThatNobodyAsksForAreTakenOver, so that pending changes do not grow without bound.
func TestChangesThatNobodyAsksForAreTakenOver(t *testing.T) {
	config := benchConfig()
	d := newDirectory(config, 0)
	d.names = new(names)
	for i := range 5 * leastPending {
		d.changed(&namesChanged{[]change{{name: name{key: "-1,1"}}, {name: name{key: "-1,1"}, gone: true}, {name: name{key: "-1,2"}}}})
		if len(d.pending) >= leastPending+3 {
			t.Fatalf("%d changes are kept after %d", len(d.pending), i)
		}
	}
	d.merge()
	if len(d.names.all) != 1 || d.names.all[0].key != "-1,2" {
		t.Errorf("there are %+v", d.names.all)
	}
}

// TestTakingOverChangesIsBounded: after a merge that took a second, the next one waits.
func TestTakingOverChangesIsBounded(t *testing.T) {
	config := benchConfig()
	var now atomic.Int64
	config.Now = func() time.Time { return time.Unix(now.Add(1), 0) } // each look at the clock takes a second
	config.Searched = true
	s := newShelf(t, config, nil)
	for i, want := range []string{"-1,0 ", "-1,0 ", "-1,0 "} {
		s.have(fmt.Sprint("-1,", i))
		if got := s.sound(); got != want {
			t.Errorf("after %d changes there are %q, want %q", i+1, got, want)
		}
	}
	now.Add(updateShare)
	if got := s.sound(); got != "-1,0 -1,1 -1,2 " {
		t.Errorf("in the end there are %q", got)
	}
}

// TestDirectoryThatPanicsSaysSo to each search. Its partition goes on.
func TestDirectoryThatPanicsSaysSo(t *testing.T) {
	config := benchConfig()
	config.Searched = true
	config.poison = func(_ string, message any) {
		if _, is := message.(*namesAsked); is {
			panic("poison")
		}
	}
	s := newShelf(t, config, nil)
	for range 2 {
		s.have("-1,1")
		if _, err := s.all(); err == nil || !strings.Contains(err.Error(), "poison") {
			t.Errorf("the error is %v", err)
		}
		s.idle()
		config.poison = nil
	}
	if panics := config.Counts.Panics.Load(); panics != 1 {
		t.Errorf("%d panics are counted, want 1", panics)
	}
}

// TestFieldsWithCommasAreKnownFromThePoint, and stay known when the entity is evicted.
func TestFieldsWithCommasAreKnownFromThePoint(t *testing.T) {
	b := newBench(t, benchConfig())
	records := b.bin(1)
	payload := msgp.AppendMapHeader(nil, 3)
	payload = msgp.AppendString(msgp.AppendString(payload, "scope"), "CT4Singapore, Central Singapore, SG")
	payload = msgp.AppendInt64(msgp.AppendString(payload, "asn"), 64510)
	payload = msgp.AppendFloat64(msgp.AppendString(payload, "hege"), 0.5)
	records[0].Value = payload
	b.score(t, records)
	all := b.whole(t, messages.EntitiesQuery{Limit: 1, Fields: map[int]string{1: "64510"}})
	want := []string{"CT4Singapore, Central Singapore, SG", "64510"}
	if len(all) != 1 || !slices.Equal(all[0].Fields, want) {
		t.Errorf("found %+v, want the fields %q", all, want)
	}
}
