package kafka_test

import (
	"context"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/episode"
	"anomalydetector/test/naive"
)

// episodeRules are the defaults of [episodes].
var episodeRules = naive.EpisodeRules{OpenAfter: 1, ClearAfter: 4, AbsenceAfter: 4, ReopenWithin: 6 * 60 * 60 * 1000, MinPresence: 0.8, GapBelow: 0.5}

func (w *world) episodes() string { return w.name + ".episodes" }

// verifyEpisodes compares each partition of the episodes topic with what the naive detector tells of the input.
func (w *world) verifyEpisodes() {
	w.Helper()
	metadata, err := w.admin.Metadata(context.Background(), w.input())
	must(w.T, err)
	conf := w.golden.Conf
	base := rulesOf(conf)
	oracles, want, got := make(map[int32]*naive.Episodes), make(map[int32][]string), make(map[int32][]string)
	kinds := make(map[string]int)
	for _, record := range inOrder(w.read(w.input())) {
		e := oracles[record.Partition]
		if e == nil {
			windows := naive.New(base)
			e = &naive.Episodes{Rules: base, EpisodeRules: episodeRules, Windows: windows, Judge: windows.Judge}
			e.ID = func(offset int64, kind string, n int) string {
				return naive.ID(w.input(), metadata.Topics[w.input()].ID.String(), w.name, record.Partition, offset, kind, n)
			}
			e.Begin()
			oracles[record.Partition] = e
		}
		key, point := w.pointOf(record)
		for _, event := range e.Take(record.Offset, key, point.At, point.Value) {
			kinds[event.Kind+" "+event.Event]++
			want[record.Partition] = append(want[record.Partition], naive.Published(event, "detector", conf.IO.KeyFields...))
		}
	}
	for _, record := range inOrder(w.read(w.episodes())) {
		if !episode.IsStateKey(record.Key) {
			got[record.Partition] = append(got[record.Partition], string(record.Value))
		}
	}
	for partition := range w.golden.Partitions {
		if difference := naive.Difference(got[partition], want[partition]); difference != "" {
			w.Errorf("partition %d: %s", partition, difference)
		}
	}
	w.Log(kinds)
	for _, kind := range []string{"deviation opened", "deviation reopened", "deviation resolved", "absence opened", "absence resolved", "gap opened", "gap resolved"} {
		if kinds[kind] == 0 {
			w.Errorf("the case has no %s", kind)
		}
	}
}

// inOrder are records in the order of each partition.
func inOrder(records []*kgo.Record) []*kgo.Record {
	return slices.SortedStableFunc(slices.Values(records), func(a, b *kgo.Record) int { return int(a.Offset - b.Offset) })
}
