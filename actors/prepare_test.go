package actors

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"anomalydetector/messages"
)

// mustNotFail is told of no fault.
func mustNotFail(tb testing.TB) func(*fault) {
	return func(f *fault) { tb.Errorf("the making of a directory panicked: %v", f.cause) }
}

// TestPartitionThatIsReadyMakesItsDirectory, but only if people may search.
func TestPartitionThatIsReadyMakesItsDirectory(t *testing.T) {
	for _, searched := range []bool{true, false} {
		config := benchConfig()
		config.Searched = searched
		b := newBench(t, config)
		if searched {
			eventually(t, "the directory is made", func() bool { return b.residents.isMade() })
		}
		if made := b.residents.isMade(); made != searched {
			t.Errorf("searched %t: the directory is made: %t", searched, made)
		}
		b.score(t, b.bin(30))
		wantEntities(t, "after a bin", b.whole(t, messages.EntitiesQuery{Limit: 7}), 30)
		b.stop(t)
	}
}

// isMade is true once the directory has been made, whole.
func (r *residents) isMade() bool {
	r.directory.turn <- struct{}{}
	defer func() { <-r.directory.turn }()
	return r.directory.names != nil && r.directory.whole
}

func eventually(tb testing.TB, what string, is func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("never: %s", what)
		}
	}
}

// TestPreparedDirectoryHasWhatIsOnDisk before anybody searches.
func TestPreparedDirectoryHasWhatIsOnDisk(t *testing.T) {
	r := newResidents(benchConfig(), 0)
	read := make(chan struct{})
	r.list = func(visit func(string) error) error {
		<-read
		return visit("-1,1")
	}
	r.put("-1,2", &child{}, 1)
	r.prepare(mustNotFail(t))
	eventually(t, "it waits for the disk", func() bool {
		r.directory.turn <- struct{}{}
		defer func() { <-r.directory.turn }()
		return r.directory.listing != nil
	})
	close(read)
	eventually(t, "the directory is made", r.isMade)
	if keys := keysOf(r.directory.names); !slices.Equal(keys, []string{"-1,1", "-1,2"}) {
		t.Errorf("it has %q", keys)
	}
	close(r.gone)
}

func keysOf(n *names) (keys []string) {
	for _, one := range n.all {
		keys = append(keys, one.key)
	}
	return keys
}

// TestPreparationEndsWithItsPartition, while it waits for another one, and for the disk.
func TestPreparationEndsWithItsPartition(t *testing.T) {
	r := newResidents(benchConfig(), 0)
	preparing <- struct{}{}
	ended := make(chan struct{})
	go func() { r.makeDirectory(); close(ended) }()
	close(r.gone)
	<-ended
	<-preparing

	r = newResidents(benchConfig(), 0)
	begun := make(chan struct{})
	r.list = func(visit func(string) error) error {
		close(begun)
		<-r.gone
		return visit("-1,1")
	}
	r.put("-1,2", &child{}, 1)
	ended = make(chan struct{})
	go func() { r.makeDirectory(); close(ended) }()
	<-begun
	close(r.gone)
	<-ended
}

// TestNamesAreCopiedWhileEntitiesComeAndGo: with what changed meanwhile the directory is
// right, wherever the copy was.
func TestNamesAreCopiedWhileEntitiesComeAndGo(t *testing.T) {
	const count = 5 * copyAtOnce
	r := newResidents(benchConfig(), 0)
	for i := range count {
		r.put(fmt.Sprint("old,", i), &child{}, 0)
	}
	at := 0
	r.between = func() {
		for range count / 5 {
			r.remove(fmt.Sprint("old,", at), 0)
			r.put(fmt.Sprint("new,", at), &child{}, 0)
			if at%3 == 0 {
				r.remove(fmt.Sprint("new,", at), 0)
			}
			at++
		}
		if at == count {
			r.between = nil
		}
	}
	d := &r.directory
	for range 2 { // what changed meanwhile is taken over the second time
		d.next = time.Time{}
		if err := d.update(r); err != nil {
			t.Fatal(err)
		}
	}
	for r.between != nil {
		r.between()
		d.next = time.Time{}
		if err := d.update(r); err != nil {
			t.Fatal(err)
		}
	}
	var want []string
	for i := range count {
		if i%3 != 0 {
			want = append(want, fmt.Sprint("new,", i))
		}
	}
	slices.Sort(want)
	if got := keysOf(d.names); !slices.Equal(got, want) {
		t.Errorf("there are %d entities, want %d", len(got), len(want))
	}
}

// BenchmarkFirstSearch is what the first person waits for, with a million entities.
func BenchmarkFirstSearch(b *testing.B) {
	const count = 1_000_000
	r := newResidents(benchConfig(), 0)
	for i := range count {
		r.put(fmt.Sprintf("-1,%d", i), &child{}, 0)
	}
	for _, prepared := range []bool{false, true} {
		b.Run(fmt.Sprintf("prepared=%v", prepared), func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				r.directory = directory{turn: make(chan struct{}, 1)}
				r.follower = follower{}
				if prepared {
					r.makeDirectory()
				}
				b.StartTimer()
				if _, err := r.search(b.Context(), &messages.EntitiesQuery{Text: "99999", Limit: 20}, 0); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms")
		})
	}
}
