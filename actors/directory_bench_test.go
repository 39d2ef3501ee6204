package actors

import (
	"context"
	"fmt"
	"testing"
	"time"

	"anomalydetector/messages"
)

// BenchmarkPagingBesideScoring is what paging through all entities costs a partition: an
// op is a record, with somebody who turns pages all the time, and without.
func BenchmarkPagingBesideScoring(b *testing.B) {
	const entities = 200_000
	config := benchConfig()
	p := newBench(b, config)
	for range 2 {
		p.score(b, p.bin(entities))
	}
	asked := askable{status: messages.PartitionStatus{Phase: messages.Ready}, contact: p.contact}
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
					found := asked.search(b.Context(), p.system.Root, &q).names
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
	s := newShelf(b, config, nil)
	s.many(count)
	s.sound()
	for _, changes := range []bool{false, true} {
		b.Run(fmt.Sprintf("changes=%v", changes), func(b *testing.B) {
			for range b.N {
				q := messages.EntitiesQuery{Limit: 1000}
				for pages := 0; ; pages++ {
					if changes {
						s.have(fmt.Sprintf("-1,%d", pages))
						s.hand()
					}
					found := s.asked.search(context.Background(), s.root, &q).names
					if len(found) <= q.Limit {
						break
					}
					q.After = found[q.Limit-1].Key
				}
			}
		})
	}
}

// BenchmarkFirstSearch is what the first person waits for, with a million entities: that
// were there before, or have just come, or have come with the history.
func BenchmarkFirstSearch(b *testing.B) {
	const count = 1_000_000
	for _, of := range []string{"unsearched", "just come", "history"} {
		b.Run(of, func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				config := benchConfig()
				config.Searched = of != "unsearched"
				s := newShelf(b, config, nil)
				s.many(count)
				if of == "history" {
					s.root.Send(s.asked.contact.directory, &takeOver{})
				}
				s.idle() // in life, all of that is committed meanwhile
				b.StartTimer()
				if _, err := s.search(messages.EntitiesQuery{Text: "99999", Limit: 20}); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				s.stop()
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms")
		})
	}
}

// BenchmarkNewNames is what it costs altogether that a million entities come, per entity,
// with a directory and without.
func BenchmarkNewNames(b *testing.B) {
	const count = 1_000_000
	for _, searched := range []bool{false, true} {
		b.Run(fmt.Sprintf("searched=%v", searched), func(b *testing.B) {
			config := benchConfig()
			config.Searched = searched
			var kept uint64
			for range b.N {
				before := heap()
				s := newShelf(b, config, nil)
				s.many(count)
				s.idle()
				b.StopTimer()
				kept = heap() - before
				s.stop()
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/count/float64(b.N), "ns/entity")
			b.ReportMetric(float64(kept)/count, "B/entity")
		})
	}
}
