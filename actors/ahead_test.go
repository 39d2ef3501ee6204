package actors

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/detection"
	"anomalydetector/messages"
)

// TestVerdictsDoNotDependOnHowFarAPartitionLooks: a slice of one record has none to look at before it. There are so many entities that memory is
// prefetched, records that are not good, and entities that come for the first time.
func TestVerdictsDoNotDependOnHowFarAPartitionLooks(t *testing.T) {
	const entities = fewEntities + 50
	for _, c := range []struct {
		settings       detection.Settings
		bins, replayed int
	}{
		{detection.Settings{GranularityMinutes: 15, HistoryHours: 6, MinRatio: 0.6, Threshold: 5, MinDeviation: 0.01}, 26, 20},
		{detection.Settings{Method: detection.HabitMethod, GranularityMinutes: 240, HistoryHours: 72, MinRatio: detection.HabitMinRatio, Threshold: 5, MinDeviation: 0.01}, 36, 28},
	} {
		t.Run(c.settings.Method.String(), func(t *testing.T) {
			source := newBench(t, benchConfig())
			source.at = (40 * 365 * 24 * time.Hour).Milliseconds()
			var all []*kgo.Record
			for bin := range c.bins {
				source.at += int64(c.settings.GranularityMinutes*60_000) - benchGranularity.Milliseconds()
				records := source.bin(entities - 50 + bin)
				for i := bin; i < len(records); i += 97 {
					records[i].Value = withValue(records[i].Value, 1)
				}
				for i := 3 * bin; i < len(records); i += 101 {
					records[i].Value = records[i].Value[:7]
				}
				for i, j := 0, len(records)-1; bin%3 == 2 && i < j; i, j = i+1, j-1 { // in another order
					records[i].Value, records[j].Value = records[j].Value, records[i].Value
				}
				all = append(all, records...)
			}
			run := func(records []*kgo.Record, replayed int, sizes ...int) (produced [][]byte, total messages.Tally) {
				config := benchConfig()
				config.setMethod(c.settings)
				var b *bench
				if replayed == 0 {
					b = newBench(t, config)
				} else {
					config.Reader = replays{records: copies(records[:replayed])}
					b = newBenchAt(t, config, int64(replayed))
				}
				rest := copies(records[replayed:])
				for i := 0; len(rest) > 0; i++ {
					n := min(sizes[i%len(sizes)], len(rest))
					tally := b.score(t, rest[:n]).Tally
					total.Points, total.Anomalies, total.Above, total.Unscored, total.Entities = total.Points+tally.Points, total.Anomalies+tally.Anomalies,
						total.Above+tally.Above, total.Unscored+tally.Unscored, tally.Entities
					rest = rest[n:]
				}
				for range total.Anomalies + len(records) - replayed - total.Points { // the others are bad records
					switch message := b.product(t).(type) {
					case *messages.Anomaly:
						produced = append(produced, message.Record.Value)
					case *messages.DeadLetter:
						produced = append(produced, message.Record.Value)
					}
				}
				return produced, total
			}
			want, tally := run(all, 0, 1)
			if tally.Anomalies < 100 || tally.Points == len(all) || tally.Entities < fewEntities {
				t.Fatalf("there is too little to compare: %+v", tally)
			}
			got, counted := run(all, 0, 1, 16, 17, 32, 33, 34, 66, 512, 513, 5000)
			if !slices.EqualFunc(got, want, bytes.Equal) || counted.Points != tally.Points || counted.Unscored != tally.Unscored || counted.Entities != tally.Entities {
				t.Errorf("%d records are produced and %+v counted, want %d and %+v", len(got), counted, len(want), tally)
			}
			replayed := c.replayed * entities
			after, _ := run(all, replayed, 512)
			if !slices.EqualFunc(after, want[len(want)-len(after):], bytes.Equal) || len(after) == 0 {
				t.Errorf("after a replay %d records are produced, which are not the last ones without", len(after))
			}
		})
	}
}

// copies are needed because a partition gives records back to the client.
func copies(records []*kgo.Record) []*kgo.Record {
	all := make([]*kgo.Record, len(records))
	for i, record := range records {
		one := *record
		all[i] = &one
	}
	return all
}
