package actors

import (
	"math"
	"runtime"
	"testing"

	"anomalydetector/episode"
	"anomalydetector/persistence"
)

// TestEpisodesTakeFewBytesAnEntity compares the heap of two partitions of the same entities, of which none has an episode.
func TestEpisodesTakeFewBytesAnEntity(t *testing.T) {
	const entities, most = 40_000, 16
	use := func(on bool) float64 {
		config := benchConfig()
		store, err := persistence.OpenStore(t.TempDir(), persistence.Options{Log: config.Log, Seen: on})
		if err != nil {
			t.Fatal(err)
		}
		config.Store = store
		if on {
			config.EpisodesTopic = "life"
			config.Episodes = episode.LedgerRules{Rules: episode.DefaultRules(benchGranularity, 5), AbsenceAfter: 4, AbsencePresence: 0.8, GapBelow: 0.5,
				History: benchHistory, Minimum: float64(config.Rules.Needed() - 1)}
		}
		before := heap()
		p := newBench(t, config)
		for range 8 {
			p.score(t, p.bin(entities))
		}
		p.score(t, p.bin(1)) // what came before is stored
		after := heap()
		p.stop(t)
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		runtime.KeepAlive(p)
		return (float64(after) - float64(before)) / entities
	}
	use(false) // the first one makes what all share
	more := math.Inf(1)
	for range 3 { // Badger's background work may hold memory when one of them is measured
		off, on := use(false), use(true)
		t.Logf("%.1f bytes an entity without, %.1f with episodes", off, on)
		if more = min(more, on-off); more <= most {
			return
		}
	}
	t.Errorf("episodes take %.1f bytes an entity, want at most %d", more, most)
}
