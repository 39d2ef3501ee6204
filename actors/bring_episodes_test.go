package actors

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"

	"anomalydetector/episode"
	"anomalydetector/messages"
	"anomalydetector/persistence"
	"anomalydetector/stream"
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

// asked is a topic without states of episodes that counts who asks for them.
type asked struct {
	noHistory
	times *atomic.Int64
}

func (a asked) ReadEpisodes(context.Context, int32, messages.Identity, int64) (stream.EpisodeState, bool, error) {
	a.times.Add(1)
	return stream.EpisodeState{}, false, nil
}

// TestEachAssignmentAsksForTheStateOfEpisodes: another owner may have written a newer one since.
func TestEachAssignmentAsksForTheStateOfEpisodes(t *testing.T) {
	config := benchConfig()
	reader := asked{times: new(atomic.Int64)}
	config.Reader, config.EpisodesTopic = reader, "life"
	config.Episodes = episode.LedgerRules{Rules: episode.DefaultRules(benchGranularity, 5), History: benchHistory}
	b := newBench(t, config)
	b.score(t, b.bin(3))
	for generation := range uint64(2) {
		b.tell(&messages.Assignment{Offset: b.offset, Generation: 2 + generation})
		if ready, ok := b.answer(t).(*messages.PhaseEntered); !ok || ready.Phase != messages.Ready {
			t.Fatalf("the partition answered %+v to its assignment", ready)
		}
	}
	if times := reader.times.Load(); times != 3 {
		t.Errorf("the topic was asked %d times in 3 assignments", times)
	}
}
