package actors

import (
	"testing"
	"time"

	"anomalydetector/episode"
	"anomalydetector/persistence"
)

// BenchmarkRecordWithEpisodes is the way of one record with episodes off and on, in turn, with a store whose writes are not counted. No entity
// has an episode. An op is a record.
func BenchmarkRecordWithEpisodes(b *testing.B) {
	const entities = 20_000
	benches := map[bool]*bench{}
	for _, on := range []bool{false, true} {
		config := benchConfig()
		store, err := persistence.OpenStore(b.TempDir(), persistence.Options{Log: config.Log, Seen: on})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = store.Close() })
		config.Store = store
		if on {
			config.EpisodesTopic = "life"
			config.Episodes = episode.LedgerRules{
				Rules: episode.DefaultRules(benchGranularity, 5), AbsenceAfter: 4, AbsencePresence: 0.8, GapBelow: 0.5,
				History: benchHistory, Minimum: float64(config.Rules.Needed() - 1),
			}
		}
		p := newBench(b, config)
		for range 20 {
			p.score(b, p.bin(entities))
		}
		benches[on] = p
	}
	for _, on := range []bool{false, true, false, true, false, true} {
		name := "off"
		if on {
			name = "on"
		}
		b.Run(name, func(b *testing.B) {
			p := benches[on]
			records := p.bin(entities)
			var spent time.Duration
			b.ResetTimer()
			for done := 0; done < b.N; done += entities {
				b.StopTimer()
				p.score(b, p.bin(1)) // the checkpoint of the last one is over
				p.again(records)
				b.StartTimer()
				begun := time.Now()
				p.score(b, records[:min(entities, b.N-done)])
				spent += time.Since(begun)
			}
			b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N), "ns/record")
		})
	}
}
