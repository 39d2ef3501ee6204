package actors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
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
	detector := b.system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*statusAsked); ok {
			ctx.Respond(&statusAnswer{askables: []askable{{
				messages.PartitionStatus{Role: messages.RoleAssigned, Phase: messages.Ready}, b.partition, b.residents}}})
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

// TestDirectoryHoldsEachEntityWhereverItIs: in memory, on disk since it left the memory
// or since a start, back in memory; and none that is gone.
func TestDirectoryHoldsEachEntityWhereverItIs(t *testing.T) {
	store, err := persistence.OpenStore(t.TempDir(), persistence.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	const count, resident = 60, 20
	config := benchConfig()
	config.Store, config.MaxCached = store, resident
	b := newBench(t, config)
	wantEntities(t, "nothing came yet", b.whole(t, messages.EntitiesQuery{Limit: 7}), 0)
	b.score(t, b.bin(count/2))
	b.score(t, b.bin(1)) // waits until what was committed is stored
	wantEntities(t, "half of them", b.whole(t, messages.EntitiesQuery{Limit: 7}), count/2)
	b.score(t, b.bin(count))
	b.score(t, b.bin(1))
	if stored := wantEntities(t, "most left the memory", b.whole(t, messages.EntitiesQuery{Limit: 7}), count); stored < count-resident {
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

// TestDirectorySaysWhatIsMissing while what is on disk is listed, and does not bring back
// what is removed meanwhile.
func TestDirectorySaysWhatIsMissing(t *testing.T) {
	r := newResidents(benchConfig(), 0)
	list := make(chan error) // how a listing ends
	r.list = func(visit func(string) error) error {
		failure := <-list
		for _, key := range []string{"-1,1", "-1,2", "-1,3", "-1,4"} {
			if err := visit(key); err != nil {
				return err
			}
		}
		return failure
	}
	end := func(failure error) {
		t.Helper()
		select {
		case list <- failure:
		case <-time.After(30 * time.Second):
			t.Fatal("nobody lists what is on disk")
		}
	}
	ask := func() (keys string, err error) {
		found, err := r.search(t.Context(), &messages.EntitiesQuery{Limit: 10}, 0)
		for _, one := range found {
			keys += one.Key + " "
		}
		return keys, err
	}
	r.put("-1,5", &child{}, 5)
	r.remove("-1,4", 4) // it may still be on disk
	if keys, err := ask(); keys != "-1,5 " || !errors.Is(err, errListing) {
		t.Errorf("at first there are %q, error %v", keys, err)
	}
	r.removeStored([]string{"-1,1", "-1,2"}, 2)
	r.put("-1,2", &child{}, 1)
	if keys, err := ask(); keys != "-1,2 -1,5 " || !errors.Is(err, errListing) {
		t.Errorf("meanwhile there are %q, error %v", keys, err)
	}
	failure := errors.New("input/output error")
	end(failure)
	var err error
	for err = errListing; errors.Is(err, errListing); {
		_, err = ask()
	}
	if !errors.Is(err, failure) {
		t.Errorf("of a disk that fails it says %v", err)
	}
	end(nil) // it has begun again
	for err = errListing; err != nil; {
		_, err = ask()
	}
	if keys, _ := ask(); keys != "-1,2 -1,3 -1,5 " {
		t.Errorf("in the end there are %q", keys)
	}
	close(r.gone)
}

// TestDirectoryIsMadeAnewAfterTooManyChanges: what nobody asks for does not grow.
func TestDirectoryIsMadeAnewAfterTooManyChanges(t *testing.T) {
	r := newResidents(benchConfig(), 0)
	search := func() []messages.EntityName {
		found, err := r.search(t.Context(), &messages.EntitiesQuery{Limit: 10}, 0)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	r.put("-1,0", &child{}, 0)
	search()
	for i := range leastChanges {
		r.put("-1,1", &child{}, 0)
		r.remove("-1,1", 0)
		if len(r.follower.changes) > leastChanges {
			t.Fatalf("%d changes are noted after %d", len(r.follower.changes), i)
		}
	}
	r.put("-1,2", &child{}, 0)
	if found := search(); len(found) != 2 || found[1].Key != "-1,2" {
		t.Errorf("there are %+v", found)
	}
	if !r.follower.following {
		t.Error("changes are not noted from then on")
	}
	r.clear()
	if found := search(); len(found) != 0 {
		t.Errorf("after all were dropped there are %+v", found)
	}
}

// TestFieldsWithCommasAreKnownFromThePoint, and stay so when the entity leaves the memory.
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

// TestDirectorySaysWhatFieldsItCannotTell: of entities on disk whose fields hold commas it
// knows the key only.
func TestDirectorySaysWhatFieldsItCannotTell(t *testing.T) {
	r := newResidents(benchConfig(), 0)
	r.list = func(visit func(string) error) error {
		return errors.Join(visit("-1,64510"), visit("Singapore, SG,64510"), visit("Vienna, AT,7"))
	}
	r.put("-1,5", &child{}, 3) // the others are only on disk
	for name, c := range map[string]struct {
		query messages.EntitiesQuery
		want  string
		told  string
	}{
		"no field":                   {messages.EntitiesQuery{}, "-1,5 -1,64510 Singapore, SG,64510 Vienna, AT,7 ", ""},
		"a field that one may have":  {messages.EntitiesQuery{Fields: map[int]string{1: "64510"}}, "-1,64510 ", ": 1"},
		"the first field":            {messages.EntitiesQuery{Fields: map[int]string{0: "Singapore, SG"}}, "", ": 1"},
		"a text that it has not":     {messages.EntitiesQuery{Text: "-1", Fields: map[int]string{1: "64510"}}, "-1,64510 ", ""},
		"a field that none may have": {messages.EntitiesQuery{Fields: map[int]string{1: "5"}}, "-1,5 ", ""},
		"no such field":              {messages.EntitiesQuery{Fields: map[int]string{2: "SG"}}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.query.Limit = 10
			var found []messages.EntityName
			var err error
			for err = errListing; errors.Is(err, errListing); {
				found, err = r.search(t.Context(), &c.query, 0)
			}
			keys := ""
			for _, one := range found {
				keys += one.Key + " "
			}
			if keys != c.want || errors.Is(err, errUntold) != (c.told != "") || err != nil && !strings.HasSuffix(err.Error(), c.told) {
				t.Errorf("there are %q, error %v; want %q, %q", keys, err, c.want, c.told)
			}
		})
	}
	// Its next datapoint tells.
	r.put("Singapore, SG,64510", &child{cuts: cutsOf([]int{13})}, 2)
	found, err := r.search(t.Context(), &messages.EntitiesQuery{Limit: 10, Fields: map[int]string{1: "64510"}}, 0)
	if err != nil || len(found) != 2 {
		t.Errorf("there are %+v, error %v", found, err)
	}
	close(r.gone)
}

// BenchmarkPagingBesideScoring is what paging through all entities costs a partition: an
// op is a record, with somebody who turns pages all the time, and without.
func BenchmarkPagingBesideScoring(b *testing.B) {
	const entities = 200_000
	config := benchConfig()
	p := newBench(b, config)
	for range 2 {
		p.score(b, p.bin(entities))
	}
	for _, paging := range []bool{false, true, false, true} {
		b.Run(fmt.Sprintf("paging=%v", paging), func(b *testing.B) {
			stop, stopped, pages := make(chan struct{}), make(chan struct{}), 0
			go func() {
				defer close(stopped)
				q := messages.EntitiesQuery{Limit: 1000}
				for paging {
					select {
					case <-stop:
						return
					case <-time.After(10 * time.Millisecond): // as fast as a client over HTTP
					}
					found, _ := p.residents.search(b.Context(), &q, 0)
					if pages++; len(found) <= q.Limit {
						q.After = ""
					} else {
						q.After = found[q.Limit-1].Key
					}
				}
			}()
			records := p.bin(entities)
			b.ResetTimer()
			for done := 0; done < b.N; done += entities {
				part := records[:min(entities, b.N-done)]
				p.again(part)
				p.score(b, part)
			}
			b.StopTimer()
			close(stop)
			<-stopped
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "points/s")
			b.ReportMetric(float64(pages), "pages")
		})
	}
}

// BenchmarkPageThroughAll is what it takes to page through a million entities once, after
// one of them was new before each page.
func BenchmarkPageThroughAll(b *testing.B) {
	const count = 1_000_000
	config := benchConfig()
	config.Now = time.Now
	r := newResidents(config, 0)
	for i := range count {
		r.put(fmt.Sprintf("-1,%d", i), &child{}, 0)
	}
	if _, err := r.search(b.Context(), &messages.EntitiesQuery{Limit: 1}, 0); err != nil {
		b.Fatal(err)
	}
	for _, changes := range []bool{false, true} {
		b.Run(fmt.Sprintf("changes=%v", changes), func(b *testing.B) {
			for range b.N {
				q := messages.EntitiesQuery{Limit: 1000}
				for pages := 0; ; pages++ {
					if changes {
						r.put(fmt.Sprintf("-1,%d", pages), &child{}, 0)
					}
					found, err := r.search(b.Context(), &q, 0)
					if err != nil {
						b.Fatal(err)
					}
					if len(found) <= q.Limit {
						break
					}
					q.After = found[q.Limit-1].Key
				}
			}
		})
	}
}

// TestTakingOverChangesIsBounded: what took a second is not done again for a while.
func TestTakingOverChangesIsBounded(t *testing.T) {
	config := benchConfig()
	now := time.UnixMilli(0)
	config.Now = func() time.Time { now = now.Add(time.Second); return now } // each look at the clock takes a second
	r := newResidents(config, 0)
	count := func() int {
		found, err := r.search(t.Context(), &messages.EntitiesQuery{Limit: 10}, 0)
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	for i, want := range []int{1, 2, 2} {
		r.put(fmt.Sprint("-1,", i), &child{}, 0)
		if got := count(); got != want {
			t.Errorf("after %d changes %d are found, want %d", i+1, got, want)
		}
	}
	now = now.Add(updateShare * time.Second)
	if got := count(); got != 3 {
		t.Errorf("in the end %d are found, want 3", got)
	}
}
