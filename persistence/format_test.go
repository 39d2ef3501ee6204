package persistence_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"anomalydetector/persistence"
	"anomalydetector/test/formats"
)

// silence is the log of a store that has nothing to report. Each line fails the test.
type silence struct {
	slog.Handler
	t  *testing.T
	mu sync.Mutex
}

func (s *silence) Enabled(context.Context, slog.Level) bool { return true }
func (s *silence) Handle(_ context.Context, r slog.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	line := r.Message
	r.Attrs(func(a slog.Attr) bool { line += " " + a.String(); return true })
	s.t.Errorf("the store logs: %s", line)
	return nil
}
func (s *silence) WithAttrs([]slog.Attr) slog.Handler { return s }
func (s *silence) WithGroup(string) slog.Handler      { return s }

// strict are the options of a store that neither rebuilds nor reports anything.
func strict(t *testing.T) persistence.Options {
	return persistence.Options{StopOnDamage: true, Log: slog.New(&silence{t: t})}
}

// eachFormat runs a test for both directories of each format that there ever was.
func eachFormat(t *testing.T, test func(t *testing.T, f *formats.Format, directory string)) {
	for _, f := range formats.All(t, "testdata") {
		for _, directory := range []string{formats.Closed, formats.Killed} {
			t.Run(filepath.Base(f.Path)+"/"+directory, func(t *testing.T) { test(t, f, directory) })
		}
	}
}

// TestDirectoryOfEachFormatOpensAsItIs: without a rebuild, with each window and each head.
func TestDirectoryOfEachFormatOpensAsItIs(t *testing.T) {
	eachFormat(t, func(t *testing.T, f *formats.Format, directory string) {
		dir := f.Unpack(t, directory)
		node, err := persistence.OpenNode(dir, "")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = node.Close() }()
		if node.ID != f.Node || node.Lost != persistence.Kept {
			t.Errorf("the node is %q (%s), want %q", node.ID, node.Lost, f.Node)
		}
		store := open(t, dir, strict(t))
		summaries, err := store.Summaries()
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range f.Of(directory) {
			if i == len(summaries) {
				t.Fatalf("%d partitions are stored", i)
			}
			checkSummary(t, f, want, summaries[i])
			p := take(t, store, want)
			checkPartition(t, store, p, want)
			p.Close()
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
		if aside, _ := filepath.Glob(filepath.Join(dir, "state.*")); len(aside) > 0 {
			t.Errorf("the database was moved aside: %v", aside)
		}
	})
}

func checkSummary(t *testing.T, f *formats.Format, want *formats.Partition, got persistence.Summary) {
	t.Helper()
	got.Bytes = 0
	head := got.Head
	got.Head = persistence.Head{}
	if got != (persistence.Summary{Detector: want.Detector, Partition: want.Number, Format: f.Number, Entities: len(want.Windows),
		Points: want.Points(), Journaled: want.Journal, Chunks: want.Chunks}) || headOf(head) != want.Head {
		t.Errorf("%s/%d is %#v with head %#v", want.Detector, want.Number, got, head)
	}
}

// take opens a partition, which must not begin anew.
func take(t *testing.T, store *persistence.Store, want *formats.Partition) *persistence.Partition {
	t.Helper()
	p, err := store.Partition(want.Detector, want.Number)
	if err != nil {
		t.Fatal(err)
	}
	if head, stored := p.Head(); !stored || headOf(head) != want.Head {
		t.Fatalf("the head of %s/%d is %#v, %v, want %#v", want.Detector, want.Number, head, stored, want.Head)
	}
	return p
}

// checkPartition looks for all entities as questions do, and then loads them.
func checkPartition(t *testing.T, store *persistence.Store, p *persistence.Partition, want *formats.Partition) {
	t.Helper()
	if p.Entities() != len(want.Windows) || p.Uncached() != len(want.Windows) {
		t.Errorf("%d entities, %d of them on disk only, want %d", p.Entities(), p.Uncached(), len(want.Windows))
	}
	const longest = 1000 // of the keys that a list has
	keys := slices.DeleteFunc(formats.Keys(want.Windows), func(key string) bool { return len(key) >= longest })
	var listed []string
	err := store.Keys(want.Detector, want.Number, func(key string) error {
		listed = append(listed, key)
		return nil
	})
	if err != nil || !slices.Equal(listed, keys) {
		t.Errorf("the keys are %q, %v, want %q", listed, err, keys)
	}
	for key, window := range want.Windows {
		points, err := p.Peek(key)
		if err != nil || !equal(points, pointsOf(window)) {
			t.Errorf("entity %s has the window %v, %v, want %v", key, points, err, pointsOf(window))
		}
		if found, err := store.HasEntity(want.Detector, want.Number, key); !found || err != nil {
			t.Errorf("entity %s is found: %v, %v", key, found, err)
		}
	}
	for _, key := range want.Gone {
		if found, err := store.HasEntity(want.Detector, want.Number, key); found || err != nil {
			t.Errorf("entity %s, which is gone, is found: %v, %v", key, found, err)
		}
		if points, err := p.Peek(key); len(points) > 0 || err != nil {
			t.Errorf("entity %s, which is gone, has the window %v, %v", key, points, err)
		}
	}
	for key, window := range want.Windows {
		if _, points, known := load(t, p, key); !known || !ends(points, pointsOf(window)) {
			t.Errorf("entity %s is loaded with %v, %v, want %v", key, points, known, pointsOf(window))
		}
	}
}

// ends tells whether loaded points end with a window. Points that lie before it may be there,
// too: the next point evicts them.
func ends(points, window []persistence.Point) bool {
	return len(points) >= len(window) && equal(points[len(points)-len(window):], window)
}

// TestDirectoryOfEachFormatIsWrittenOn: checkpoints go on top of what it has. Some entities
// leave the memory, one is removed, one is new, and the next opening finds all that.
func TestDirectoryOfEachFormatIsWrittenOn(t *testing.T) {
	eachFormat(t, func(t *testing.T, f *formats.Format, directory string) {
		for name, change := range map[string]func(*persistence.Options){
			"journal as it comes": func(*persistence.Options) {},
			"short journal":       func(o *persistence.Options) { o.Journal = 1 },
			"split":               func(o *persistence.Options) { o.Journal, o.Split = 20, 2 },
		} {
			t.Run(name, func(t *testing.T) {
				dir, o := f.Unpack(t, directory), strict(t)
				change(&o)
				store := open(t, dir, o)
				var after []*formats.Partition
				for _, want := range f.Of(directory) {
					p := take(t, store, want)
					after = append(after, writeOn(t, p, want))
					p.Close()
				}
				if err := store.Close(); err != nil {
					t.Fatal(err)
				}
				again := open(t, dir, strict(t))
				for _, want := range after {
					p := take(t, again, want)
					checkPartition(t, again, p, want)
					p.Close()
				}
				if err := again.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	})
}

// writeOn writes three checkpoints, and returns what must be found then.
func writeOn(t *testing.T, p *persistence.Partition, before *formats.Partition) *formats.Partition {
	t.Helper()
	after, memory := *before, make(windows)
	after.Windows, after.Gone = maps.Clone(before.Windows), slices.Clone(before.Gone)
	head, _ := p.Head()
	cached := make(map[string]*persistence.Entity)
	point := func(key string, value float64) {
		if cached[key] == nil {
			cached[key], memory[key], _ = load(t, p, key)
		}
		p.Append(cached[key], head.StreamTime, value)
		memory[key] = evict(append(slices.Clone(memory[key]), persistence.Point{At: head.StreamTime, Value: value}), head.History)
		after.Windows[key] = windowOf(memory[key])
		head.Offset++
	}
	keys := formats.Keys(before.Windows)
	for round := range 3 {
		head.StreamTime += hour
		for i, key := range keys {
			if i%3 != 2 || round == 1 { // the others stay on disk
				point(key, float64(round*i))
			}
		}
		point("an entity that is new", float64(round))
		var toDisk []*persistence.Entity
		switch round {
		case 1:
			toDisk = append(toDisk, cached[keys[0]])
			delete(cached, keys[0])
		case 2:
			removed := keys[len(keys)-1]
			p.Remove(cached[removed])
			delete(after.Windows, removed)
			after.Gone = append(after.Gone, removed)
		}
		p.Commit()
		if err := checkpoint(t, p, head, memory, toDisk...); err != nil {
			t.Fatal(err)
		}
	}
	after.Head = headOf(head)
	return &after
}

// TestArchiveOfEachFormatIsImported: into an empty directory, with the windows and heads of
// the directory that it was exported from; and that directory is exported as the same.
func TestArchiveOfEachFormatIsImported(t *testing.T) {
	for _, f := range formats.All(t, "testdata") {
		t.Run(filepath.Base(f.Path), func(t *testing.T) {
			closed := open(t, f.Unpack(t, formats.Closed), strict(t))
			for detector, numbers := range detectorsOf(f) {
				t.Run(detector, func(t *testing.T) {
					archive, err := os.ReadFile(filepath.Join(f.Path, detector+formats.Archive))
					if err != nil {
						t.Fatal(err)
					}
					var again bytes.Buffer
					if _, err := closed.WriteArchive(&again, detector, numbers); err != nil {
						t.Fatal(err)
					}
					// The first bytes name the version. Another version has the same content.
					if version := len("adetect-archive-") + 1; bytes.Equal(again.Bytes()[:version], archive[:version]) && !bytes.Equal(again.Bytes(), archive) {
						t.Error("the directory is exported as another archive than when it was written")
					}
					for name, content := range map[string][]byte{"committed": archive, "written now": again.Bytes()} {
						t.Run(name, func(t *testing.T) { checkArchive(t, f, detector, content) })
					}
				})
			}
		})
	}
}

func detectorsOf(f *formats.Format) map[string][]int32 {
	all := make(map[string][]int32)
	for _, p := range f.Of(formats.Closed) {
		all[p.Detector] = append(all[p.Detector], p.Number)
	}
	return all
}

func checkArchive(t *testing.T, f *formats.Format, detector string, content []byte) {
	t.Helper()
	dir := t.TempDir()
	store := open(t, dir, strict(t))
	imports, err := store.ReadArchive(bytes.NewReader(content), func(int32) bool { return true }, unchecked)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Adopt(detector, imports...); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir, strict(t))
	found := 0
	for _, want := range f.Of(formats.Closed) {
		if want.Detector != detector {
			continue
		}
		found++
		p := take(t, again, want)
		checkPartition(t, again, p, want)
		p.Close()
	}
	if numbers, err := again.Numbers(detector); err != nil || len(numbers) != found {
		t.Error(fmt.Errorf("partitions %v are stored, want %d, %w", numbers, found, err))
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

// The outlines of a directory that has some are those that were written, and the points after them end the windows.
func TestOutlinesAreReadFromTheDirectoryThatHasThem(t *testing.T) {
	eachFormat(t, func(t *testing.T, f *formats.Format, directory string) {
		store, found := open(t, f.Unpack(t, directory), strict(t)), 0
		for _, want := range f.Of(directory) {
			p := take(t, store, want)
			for key, window := range want.Windows {
				_, w, known, err := p.LoadOutline(key)
				whole := pointsOf(window)
				if !known || err != nil || w.Newest != slices.Max(window.Times) {
					t.Fatalf("entity %s is known: %v, with points up to %d: %v", key, known, w.Newest, err)
				}
				if w.Outline == nil {
					if !ends(w.Points, whole) {
						t.Errorf("entity %s has %v, want %v", key, w.Points, whole)
					}
					continue
				}
				found++
				before := 0
				if _, err := fmt.Sscanf(string(w.Outline), "%d points", &before); err != nil || before+len(w.Points) < len(whole) || !ends(whole, w.Points) {
					t.Errorf("entity %s has the outline %q and then %v, of %v: %v", key, w.Outline, w.Points, whole, err)
				}
			}
			p.Close()
		}
		if has := strings.HasSuffix(f.Path, "-outlines"); has != (found > 0) {
			t.Errorf("%d windows have an outline", found)
		}
	})
}
