package actors_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/dgraph-io/badger/v4"
	badgeroptions "github.com/dgraph-io/badger/v4/options"

	"anomalydetector/actors"
	"anomalydetector/persistence"
	"anomalydetector/stream"
)

// told collects what a detector logs about its state.
type told struct {
	slog.Handler
	mu       sync.Mutex
	replayed int64    // records, at all partitions' starts
	lines    []string // of all messages, with their reasons
}

func (l *told) Handle(ctx context.Context, r slog.Record) error {
	line := r.Message
	l.mu.Lock()
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "replayed":
			l.replayed += a.Value.Int64()
		case "reason":
			line += ": " + a.Value.String()
		}
		return true
	})
	l.lines = append(l.lines, line)
	l.mu.Unlock()
	return l.Handler.Handle(ctx, r)
}

func (l *told) Enabled(context.Context, slog.Level) bool { return true }
func (l *told) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *told) WithGroup(string) slog.Handler            { return l }
func (l *told) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(strings.Join(l.lines, "\n"), text)
}

// storing is a detector with its state in a directory.
type storing struct {
	*node
	log   *told
	store *persistence.Store
}

// startStoring runs a detector on what a directory has.
func (w *world) startStoring(dir string, options persistence.Options, change func(*actors.Config)) *storing {
	w.Helper()
	s := &storing{log: &told{Handler: slog.DiscardHandler}}
	options.Log = slog.New(s.log)
	var err error
	s.store, err = persistence.OpenStore(dir, options)
	must(w.T, err)
	s.node = w.start("one", func(c *actors.Config, streams *stream.Config) {
		c.Store, c.Log = s.store, slog.New(s.log)
		if change != nil {
			change(c)
		}
		streams.Stored, streams.Log = c.StoredOffset, slog.New(s.log)
	})
	return s
}

func (s *storing) end() {
	s.world.Helper()
	must(s.world.T, s.stop())
	must(s.world.T, s.store.Close())
}

// TestStoredWindowsGoOnWhereTheGroupIs: whatever happens to the state between two processes,
// the second one gives the verdicts of a process that never stopped.
func TestStoredWindowsGoOnWhereTheGroupIs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		between func(w *world, dir, older string)
		least   int64 // records that are replayed
		most    int64
		says    string // in the log
	}{
		"as it was": {between: func(*world, string, string) {}},
		"an older copy": {between: func(w *world, dir, older string) {
			must(w.T, os.RemoveAll(dir))
			must(w.T, os.Rename(older, dir))
		}, least: 1000, most: 5000},
		"gone": {between: func(w *world, dir, _ string) { must(w.T, os.RemoveAll(filepath.Join(dir, "state"))) }, least: 500, most: 9000},
		"the group's offsets are gone": {between: func(w *world, _, _ string) {
			_, err := w.admin.DeleteGroup(context.Background(), group)
			must(w.T, err)
		}, says: "the group has no offset, but there are stored windows"},
		"chunks are damaged": {between: func(w *world, dir, _ string) { damageChunks(w, dir) }, least: 500, most: 9000, says: "part of them could not be read"},
		"a table is damaged": {between: func(w *world, dir, _ string) { damageTable(w.T, dir) }, least: 500, most: 9000, says: "the database is damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, set := wild(11, 400)
			w := newWorldOf(t, g, set)
			dir, older := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "older")
			options := persistence.Options{Journal: 300}
			third := len(g.Records) / 3
			for part := range 3 {
				n := w.startStoring(dir, options, nil)
				w.feed(third + 2)
				w.untilCommitted()
				n.end()
				if part == 2 {
					if n.log.replayed < c.least || n.log.replayed > c.most || !n.log.has(c.says) {
						t.Errorf("%d records were replayed, want %d to %d; it said\n%s", n.log.replayed, c.least, c.most, strings.Join(n.log.lines, "\n"))
					}
				}
				switch part {
				case 0:
					must(t, os.CopyFS(older, os.DirFS(dir)))
				case 1:
					c.between(w, dir, older)
				}
			}
			w.verify()
		})
	}
}

// damageTable flips a bit in the first table.
func damageTable(t *testing.T, dir string) {
	t.Helper()
	tables, _ := filepath.Glob(filepath.Join(dir, "state", "*.sst"))
	if len(tables) == 0 {
		t.Fatal("there are no tables to damage")
	}
	content, err := os.ReadFile(tables[0])
	must(t, err)
	content[100] ^= 1
	must(t, os.WriteFile(tables[0], content, 0o600))
}

// TestDamageEndsTheDetectorIfItIsNotToBeRebuilt. It logs that once, with advice, and changes
// nothing on disk.
func TestDamageEndsTheDetectorIfItIsNotToBeRebuilt(t *testing.T) {
	g, set := wild(11, 400)
	w := newWorldOf(t, g, set)
	dir, options := filepath.Join(t.TempDir(), "data"), persistence.Options{Journal: 300, StopOnDamage: true}
	n := w.startStoring(dir, options, nil)
	w.feed(len(g.Records) / 2)
	w.untilCommitted()
	n.end()
	damageChunks(w, dir)
	n = w.startStoring(dir, options, nil)
	w.feed(len(g.Records) / 2)
	err := n.await()
	n.once.Do(func() { n.system.Shutdown() })
	if !errors.Is(err, persistence.ErrStop) {
		t.Errorf("it ended with %v, and said\n%s", err, strings.Join(n.log.lines, "\n"))
	}
	must(t, n.store.Close())
}

// TestDamageThatIsFoundInTheBackgroundEndsTheDetector, because compactions may have copied it.
// The next start moves the database aside, and gives the same verdicts.
func TestDamageThatIsFoundInTheBackgroundEndsTheDetector(t *testing.T) {
	g, set := wild(12, 400)
	w := newWorldOf(t, g, set)
	dir, options := filepath.Join(t.TempDir(), "data"), persistence.Options{Journal: 300, AtOnce: 1}
	n := w.startStoring(dir, options, nil)
	w.feed(len(g.Records) / 2)
	w.untilCommitted()
	n.end()
	options.Log = slog.New(slog.DiscardHandler)
	store, err := persistence.OpenStore(dir, options)
	must(t, err)
	damageBlock(t, dir) // before the end lists the tables as verified
	must(t, store.Close())

	n = w.startStoring(dir, options, nil)
	w.feed(len(g.Records) / 4)
	err = n.await()
	n.once.Do(func() { n.system.Shutdown() })
	if !errors.Is(err, persistence.ErrStop) || !n.log.has("a table of the database is damaged") {
		t.Errorf("it ended with %v, and said\n%s", err, strings.Join(n.log.lines, "\n"))
	}
	must(t, n.store.Close())

	n = w.startStoring(dir, options, nil)
	if !n.log.has("the database is damaged: it is moved aside") {
		t.Errorf("it said\n%s", strings.Join(n.log.lines, "\n"))
	}
	w.feed(len(g.Records))
	w.untilCommitted()
	n.end()
	w.verify()
}

// damageBlock flips a bit in the middle of the first table: the opening reads neither its
// index nor its footer otherwise.
func damageBlock(t *testing.T, dir string) {
	t.Helper()
	tables, _ := filepath.Glob(filepath.Join(dir, "state", "*.sst"))
	if len(tables) == 0 {
		t.Fatal("there are no tables to damage")
	}
	file, err := os.OpenFile(tables[0], os.O_RDWR, 0)
	must(t, err)
	bit := make([]byte, 1)
	_, err = file.ReadAt(bit, 700)
	must(t, err)
	bit[0] ^= 1
	_, err = file.WriteAt(bit, 700)
	must(t, errors.Join(err, file.Close()))
}

// damageChunks flips a bit in each chunk.
func damageChunks(w *world, dir string) {
	w.Helper()
	damageValues(w, dir, "c")
}

// damageValues flips a bit in each value of a kind.
func damageValues(w *world, dir, kind string) {
	w.Helper()
	db, err := badger.Open(badger.DefaultOptions(filepath.Join(dir, "state")).WithLogger(nil).WithCompression(badgeroptions.None))
	must(w.T, err)
	count := 0
	must(w.T, db.Update(func(txn *badger.Txn) error {
		var keys, values [][]byte
		o := badger.DefaultIteratorOptions
		o.Prefix = []byte(kind)
		iterator := txn.NewIterator(o)
		for iterator.Rewind(); iterator.Valid(); iterator.Next() {
			value, err := iterator.Item().ValueCopy(nil)
			must(w.T, err)
			keys, values = append(keys, iterator.Item().KeyCopy(nil)), append(values, value)
		}
		iterator.Close()
		for i, key := range keys {
			count++
			values[i][len(values[i])-1] ^= 1
			must(w.T, txn.Set(key, values[i]))
		}
		return nil
	}))
	must(w.T, db.Close())
	if count == 0 {
		w.Fatalf("there were no values %s to damage", kind)
	}
}

// TestStateOfOtherSettingsIsNotUsed: the log says so, and the windows are rebuilt.
func TestStateOfOtherSettingsIsNotUsed(t *testing.T) {
	t.Parallel()
	g, set := wild(12, 100)
	w := newWorldOf(t, g, set)
	dir := t.TempDir()
	n := w.startStoring(dir, persistence.Options{}, nil)
	w.feed(len(g.Records))
	w.untilCommitted()
	n.end()
	for name, c := range map[string]struct {
		change func(*actors.Config)
		reason string
	}{
		"key_field":            {func(c *actors.Config) { c.KeyFields = []string{"v"} }, "key_field"},
		"value_field":          {func(c *actors.Config) { c.ValueField = "k" }, "value_field"},
		"history_hours longer": {func(c *actors.Config) { c.History *= 2 }, "history_hours is longer now"},
	} {
		t.Run(name, func(t *testing.T) {
			copied := t.TempDir()
			must(t, os.CopyFS(copied, os.DirFS(dir)))
			n := w.startStoring(copied, persistence.Options{}, c.change)
			w.until("the history is loaded", func() bool { return n.log.has("partition ready") })
			n.end()
			if !n.log.has("the stored windows are not used: ") || !n.log.has(c.reason) || n.log.replayed == 0 {
				t.Errorf("%d records were replayed; it said\n%s", n.log.replayed, strings.Join(n.log.lines, "\n"))
			}
		})
	}
}

// TestUncachedEntitiesComeBackAsTheyWere: most entities are only on disk.
func TestUncachedEntitiesComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	g, set := wild(13, 300)
	w := newWorldOf(t, g, set)
	n := w.startStoring(t.TempDir(), persistence.Options{Journal: 100}, func(c *actors.Config) { c.MaxCached.Store(3); c.Batch = 50 })
	w.feed(len(g.Records))
	w.untilCommitted()
	n.end()
	w.verify()
}

// TestIntakeStopsWhileTheDiskIsFull: the detector polls nothing and says so. Intake goes on
// by itself.
func TestIntakeStopsWhileTheDiskIsFull(t *testing.T) {
	t.Parallel()
	g, set := wild(14, 200)
	w := newWorldOf(t, g, set)
	var full atomic.Bool
	var looks atomic.Int64 // at the free space
	free := func() (uint64, error) {
		looks.Add(1)
		if full.Load() {
			return 0, nil
		}
		return 1 << 40, nil
	}
	n := w.startStoring(t.TempDir(), persistence.Options{Floor: 1 << 20, Free: free}, nil)
	w.feed(len(g.Records) / 2)
	w.untilCommitted()
	full.Store(true)
	w.until("it is said that intake is stopped", func() bool { return n.log.has("intake is stopped: the state cannot be stored") })
	before := w.committed()
	w.feed(len(g.Records))
	seen := looks.Load()
	w.until("it has looked again and again", func() bool { return looks.Load() > seen+2 })
	if after := w.committed(); after != before {
		t.Errorf("%d records were read while the disk was full", after-before)
	}
	full.Store(false)
	w.untilCommitted()
	n.end()
	if !n.log.has("intake goes on") {
		t.Error("it was not said that intake goes on")
	}
	w.verify()
}
