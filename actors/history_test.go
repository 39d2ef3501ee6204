package actors_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/detection"
	"anomalydetector/test/golden"
	"anomalydetector/test/naive"
)

// wild is a stream with what real ones have at their worst: late records, gaps,
// entities that vanish and come back, and timestamps from other ages.
func wild(seed uint64, bins int) (*golden.Case, settings) {
	dice := rand.New(rand.NewPCG(seed, 0))
	g := &golden.Case{Expected: make(map[int]float64), Partitions: 2, Unordered: true, ValueField: "v"}
	set := settings{
		rules:      detection.Settings{GranularityMinutes: 15, HistoryHours: 6, MinRatio: 0.3, Threshold: 3, MinDeviation: 0.01},
		valueField: "v", keyFields: []string{"k"},
	}
	oracle := naive.New(naive.Rules{GranularityMinutes: set.rules.GranularityMinutes, HistoryHours: set.rules.HistoryHours,
		MinRatio: set.rules.MinRatio, Threshold: set.rules.Threshold, MinDeviation: set.rules.MinDeviation})
	const start = 1_600_000_000_000
	quarter := (15 * time.Minute).Milliseconds()
	for bin := range bins {
		for entity := range 24 {
			away := entity%6 == 5 && (bin/60)%2 == 1 // gone for 15 hours, then back
			if away || dice.IntN(20) == 0 {
				continue
			}
			at := start + int64(bin)*quarter
			switch dice.IntN(60) {
			case 0:
				at -= dice.Int64N(4 * quarter) // a late record, within the hour
			case 1:
				at -= dice.Int64N(60 * quarter) // one from long before
			}
			if entity == 23 && dice.IntN(40) == 0 {
				at = 1 // 1970
			}
			value := 0.5 + 0.05*dice.Float64()
			if dice.IntN(25) == 0 {
				value *= 2
			}
			key, record := pointOf(entity, at, value)
			if deviation, anomalous := oracle.Decide(key, at, value); anomalous {
				g.Expected[len(g.Records)] = deviation
			}
			g.Records = append(g.Records, record)
		}
	}
	return g, set
}

// pointOf is the record of a point of an entity that is known by its number, and its key.
func pointOf(entity int, at int64, value float64) (key string, record *kgo.Record) {
	key = fmt.Sprintf("e%d", entity)
	payload := msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 2), "k"), key)
	payload = msgp.AppendFloat64(msgp.AppendString(payload, "v"), value)
	return key, &kgo.Record{Partition: int32(entity % 2), Timestamp: time.UnixMilli(at), Value: payload}
}

func TestRestartedProcessDecidesAsOneThatNeverStopped(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			c, set := wild(seed, 400)
			w := newWorldOf(t, c, set)
			n := w.start("one", nil)
			w.feedInParts(6, func(int) {
				w.untilCommitted()
				must(t, n.stop())
				n = w.start("one", nil)
			})
			must(t, n.stop())
			w.verify()
		})
	}
}

// TestResetOffsetsRebuildTheHistory: an operator sets the group's offsets back. All records
// after them are scored and reported again.
func TestResetOffsetsRebuildTheHistory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "short_window_median")
	w.feed(len(w.golden.Records))
	n := w.start("one", nil)
	w.untilCommitted()
	must(t, n.stop())
	before := len(w.read(outputTopic))

	ends, err := w.admin.ListEndOffsets(context.Background(), inputTopic)
	must(t, err)
	var halves kadm.Offsets
	ends.Each(func(o kadm.ListedOffset) { halves.AddOffset(o.Topic, o.Partition, o.Offset/2, -1) })
	must(t, w.admin.CommitAllOffsets(context.Background(), group, halves))

	// The anomalies after the halves come a second time, and are the same.
	again := w.start("one", nil)
	w.untilCommitted()
	must(t, again.stop())
	seen := make(map[string]int)
	for _, r := range w.read(outputTopic) {
		seen[string(r.Headers[0].Value)+string(r.Value)]++
	}
	twice := 0
	for _, count := range seen {
		if count == 2 {
			twice++
		}
	}
	if len(seen) != before || twice == 0 || twice == before {
		t.Errorf("%d distinct anomalies, of which %d came twice; want the %d of before and some of them twice", len(seen), twice, before)
	}
}

// TestMissingHistoryIsNeverScored: the topic no longer has what the windows
// need, so the minimum history keeps the entities from being scored.
func TestMissingHistoryIsNeverScored(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "hegemony_mean")
	half := len(w.golden.Records) / 2
	w.feed(half)
	n := w.start("one", nil)
	w.untilCommitted()
	must(t, n.stop())
	before := len(w.read(outputTopic))
	ends, err := w.admin.ListEndOffsets(context.Background(), inputTopic)
	must(t, err)
	ends.Each(func(o kadm.ListedOffset) { must(t, w.cluster.DeleteRecords(inputTopic, o.Partition, o.Offset)) })

	w.feed(1000) // far fewer than 0.6 of three days
	again := w.start("one", nil)
	w.untilCommitted()
	must(t, again.stop())
	if after := len(w.read(outputTopic)); after != before {
		t.Errorf("%d anomalies were found with no history", after-before)
	}
}
