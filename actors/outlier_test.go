package actors

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/messages"
	"anomalydetector/persistence"
)

// outlier gives the next record of an entity, by its number, another time.
func (b *bench) outlier(entity int, at int64) *kgo.Record {
	kept := b.at
	b.at -= benchGranularity.Milliseconds()
	record := b.bin(entity + 1)[entity]
	b.at, record.Timestamp = kept, time.UnixMilli(at)
	record.Offset, b.offset = b.offset-int64(entity)-1, b.offset-int64(entity)
	return record
}

// reloads scores a slice, and counts how often it would need a replay. The bench's
// history is empty, so after a replay the partition has no windows.
func (b *bench) reloads(tb testing.TB, records []*kgo.Record) (reloads, entities int) {
	tb.Helper()
	for first := 0; ; reloads++ {
		b.tell(&messages.Slice{Records: slices.Clone(records[first:])})
		switch answer := b.answer(tb).(type) {
		case *messages.SliceDone:
			b.tell(&messages.Committed{})
			return reloads, answer.Tally.Entities
		case *messages.SliceFailed:
			if !answer.Reload {
				tb.Fatal(answer.Err)
			}
			b.tell(&messages.RolledBack{})
			b.tell(&messages.Assignment{Offset: records[first].Offset, Generation: 1})
			b.answer(tb)
		}
	}
}

// TestOutlierChangesNothingForOthers: after outliers all other entities are still cached,
// their points need no replay, and those without points are removed as usual.
func TestOutlierChangesNothingForOthers(t *testing.T) {
	const entities, gone = 40, 100
	future := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	for name, odd := range map[string]func(b *bench) []*kgo.Record{
		"none":                               func(*bench) []*kgo.Record { return nil },
		"one of the future":                  func(b *bench) []*kgo.Record { return []*kgo.Record{b.outlier(3, future)} },
		"one of the future, of a new entity": func(b *bench) []*kgo.Record { return []*kgo.Record{b.outlier(500, future)} },
		"a day and a bit ahead":              func(b *bench) []*kgo.Record { return []*kgo.Record{b.outlier(3, b.at+leap.Milliseconds()+1)} },
		"nearly a day ahead":                 func(b *bench) []*kgo.Record { return []*kgo.Record{b.outlier(3, b.at+leap.Milliseconds())} },
		"many of one entity": func(b *bench) []*kgo.Record {
			var records []*kgo.Record
			for i := range int64(200) {
				records = append(records, b.outlier(3, future+i*benchGranularity.Milliseconds()))
			}
			return records
		},
		"some of several entities": func(b *bench) []*kgo.Record {
			var records []*kgo.Record
			for i := range runLength - 1 {
				records = append(records, b.outlier(i, future+int64(i)))
			}
			return records
		},
		"one of 1970":                  func(b *bench) []*kgo.Record { return []*kgo.Record{b.outlier(3, 0)} },
		"one of 1970, of a new entity": func(b *bench) []*kgo.Record { return []*kgo.Record{b.outlier(500, 0)} },
		"future and past": func(b *bench) []*kgo.Record {
			return []*kgo.Record{b.outlier(3, future), b.outlier(4, 0), b.outlier(5, future), b.outlier(6, 0)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, benchConfig())
			b.at = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
			b.fill(t, gone)
			extra := odd(b)
			known := gone
			for _, record := range extra { // each in a transaction of its own, and in one
				if record.Timestamp.UnixMilli() != 0 {
					b.reloads(t, []*kgo.Record{record})
				}
			}
			if len(extra) > 0 {
				if reloads, now := b.reloads(t, odd(b)); reloads > 0 || now < known {
					t.Errorf("the outliers made %d reloads, and %d entities are left of %d", reloads, now, known)
				}
			}
			for bin := range 8 {
				if reloads, now := b.reloads(t, b.bin(entities)); reloads > 0 || now < known {
					t.Fatalf("bin %d after the outliers made %d reloads, and %d entities are known, not %d", bin, reloads, now, known)
				}
			}
			left := 0
			for range int((benchHistory + patience + 2*sweepEvery) / benchGranularity) {
				var reloads int
				if reloads, left = b.reloads(t, b.bin(entities)); reloads > 0 {
					t.Fatal("history was loaded for an ordinary point")
				}
			}
			if left < entities || left > entities+2 {
				t.Errorf("%d entities are remembered, want the %d that have points, and one that waits for 2100 at most", left, entities)
			}
		})
	}
}

// TestOutliersAmongOrdinaryRecords: each bin begins with one.
func TestOutliersAmongOrdinaryRecords(t *testing.T) {
	b := newBench(t, benchConfig())
	b.at = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	future := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	for bin := range 200 {
		records := []*kgo.Record{b.outlier(7, future), b.outlier(8, 0)}
		if reloads, known := b.reloads(t, append(records, b.bin(30)...)); reloads > 0 || known != 30 {
			t.Fatalf("bin %d: %d reloads, %d entities", bin, reloads, known)
		}
	}
}

// TestSilenceOfTheTopicIsNoOutlier: when the topic goes on, entities that do not come back
// are removed, and the others need no replay.
func TestSilenceOfTheTopicIsNoOutlier(t *testing.T) {
	for _, silence := range []time.Duration{48 * time.Hour, 30 * 24 * time.Hour} {
		b := newBench(t, benchConfig())
		b.at = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
		b.fill(t, 60)
		b.at += silence.Milliseconds()
		left := 0
		for range 8 {
			var reloads int
			if reloads, left = b.reloads(t, b.bin(20)); reloads > 0 {
				t.Errorf("after %s history was loaded for an ordinary point", silence)
			}
		}
		if left != 20 {
			t.Errorf("after %s %d entities are remembered, want 20", silence, left)
		}
	}
}

// TestDirectoryWithAWrongStreamTimeHeals: an earlier version may have stored the time of an
// outlier as stream time. That neither removes an entity nor keeps one for ever.
func TestDirectoryWithAWrongStreamTimeHeals(t *testing.T) {
	store, err := persistence.OpenStore(filepath.Join(t.TempDir(), "data"), persistence.Options{})
	if err != nil {
		t.Fatal(err)
	}
	config := benchConfig()
	config.Store = store
	b := newBench(t, config)
	b.at = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	b.fill(t, 30)
	b.stop(t)

	state, err := store.Partition(config.Name, 0)
	if err != nil {
		t.Fatal(err)
	}
	head, _ := state.Head()
	future := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	head.StreamTime, head.Swept, head.Lateness = future, future, future-b.at
	state.Commit()
	if err := state.Checkpoint(head, nil, nil); err != nil {
		t.Fatal(err)
	}
	state.Close()

	again := newBenchAt(t, config, b.offset)
	again.at, again.offset = b.at, b.offset
	left := 0
	for bin := range int((2*benchHistory + 3*patience + 2*sweepEvery) / benchGranularity) {
		reloads := 0
		count := 30
		if bin > 4 {
			count = 12
		}
		if reloads, left = again.reloads(t, again.bin(count)); reloads > 0 || bin < 5 && left != 30 {
			t.Fatalf("bin %d made %d reloads, and %d entities are left of 30", bin, reloads, left)
		}
	}
	for range int(3 * (benchHistory + patience) / benchGranularity) {
		_, left = again.reloads(t, again.bin(12))
	}
	if left != 12 {
		t.Errorf("%d entities are remembered, want the 12 that have points", left)
	}
	again.stop(t)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}
