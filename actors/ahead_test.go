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

// manyEntities are more than a piece has records.
const manyEntities = piece + 50

// TestVerdictsDoNotDependOnHowFarAPartitionLooks: it looks at nothing ahead if each slice has one record.
func TestVerdictsDoNotDependOnHowFarAPartitionLooks(t *testing.T) {
	for _, c := range []struct {
		settings       detection.Settings
		bins, replayed int
	}{
		{detection.Settings{GranularityMinutes: 15, HistoryHours: 6, MinRatio: 0.6, Threshold: 5, MinDeviation: 0.01}, 26, 20},
		{detection.Settings{Method: detection.HabitMethod, GranularityMinutes: 240, HistoryHours: 72, MinRatio: detection.HabitMinRatio, Threshold: 5, MinDeviation: 0.01}, 36, 28},
	} {
		t.Run(c.settings.Method.String(), func(t *testing.T) {
			all := unevenBins(t, c.bins, time.Duration(c.settings.GranularityMinutes)*time.Minute)
			want, counts := inSlices(t, c.settings, all, 0, 1)
			if counts.anomalies < 100 || counts.points == len(all) || counts.entities < piece {
				t.Fatalf("there is too little to compare: %+v", counts)
			}
			got, others := inSlices(t, c.settings, all, 0, 1, 8, 9, 12, 16, 17, 18, 34, 512, 513, 5000)
			if !slices.EqualFunc(got, want, bytes.Equal) || others != counts {
				t.Errorf("%d records are produced of %+v, want %d of %+v", len(got), others, len(want), counts)
			}
			replayed := c.replayed * manyEntities
			before, _ := inSlices(t, c.settings, all[:replayed], 0, 512)
			after, _ := inSlices(t, c.settings, all, replayed, 512)
			if !slices.EqualFunc(after, want[len(before):], bytes.Equal) || len(after) == 0 {
				t.Errorf("after a replay %d records are produced, which are not the last %d without one", len(after), len(want)-len(before))
			}
		})
	}
}

// unevenBins are bins with new entities, deviations, records that are not good, and other orders.
func unevenBins(t *testing.T, bins int, granularity time.Duration) (all []*kgo.Record) {
	source := newBench(t, benchConfig())
	source.at = (40 * 365 * 24 * time.Hour).Milliseconds()
	for bin := range bins {
		source.at += (granularity - benchGranularity).Milliseconds()
		records := source.bin(manyEntities - 50 + bin)
		for i := bin; i < len(records); i += 23 {
			records[i].Value = withValue(records[i].Value, 1)
		}
		for i := 3 * bin; i < len(records); i += 101 {
			records[i].Value = records[i].Value[:7]
		}
		for i, j := 0, len(records)-1; bin%3 == 2 && i < j; i, j = i+1, j-1 {
			records[i].Value, records[j].Value = records[j].Value, records[i].Value
		}
		all = append(all, records...)
	}
	return all
}

// counted is what the tallies of slices add up to.
type counted struct{ points, anomalies, above, unscored, entities int }

// inSlices has a partition score records in slices of some sizes in turn, after it has replayed some of them. It returns what was produced.
func inSlices(t *testing.T, settings detection.Settings, records []*kgo.Record, replayed int, sizes ...int) (produced [][]byte, total counted) {
	config := benchConfig()
	config.setMethod(settings)
	var b *bench
	if replayed == 0 {
		b = newBench(t, config)
	} else {
		config.Reader = replays{records: copies(records[:replayed])}
		b = newBenchAt(t, config, int64(replayed))
	}
	rest := copies(records[replayed:])
	scored := len(rest)
	for i := 0; len(rest) > 0; i++ {
		n := min(sizes[i%len(sizes)], len(rest))
		tally := b.score(t, rest[:n]).Tally
		total = counted{total.points + tally.Points, total.anomalies + tally.Anomalies, total.above + tally.Above, total.unscored + tally.Unscored, tally.Entities}
		rest = rest[n:]
	}
	for range total.anomalies + scored - total.points { // the records that are no points are bad ones
		switch message := b.product(t).(type) {
		case *messages.Anomaly:
			produced = append(produced, message.Record.Value)
		case *messages.DeadLetter:
			produced = append(produced, message.Record.Value)
		default:
			t.Fatalf("%T was produced", message)
		}
	}
	return produced, total
}

// copies are needed because a partition gives records back to the Kafka client.
func copies(records []*kgo.Record) []*kgo.Record {
	all := make([]*kgo.Record, len(records))
	for i, record := range records {
		one := *record
		all[i] = &one
	}
	return all
}
