package feed_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/episode"
	"anomalydetector/stream"
	"anomalydetector/tail/feed"
	"anomalydetector/tail/published"
)

// event is the record of an event, as the detector writes it.
func event(partition int32, event, kind, id string, bins int) *kgo.Record {
	r := episode.Record{ID: id, Event: event, Kind: kind, Detector: "d", OpenedAt: int64(bins) * bin, At: int64(bins) * bin, Points: 1}
	key := episode.Key(episode.Gap, "")
	if kind != published.Gap {
		r.Entity, r.Fields = "a,b,"+id, map[string]string{"scope": "a,b", "asn": id}
		key = []byte(r.Entity)
	}
	if event == "resolved" {
		r.Resolved, r.Outcome = r.At, "returned"
	}
	value, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	return &kgo.Record{Topic: "episodes", Partition: partition, Timestamp: time.UnixMilli(r.At), Key: []byte(key), Value: value}
}

// state is a record of a partition's state.
func state(partition int32, bins int) *kgo.Record {
	value, err := json.Marshal(episode.StateRecord{Partition: partition, Offset: int64(bins)}.Split([]byte("state"), 100)[0])
	if err != nil {
		panic(err)
	}
	return &kgo.Record{Topic: "episodes", Partition: partition, Timestamp: time.UnixMilli(int64(bins) * bin), Key: episode.StateKey(0), Value: value}
}

// followEpisodes reads the episodes topic until the test ends.
func (w *world) followEpisodes() *published.Episodes {
	held := published.New(published.Config{KeyFields: []string{"scope", "asn"}, Bin: 15 * time.Minute, Range: 72 * time.Hour})
	config := w.stream
	config.OutputTopic = "episodes"
	ctx, cancel := context.WithCancel(context.Background())
	var reading sync.WaitGroup
	reading.Go(func() { stream.FollowOutput(ctx, config, 72*time.Hour, feed.NewEpisodes(held)) })
	w.t.Cleanup(func() { cancel(); reading.Wait() })
	return held
}

// episodesOf are the ids of what is held; those that are open have a plus.
func episodesOf(held *published.Episodes) (ids []string) {
	all, _, err := held.List(published.Query{}, "", 100)
	if err != nil {
		panic(err)
	}
	for _, e := range all {
		if e.Open {
			e.ID += "+"
		}
		ids = append(ids, e.ID)
	}
	slices.Sort(ids)
	return ids
}

func holds(t *testing.T, held *published.Episodes, want ...string) {
	t.Helper()
	await(t, fmt.Sprint("episodes ", want), func() bool { return held.Status().Caught && slices.Equal(episodesOf(held), want) })
}

func TestOnlyCommittedEventsAreHeld(t *testing.T) {
	w := newWorld(t)
	if err := w.cluster.CreateTopic("episodes", 2, nil); err != nil {
		t.Fatal(err)
	}
	w.write(kgo.TryCommit, event(0, "opened", "absence", "1", 100), event(1, "opened", "gap", "g", 100), state(0, 100), state(1, 100))
	w.write(kgo.TryAbort, event(0, "resolved", "absence", "1", 101), event(0, "opened", "deviation", "2", 101))
	held := w.followEpisodes()
	holds(t, held, "1+", "g+")
	w.write(kgo.TryAbort, event(1, "resolved", "gap", "g", 102), state(1, 102))
	w.write(kgo.TryCommit, event(0, "opened", "deviation", "3", 102), event(0, "resolved", "absence", "1", 102), state(0, 102))
	holds(t, held, "1", "3+", "g+")
	if status := held.Status(); status.Bad != 0 {
		t.Errorf("%+v", status)
	}
	all, _, _ := held.List(published.Query{Kind: published.Absence}, "", 1)
	if e := all[0]; e.Entity != "a,b,1" || e.Fields[0] != "a,b" || e.Partition != 0 || e.Outcome != "returned" || e.EndedAt != 102*bin {
		t.Errorf("%+v", e)
	}
}

// A partition whose episodes are old has many states since then.
func TestReadingOfEpisodesBeginsWithTheRange(t *testing.T) {
	w := newWorld(t)
	if err := w.cluster.CreateTopic("episodes", 1, nil); err != nil {
		t.Fatal(err)
	}
	w.write(kgo.TryCommit, event(0, "opened", "deviation", "old", 1), event(0, "resolved", "deviation", "old", 2), state(0, 2))
	w.write(kgo.TryCommit, event(0, "opened", "deviation", "new", 1000))
	for i := range 100 {
		w.write(kgo.TryCommit, state(0, 1000+i/10))
	}
	holds(t, w.followEpisodes(), "new+")
}

func TestWhatIsNoEventIsCounted(t *testing.T) {
	held := published.New(published.Config{})
	to := feed.NewEpisodes(held)
	var records []*kgo.Record
	for i, value := range []string{`{`, `{}`, `{"id":"1","event":"opened","kind":"thing","entity":"e"}`, `{"id":"1","event":"closed","kind":"gap"}`,
		`{"id":"1","event":"opened","kind":"gap","entity":"e"}`, `{"id":"1","event":"opened","kind":"absence"}`, `{"event":"opened","kind":"gap"}`} {
		records = append(records, &kgo.Record{Key: []byte(strconv.Itoa(i)), Value: []byte(value), Offset: int64(i)})
	}
	records = append(records, &kgo.Record{Key: []byte("tombstone"), Offset: 7})
	to.Add(records, map[int32]int64{0: 8})
	if status := held.Status(); status.Bad != 7 || status.Episodes != 0 {
		t.Errorf("%+v", status)
	}
	for _, record := range records {
		if to.Own(record) {
			t.Errorf("%s tells where the stream is", record.Value)
		}
	}
	if !to.Own(state(0, 1)) || !to.Own(event(0, "opened", "gap", "g", 1)) {
		t.Error("states and events tell where the stream is")
	}
}
