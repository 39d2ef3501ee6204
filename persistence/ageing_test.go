package persistence

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"
)

// TestNothingGrowsWithTheNumberOfOpenings: entities come and go; partitions are opened,
// exported, imported, reset and closed; checkpoints in several transactions fail in the
// middle. Windows stay right, and ids, keys, slots, files and goroutines bounded.
func TestNothingGrowsWithTheNumberOfOpenings(t *testing.T) {
	t.Run("windows", func(t *testing.T) { ages(t, false) })
	t.Run("states", func(t *testing.T) { ages(t, true) })
}

func ages(t *testing.T, states bool) {
	before := runtime.NumGoroutine()
	var failing atomic.Int64 // slots are purged meanwhile
	broken := errors.New("input/output error")
	dense := 0
	log := slog.New(atInfo{slog.DiscardHandler, func(text string) {
		if strings.Contains(text, "are made dense again") {
			dense++
		}
	}})
	m := newModelOf(t, 9, Options{Journal: 60, Period: 30, Turns: 1, FewIDs: 10, Log: log, BeforeWrite: func() error {
		if failing.Add(-1) == 0 {
			return broken
		}
		return nil
	}}, states)
	cycles := 300
	if testing.Short() {
		cycles = 60
	}
	for cycle := range cycles {
		m.options.Split, m.options.File = []int{0, 3}[cycle/2%2], []int{0, 50, 400}[cycle/8%3] // from the next opening on
		for range 15 {
			m.observeOf(fmt.Sprintf("64500,%d", 3*cycle+m.random.IntN(12)))
		}
		m.remove()
		if cycle%5 == 4 {
			failing.Store(int64(1 + cycle%7))
		}
		if err := m.checkpoint(); err != nil && !errors.Is(err, broken) {
			t.Fatal(err)
		}
		failing.Store(0)
		switch {
		case cycle%50 == 1: // which makes ids dense, too
			m.move()
		case cycle%4 == 3:
			m.reassign()
		default:
			m.crash()
		}
		m.check()
		m.bounded(cycle)
	}
	m.p.Close()
	if err := m.store.Close(); err != nil {
		t.Fatal(err)
	}
	if dense < cycles/60 {
		t.Errorf("ids were made dense %d times", dense)
	}
	if after := runtime.NumGoroutine(); after > before+20 {
		t.Errorf("%d goroutines are left, %d were there before", after, before)
	}
}

// TestOpeningsTakeNoIds: neither an opening nor a checkpoint that fails in the middle uses up ids.
func TestOpeningsTakeNoIds(t *testing.T) {
	broken := errors.New("input/output error")
	for split := range 3 {
		t.Run(fmt.Sprintf("split by %d", split), func(t *testing.T) {
			failing := 0
			m := newModel(t, 2, Options{Split: split, Log: slog.New(slog.DiscardHandler), BeforeWrite: func() error {
				if failing--; failing == 0 {
					return broken
				}
				return nil
			}})
			for opening := range 40 {
				for i := range 3 {
					m.observeOf(fmt.Sprintf("64500,%d", (opening+i)/2))
				}
				failing = opening % 7
				if err := m.checkpoint(); err != nil && !errors.Is(err, broken) {
					t.Fatal(err)
				}
				failing = 0
				m.crash()
				// Another entity comes first, and takes the next id.
				m.observeOf(fmt.Sprintf("64501,%d", opening/2))
				m.check()
				if err := m.checkpoint(); err != nil {
					t.Fatal(err)
				}
				m.crash()
				m.check()
				if got := len(m.p.byID); got != len(m.before) {
					t.Fatalf("after %d openings there are %d ids for %d entities", 2*opening+2, got, len(m.before))
				}
			}
		})
	}
}

// TestSparseIdsAreMadeDense: a directory of an older version has sparse ids.
func TestSparseIdsAreMadeDense(t *testing.T) {
	m := newModel(t, 4, Options{Journal: 40})
	for range 5 {
		for range 30 {
			m.observe()
		}
		m.p.nextID += 20_000
		m.p.byID = append(m.p.byID, make([]*Entity, 20_000)...)
		if err := m.checkpoint(); err != nil {
			t.Fatal(err)
		}
		m.crash()
		m.check()
		if got := len(m.p.byID); got != len(m.before) {
			t.Fatalf("there are %d ids for %d entities", got, len(m.before))
		}
	}
}

// observeOf gives a certain entity a point.
func (m *model) observeOf(key string) {
	m.t.Helper()
	m.at += m.random.Int64N(hours / 20)
	m.observeAt(key, m.at)
}

// move exports the partition and adopts it again.
func (m *model) move() {
	m.t.Helper()
	m.p.Close()
	var b bytes.Buffer
	_, err := m.store.Export("d", 0, &b)
	if err == nil {
		var moved *Import
		if moved, err = m.store.Import(&b, unchecked); err == nil {
			err = m.store.Adopt("d", moved)
		}
	}
	if err != nil {
		m.t.Fatal(err)
	}
	m.reopen()
}

// reassign closes the partition, and opens it again.
func (m *model) reassign() {
	m.t.Helper()
	m.p.Close()
	m.reopen()
}

func (m *model) reopen() {
	m.t.Helper()
	p, err := m.store.Partition("d", 0)
	if err != nil {
		m.t.Fatal(err)
	}
	m.p, m.cached = p, make(map[string]*Entity)
	m.goBack()
}

// bounded counts what must not grow.
func (m *model) bounded(cycle int) {
	m.t.Helper()
	entities := len(m.before)
	if most := 4*entities + m.options.FewIDs + 50; len(m.p.byID) > most {
		m.t.Fatalf("after %d cycles there are %d ids for %d entities", cycle, len(m.p.byID), entities)
	}
	if cycle%20 != 19 {
		return
	}
	m.settle()
	keys := make(map[byte]int)
	err := m.store.view(func(txn *badger.Txn) error {
		return each(txn, nil, func(item *badger.Item) error {
			keys[item.Key()[0]]++
			return nil
		})
	})
	if err != nil {
		m.t.Fatal(err)
	}
	files, err := os.ReadDir(filepath.Join(m.dir, "state"))
	if err != nil {
		m.t.Fatal(err)
	}
	kinds := make(map[string]int)
	for _, file := range files {
		kinds[filepath.Ext(file.Name())]++
	}
	m.onlyNamedFiles()
	const fileOfAnEntity = 3 // blocks, a state that counts, and one that does not count any more
	if inJournal := filesOf(m.t, m.store); len(inJournal) > fileOfAnEntity*entities+20 {
		m.t.Fatalf("after %d cycles the journal has the files %v for %d entities", cycle, inJournal, entities)
	}
	if total := keys[entityKind] + keys[chunkKind] + keys[stateKind] + keys[blockKind]; total > 40*entities+200 || len(files) > 20 {
		m.t.Fatalf("after %d cycles there are %v keys and %v files for %d entities", cycle, keys, kinds, entities)
	}
}

// settle waits for Badger to merge the tables that openings leave, and to remove their files. Badger begins within a second, once there
// are as many as it waits for. If a merge came before, there may be fewer: then more openings leave more.
func (m *model) settle() {
	m.t.Helper()
	m.p.endView() // which holds on to the tables that it reads
	const enough = 6
	for deadline := time.Now().Add(time.Minute); ; {
		files, err := filepath.Glob(filepath.Join(m.dir, "state", "*.sst"))
		if err != nil {
			m.t.Fatal(err)
		}
		if len(files) <= enough {
			return
		}
		if time.Now().After(deadline) {
			m.t.Fatalf("there are %d tables", len(files))
		}
		if m.store.db.Levels()[0].NumTables < badgerOptions(m.dir, m.options).NumLevelZeroTables {
			m.observe()
			if err := m.checkpoint(); err != nil {
				m.t.Fatal(err)
			}
			m.crash()
		}
		time.Sleep(10 * time.Millisecond)
	}
}
