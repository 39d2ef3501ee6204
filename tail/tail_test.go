package tail

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"anomalydetector/episode"
)

const bin = 15 * 60 * 1000

func testConfig() Config {
	return Config{KeyFields: 2, Rules: episode.DefaultRules(15*time.Minute, 5), Range: 72 * time.Hour}
}

// one is an anomaly of an entity in a bin, at an output place. Its input offset is the bin's number.
func one(entity, bins int, output Place) Entry {
	scope, asn := fmt.Sprintf("%d", entity%7), fmt.Sprintf("%d", entity)
	return Entry{
		ID: fmt.Sprintf("%032x", entity*1_000_000+bins), Entity: scope + "," + asn, Fields: []string{scope, asn}, At: int64(bins) * bin,
		Value: float64(bins), Usual: 1, Scale: 2, Deviation: float64(5 + (entity*31+bins*17)%100),
		Output: output, Input: Place{int32(entity % 3), int64(bins)},
	}
}

// times are the keys and times of a list.
func times(entries []Entry) (text []string) {
	for _, e := range entries {
		text = append(text, fmt.Sprintf("%d:%d-%d", e.At/bin, e.Output.Partition, e.Output.Offset))
	}
	return text
}

func TestTheListHasTheLatestFirst(t *testing.T) {
	tail := New(testConfig())
	tail.Add([]Entry{
		one(1, 3, Place{1, 0}), one(2, 5, Place{0, 0}), one(3, 3, Place{0, 1}), one(1, 4, Place{1, 1}), one(4, 3, Place{1, 2}),
	}, Vector{0: 3, 1: 4})
	want := []string{"5:0-0", "4:1-1", "3:0-1", "3:1-0", "3:1-2"}
	got, next, err := tail.Anomalies(Filter{}, "", 0)
	if err != nil || next != "" || !slices.Equal(times(got), want) {
		t.Fatalf("%v %q %v, want %v", times(got), next, err, want)
	}
	for limit := 1; limit <= 5; limit++ {
		var all []string
		for cursor := ""; ; {
			part, next, err := tail.Anomalies(Filter{}, cursor, limit)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, times(part)...)
			if cursor = next; cursor == "" {
				break
			}
		}
		if !slices.Equal(all, want) {
			t.Errorf("by %d: %v, want %v", limit, all, want)
		}
	}
	if e, found := tail.Anomaly(fmt.Sprintf("%032x", 2_000_005)); !found || e.Entity != "2,2" || math.IsNaN(e.Usual) {
		t.Errorf("the anomaly by its ID: %+v %v", e, found)
	}
}

// The entity's former input partition has a higher number, and its anomalies arrive later. A late record
// stays behind those that the detector saw before it.
func TestAnEntityThatMovedIsPutInTheOrderOfTime(t *testing.T) {
	at := func(bins int, output, input Place) Entry {
		e := one(1, bins, output)
		e.Input = input
		return e
	}
	tail := New(testConfig())
	tail.Add([]Entry{
		at(200, Place{0, 0}, Place{1, 5}), at(202, Place{0, 1}, Place{1, 6}), at(90, Place{0, 2}, Place{1, 7}),
		at(101, Place{1, 0}, Place{4, 71}), at(100, Place{1, 1}, Place{4, 70}),
	}, nil)
	episodes := allEpisodes(t, tail, Filter{}, All, 10)
	if len(episodes) != 2 || episodes[0].OpenedAt != 200*bin || episodes[0].Points != 3 || episodes[1].OpenedAt != 100*bin || episodes[1].Points != 2 {
		t.Errorf("%+v", episodes)
	}
}

// Records before the range are not read at the start, so the tail does not claim to hold their anomalies, even if it holds an older one.
func TestTailHoldsAllOnlySinceReadingBegan(t *testing.T) {
	tail := New(testConfig())
	const since = 100 * bin
	tail.Begin("", Vector{0: 5}, since, false)
	tail.Add([]Entry{one(1, 10, Place{0, 6})}, Vector{0: 7})
	if s := tail.State(); s.From != since || s.Anomalies != 1 {
		t.Errorf("it holds %d anomalies, and all since %d; want 1, and all since %d", s.Anomalies, s.From, since)
	}
}
