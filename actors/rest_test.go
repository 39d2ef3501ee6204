package actors

import (
	"errors"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"anomalydetector/detection"
	"anomalydetector/messages"
	"anomalydetector/persistence"
)

// TestFirstBinAfterAStartLeavesWindowsOnDisk counts what the first bin after a start takes in the heap for each entity with a full window of 288
// points, which are 2.7 kB. The windows are in the journal, or in chunks with an outline and few or many points after it.
func TestFirstBinAfterAStartLeavesWindowsOnDisk(t *testing.T) {
	t.Run("in the journal", func(t *testing.T) { firstBin(t, 0, 300, 0) })
	t.Run("in chunks", func(t *testing.T) { firstBin(t, 32, 450, 21) })
	t.Run("in chunks and a long journal", func(t *testing.T) { firstBin(t, 64, 455+50, 52) })
}

// threeDaysStored is a configuration with windows of three days and a store, whose journal may hold some points; 0: as many as suit its entities.
func threeDaysStored(t *testing.T, journal int) *Config {
	t.Helper()
	store, err := persistence.OpenStore(t.TempDir(), persistence.Options{Log: slog.New(slog.DiscardHandler), Journal: journal})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	config := benchConfig()
	config.Store = store
	config.setMethod(detection.Settings{GranularityMinutes: 15, HistoryHours: 72, MinRatio: 0.6, Threshold: 5, MinDeviation: 0.01})
	return config
}

// firstBin has some points of each entity in the journal, and after some bins a certain number of them come after an outline.
func firstBin(t *testing.T, journal, bins, after int) {
	const entities, most = 1_000, 1_500
	config := threeDaysStored(t, journal*entities)
	before := newBench(t, config)
	for range bins {
		before.score(t, before.bin(entities))
	}
	before.score(t, before.bin(1)) // waits until what was committed is stored
	before.stop(t)
	if journal > 0 {
		p, err := config.Store.Partition(config.Name, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, window, _, err := p.LoadOutline("-1,64600")
		if p.Close(); err != nil || window.Outline == nil && after <= 32 || window.Outline != nil && len(window.Points) != after {
			t.Fatalf("the outline has %d bytes, and %d points come after it, want %d: %v", len(window.Outline), len(window.Points), after, err)
		}
	}

	p := newBenchAt(t, config, before.offset)
	p.at, p.offset = before.at, before.offset
	first := p.bin(entities)
	empty := heap()
	if done := p.score(t, first); done.Tally.Points != entities || done.Tally.Unscored != 0 || done.Tally.Anomalies != 0 {
		t.Fatalf("the first bin: %+v", done.Tally)
	}
	p.score(t, p.bin(1))
	each := (float64(heap()) - float64(empty)) / entities
	t.Logf("%.0f bytes an entity", each)
	if each > most {
		t.Errorf("an entity takes %.0f bytes, want at most %d", each, most)
	}

	// An answer shows all points of a window that rests. It is awake then.
	answers := make(chan *entityAnswer, 1)
	p.tell(&entityAsked{"-1,64600", answers})
	answer := <-answers
	if answer.err != nil || !answer.known || answer.status.Points != 288 {
		t.Errorf("a question about an entity that rests: %+v, %v", answer.status.Points, answer.err)
	}
	p.stop(t)
	runtime.KeepAlive(p)
	runtime.KeepAlive(first)
}

// TestOutlineThatIsRefusedIsReplacedByPoints: a late record comes after the outline, so the window cannot rest on it.
func TestOutlineThatIsRefusedIsReplacedByPoints(t *testing.T) {
	config := threeDaysStored(t, 1_000)
	const entities = 100
	before := newBench(t, config)
	for range 310 {
		before.score(t, before.bin(entities))
	}
	late := before.bin(entities)
	for _, record := range late {
		record.Timestamp = record.Timestamp.Add(-20 * time.Minute)
	}
	before.score(t, late)
	before.score(t, before.bin(1))
	before.stop(t)

	p := newBenchAt(t, config, before.offset)
	p.at, p.offset = before.at, before.offset
	if done := p.score(t, p.bin(entities)); done.Tally.Points != entities || done.Tally.Unscored != 0 || done.Tally.Anomalies != 0 {
		t.Fatalf("the first bin: %+v", done.Tally)
	}
	answers := make(chan *entityAnswer, 1)
	p.tell(&entityAsked{"-1,64513", answers})
	if answer := <-answers; answer.err != nil || !answer.known || answer.status.Points != 288 {
		t.Errorf("a question: %+v points, %v", answer.status.Points, answer.err)
	}
	p.stop(t)
}

// TestWindowThatCannotBeWokenIsNotDecided: the disk can be read when an entity comes, and not when its points are needed.
func TestWindowThatCannotBeWokenIsNotDecided(t *testing.T) {
	store, err := persistence.OpenStore(t.TempDir(), persistence.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	config := benchConfig()
	config.Store = store
	before := newBench(t, config)
	before.fill(t, 2)
	before.score(t, before.bin(1))
	before.stop(t)

	p := newBenchAt(t, config, before.offset)
	p.at, p.offset = before.at, before.offset
	p.score(t, p.bin(2)) // the store still has the points of the second one at hand
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	outside := p.bin(1)
	payload := msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 3), "scope"), "-1")
	payload = msgp.AppendString(msgp.AppendString(payload, "asn"), "64512")
	outside[0].Value = msgp.AppendFloat64(msgp.AppendString(payload, "hege"), 99)
	p.tell(&messages.Slice{Records: outside})
	answer := p.answer(t)
	if failed, ok := answer.(*messages.SliceFailed); !ok || !errors.Is(failed.Err, persistence.ErrClosed) {
		t.Errorf("the slice is answered with %T %+v", answer, answer)
	}
}
