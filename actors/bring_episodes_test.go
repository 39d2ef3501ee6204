package actors

import (
	"log/slog"
	"testing"

	"anomalydetector/episode"
	"anomalydetector/messages"
	"anomalydetector/persistence"
)

// TestEpisodesGoOnIfTheirTopicWasDeleted: a partition that stays in memory has them still. A deviation that is open stays open.
func TestEpisodesGoOnIfTheirTopicWasDeleted(t *testing.T) {
	t.Parallel()
	store, err := persistence.OpenStore(t.TempDir(), persistence.Options{Seen: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	config := benchConfig()
	config.Store, config.EpisodesTopic = store, "life"
	config.Episodes = episode.LedgerRules{Rules: episode.DefaultRules(benchGranularity, 5), History: benchHistory}
	b := newBench(t, config)
	b.fill(t, 3)
	anomaly := b.bin(1)
	anomaly[0].Value = withValue(anomaly[0].Value, 1e6)
	b.tell(&messages.Slice{Records: anomaly})
	b.answer(t)
	b.tell(&messages.StateWanted{})
	b.tell(&messages.Committed{})
	b.tell(&messages.Assignment{Offset: b.offset, Generation: 2})
	if ready, ok := b.answer(t).(*messages.PhaseEntered); !ok || ready.Err != nil || ready.Open[episode.Deviation] != 1 {
		t.Errorf("the partition answered %+v to its next assignment, want 1 deviation that is open", ready)
	}
}
