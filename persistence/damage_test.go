package persistence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dgraph-io/badger/v4"
)

// specimen is a directory, and the windows that each head it may have stands for.
type specimen struct {
	*model
	dir      string
	stored   map[int64]map[string][]Point
	stateful bool // each head was written with stateAt
}

// specimens are a directory that was closed, one of a process that was killed, and one
// whose process was killed while several logs were to be flushed. Each has tables, and
// a value log with a journal block. There are the first two with states of entities, too, and those
// of a process that was killed with values in files.
func specimens(t *testing.T) map[string]specimen {
	t.Helper()
	options := Options{Journal: 300, Large: 512, File: math.MaxInt, Seen: true, Period: 20} // small, so that every byte can be tried
	all := specimensOf(t, options, false)
	stateful := specimensOf(t, options, true)
	all["closed, with states"], all["killed, with states"] = stateful["closed"], stateful["killed"]
	options.File = 100
	all["killed, with files"] = specimensOf(t, options, false)["killed"]
	filed := specimensOf(t, options, true)["killed"]
	all["killed, with states in files"] = filed
	if files, err := filepath.Glob(filepath.Join(filed.dir, "state", journalDir, "*"+string(statesFile))); err != nil || len(files) == 0 {
		t.Fatalf("there are the files of states %v, %v", files, err)
	}
	return all
}

func specimensOf(t *testing.T, o Options, states bool) map[string]specimen {
	t.Helper()
	m := newModelOf(t, 5, o, states)
	rounds := func(count, points int) {
		for range count {
			for range points {
				m.observe()
			}
			m.remove()
			m.p.SetState(stateAt(m.points), 0)
			if err := m.checkpoint(); err != nil {
				t.Fatal(err)
			}
		}
	}
	all := make(map[string]specimen)
	take := func(name string) {
		all[name] = specimen{m, copied(t, m.dir), maps.Clone(m.stored), true}
	}
	rounds(3, 12)
	m.crash()
	rounds(1, 80) // larger than what the tree takes
	rounds(2, 12)
	m.crash()
	rounds(6, 12)
	take("killed")
	several := specimen{m, copied(t, m.dir), maps.Clone(m.stored), true}
	splitLog(t, filepath.Join(several.dir, "state"))
	all["killed with three logs"] = several
	m.crash()
	m.p.Close()
	if err := m.store.Close(); err != nil {
		t.Fatal(err)
	}
	take("closed")
	return all
}

// stateAt is the owner's state in the specimens.
func stateAt(offset int64) []byte { return fmt.Appendf(nil, "the owner's state at offset %d", offset) }

// splitLog makes three logs of the one that there is.
func splitLog(t *testing.T, state string) {
	t.Helper()
	names, _ := filepath.Glob(filepath.Join(state, "*.mem"))
	if len(names) != 1 {
		t.Fatalf("there are %d logs", len(names))
	}
	whole, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	end, err := scanLog(whole, func(transaction) error { count++; return nil })
	if err != nil || end.torn || count < 6 {
		t.Fatalf("the log has %d transactions, and ends %+v, %v", count, end, err)
	}
	starts := []int64{logHeader}
	for i := 1; i < 3; i++ {
		seen := 0
		for size := starts[i-1] + 1; ; size++ {
			part := append(bytes.Clone(whole[:size]), 0)
			seen = 0
			cut, _ := scanLog(part, func(transaction) error { seen++; return nil })
			if seen == i*count/3 {
				starts = append(starts, cut.offset)
				break
			}
		}
	}
	starts = append(starts, end.offset)
	first := numberOf(filepath.Base(names[0]))
	for i := range 3 {
		part := append(bytes.Clone(whole[:logHeader]), whole[starts[i]:starts[i+1]]...)
		if err := os.WriteFile(filepath.Join(state, fmt.Sprintf("%05d.mem", first+i)), part, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// saved are the files of a directory: their content without the zeros at the end, and
// their sizes.
type saved struct {
	content map[string][]byte
	sizes   map[string]int64
}

func save(t *testing.T, dir string) saved {
	t.Helper()
	all := saved{make(map[string][]byte), make(map[string]int64)}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		all.content[name], all.sizes[name] = bytes.TrimRight(content, "\x00"), int64(len(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (s saved) write(t *testing.T, dir string) {
	t.Helper()
	for name, content := range s.content {
		path := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(path), 0o700)
		if err == nil {
			err = os.WriteFile(path, content, 0o600)
		}
		if err == nil {
			err = os.Truncate(path, s.sizes[name])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// copied is a copy of a directory.
func copied(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	save(t, dir).write(t, to)
	return to
}

// quickDir is a directory in memory, if there is such a place: Badger waits for the disk
// some ten times at each opening.
func quickDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "anomalydetector-test-*")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// damage is a change of a file.
type damage struct {
	file string
	what string
	at   int64
}

func (d damage) String() string { return fmt.Sprintf("%s %s at %d", d.file, d.what, d.at) }

func (d damage) do(t *testing.T, state string) {
	t.Helper()
	path := filepath.Join(state, d.file)
	var err error
	switch d.what {
	case "removed":
		err = os.Remove(path)
	case "cut":
		err = os.Truncate(path, d.at)
	case "zeroed", "flipped":
		file, failed := os.OpenFile(path, os.O_RDWR, 0)
		if failed != nil {
			t.Fatal(failed)
		}
		defer file.Close()
		part := make([]byte, 512)
		n, _ := file.ReadAt(part, d.at)
		if part = part[:n]; d.what == "flipped" {
			part[0] ^= 1 << (d.at % 8)
		} else {
			clear(part)
		}
		_, err = file.WriteAt(part, d.at)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// damages are those that are tried: all of them, or some.
func damages(t *testing.T, state string, some int) (all []damage) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 1))
	err := filepath.WalkDir(state, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(state, path)
		size := int64(len(content))
		all = append(all, damage{name, "removed", 0}, damage{name, "cut", 0}, damage{name, "cut", size / 2})
		used := min(int64(len(bytes.TrimRight(content, "\x00")))+64, size)
		each := max(1, used/int64(some))
		for at := int64(0); at < used; at += each {
			all = append(all, damage{name, "flipped", min(at+random.Int64N(each), used-1)})
		}
		for at := int64(0); at < used; at += 16 * each {
			all = append(all, damage{name, "cut", at}, damage{name, "zeroed", at})
		}
		for at := int64(0); at < min(used, 48); at++ { // headers, that of the first entry, too
			all = append(all, damage{name, "flipped", at})
		}
		for at := size - 1; filepath.Ext(name) == ".sst" && at >= max(0, size-40); at -= 3 { // footers
			all = append(all, damage{name, "flipped", at})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestDamageNeverGivesWrongWindows: whichever byte is damaged, a partition's windows are
// those of a head that was written, or they are not used, or reading them returns an
// error. EVERY_BYTE=1 tries all bytes; see make damage.
func TestDamageNeverGivesWrongWindows(t *testing.T) {
	some := 20
	if testing.Short() {
		some = 6
	}
	if os.Getenv("EVERY_BYTE") != "" {
		some = 1 << 30
	}
	for name, s := range specimens(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			outcomes := make(map[string]int)
			files := save(t, s.dir)
			for _, d := range damages(t, filepath.Join(s.dir, "state"), some) {
				dir := quickDir(t)
				files.write(t, dir)
				d.do(t, filepath.Join(dir, "state"))
				outcome, said := s.judge(t, dir, d)
				if outcome == nothingStored && !said {
					t.Errorf("%v: nothing is stored any more, and the log says nothing", d)
				}
				outcomes[outcome]++
				if outcome == intact {
					_ = os.RemoveAll(dir)
					continue
				}
				if again, said := s.judge(t, dir, d); said && again != outcome {
					t.Errorf("%v: damage is found twice: %s, %s", d, outcome, again)
				}
				_ = os.RemoveAll(dir)
			}
			t.Log(outcomes)
		})
	}
}

// judge opens a directory and reads all there is, which must be right.
func (s *specimen) judge(t *testing.T, dir string, d damage) (outcome string, said bool) {
	t.Helper()
	var log bytes.Buffer
	store, err := OpenStore(dir, Options{Log: slog.New(slog.NewTextHandler(&log, nil)), Seen: true})
	if err != nil {
		t.Fatalf("%v: %v", d, err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Errorf("%v: %v", d, err)
		}
	}()
	p, err := store.Partition("d", 0)
	if err != nil {
		t.Fatalf("%v: %v", d, err)
	}
	defer p.Close()
	head, stored := p.Head()
	said = strings.Contains(log.String(), "level=ERROR")
	if !stored {
		return nothingStored, said
	}
	windows, known := s.stored[head.Offset]
	if !known {
		t.Fatalf("%v: the head has offset %d, which no checkpoint had", d, head.Offset)
	}
	if state := p.State(); s.stateful && string(state) != string(stateAt(head.Offset)) {
		t.Fatalf("%v: the owner's state is %q at offset %d", d, state, head.Offset)
	}
	outcome = intact
	if strings.Contains(log.String(), "level=WARN") {
		outcome = "mended"
	}
	silent, err := p.Silent(0, math.MaxInt64)
	if errors.Is(err, ErrCorrupt) {
		outcome = "found as it is read"
	} else if err != nil {
		t.Fatalf("%v: %v", d, err)
	}
	for key, want := range windows {
		if at, found := slices.BinarySearchFunc(silent, key, func(s Silent, key string) int { return strings.Compare(s.Key, key) }); err == nil &&
			(!found || silent[at].LastSeen != newestOf(want)/1000*1000) {
			t.Fatalf("%v: entity %s is not among the silent %v, want %d", d, key, silent, newestOf(want))
		}
		_, state, points, _, err := p.LoadState(key)
		if errors.Is(err, ErrCorrupt) {
			outcome = "found as it is read"
			continue
		}
		if err != nil {
			t.Fatalf("%v: %v", d, err)
		}
		if got := s.whole(state, points); !slices.Equal(got, want) {
			t.Fatalf("%v: entity %s has %v, want %v", d, key, got, want)
		}
	}
	return outcome, said
}

func newestOf(points []Point) (at int64) {
	for _, p := range points {
		at = max(at, p.At)
	}
	return at
}

const nothingStored, intact = "rebuilt", "as it was"

// TestLogsThatLackTransactionsAreDamaged: what is left would be a state that never was.
func TestLogsThatLackTransactionsAreDamaged(t *testing.T) {
	s := specimens(t)["killed with three logs"]
	state := filepath.Join(s.dir, "state")
	logs, _ := filepath.Glob(filepath.Join(state, "*.mem"))
	tables, _ := filepath.Glob(filepath.Join(state, "*.sst"))
	if len(logs) != 3 || len(tables) < 2 {
		t.Fatalf("there are %d logs, %d tables", len(logs), len(tables))
	}
	manifest, err := os.ReadFile(filepath.Join(state, badger.ManifestFilename))
	if err != nil {
		t.Fatal(err)
	}
	last := 8 // where the last record of MANIFEST begins
	for next := last; next < len(manifest); next += 8 + int(order.Uint32(manifest[next:])) {
		last = next
	}
	for name, c := range map[string]struct {
		change func(state string) error
		hole   bool
	}{
		"nothing":               {func(string) error { return nil }, false},
		"the first log":         {func(state string) error { return os.Remove(filepath.Join(state, filepath.Base(logs[0]))) }, true},
		"the second log":        {func(state string) error { return os.Remove(filepath.Join(state, filepath.Base(logs[1]))) }, true},
		"the last log":          {func(state string) error { return os.Remove(filepath.Join(state, filepath.Base(logs[2]))) }, false},
		"end of the second log": {func(state string) error { return shorten(filepath.Join(state, filepath.Base(logs[1])), 9) }, true},
		"end of the last log":   {func(state string) error { return shorten(filepath.Join(state, filepath.Base(logs[2])), 9) }, false},
		"end of MANIFEST": {func(state string) error {
			return os.Truncate(filepath.Join(state, badger.ManifestFilename), int64(last))
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := copied(t, s.dir)
			if err := c.change(filepath.Join(dir, "state")); err != nil {
				t.Fatal(err)
			}
			store, err := OpenStore(dir, Options{Log: slog.New(slog.DiscardHandler), StopOnDamage: true})
			if err == nil {
				err = store.Close()
			}
			if got := errors.Is(err, ErrCorrupt); got != c.hole {
				t.Errorf("opened with %v, taken for damage: %v, want %v", err, got, c.hole)
			}
		})
	}
}

// atError calls a function at each error that is logged.
type atError struct {
	slog.Handler
	call func()
}

func (h atError) Handle(ctx context.Context, r slog.Record) error {
	if r.Level == slog.LevelError {
		h.call()
	}
	return h.Handler.Handle(ctx, r)
}

func (h atError) Enabled(context.Context, slog.Level) bool { return true }

// TestDamageIsToldBeforeAnythingIsMoved: the log has the damage even if the process dies.
func TestDamageIsToldBeforeAnythingIsMoved(t *testing.T) {
	dir := filled(t)
	flipTable(t, filepath.Join(dir, "state"), 100)
	told := 0
	store := openState(t, dir, Options{Log: slog.New(atError{slog.DiscardHandler, func() {
		told++
		if aside, _ := filepath.Glob(filepath.Join(dir, asidePrefix+"*")); len(aside) > 0 {
			t.Errorf("%v was moved before it was told", aside)
		}
	}})})
	aside, _ := filepath.Glob(filepath.Join(dir, asidePrefix+"*"))
	if _, stored, err := store.Stored("d", 0); told != 1 || len(aside) != 1 || stored || err != nil {
		t.Errorf("told %d times, moved %v, stored %v, %v", told, aside, stored, err)
	}
}

// TestStopChangesNothing: on_damage = stop leaves all files as they are. The exception is a
// log whose end is incomplete, as a killed process leaves it.
func TestStopChangesNothing(t *testing.T) {
	s := specimens(t)["killed"]
	state := filepath.Join(s.dir, "state")
	files := save(t, s.dir)
	used := func(pattern string) (name string, size int64) {
		names, _ := filepath.Glob(filepath.Join(state, pattern))
		name = filepath.Base(names[len(names)-1])
		return name, int64(len(files.content[filepath.Join("state", name)]))
	}
	mem, memSize := used("*.mem")
	values, valuesSize := used("*.vlog")
	for name, c := range map[string]struct {
		damage
		stops bool
	}{
		"the middle of the last log": {damage{mem, "flipped", memSize / 2}, true},
		"its first entry":            {damage{mem, "flipped", logHeader + 12}, true},
		"its end is cut":             {damage{mem, "cut", memSize - 3}, false},
		"its last entry":             {damage{mem, "flipped", memSize - 3}, false},
		"the only value":             {damage{values, "flipped", logHeader + 40}, false}, // its partition is damaged
		"a cut value log":            {damage{values, "cut", valuesSize - 5}, false},
		"KEYREGISTRY":                {damage{badger.KeyRegistryFileName, "flipped", 20}, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := quickDir(t)
			files.write(t, dir)
			c.do(t, filepath.Join(dir, "state"))
			before := save(t, dir)
			store, err := OpenStore(dir, Options{Log: slog.New(slog.DiscardHandler), StopOnDamage: true})
			if err == nil {
				err = store.Close()
			}
			if got := errors.Is(err, ErrCorrupt) && errors.Is(err, ErrStop); got != c.stops {
				t.Fatalf("%v: opened with %v, want it to stop: %v", c.damage, err, c.stops)
			}
			if after := save(t, dir); c.stops && !maps.EqualFunc(before.content, after.content, bytes.Equal) {
				t.Error("it has changed the files")
			}
			if !c.stops && err != nil {
				t.Error(err)
			}
		})
	}
}

// TestDamagedHeadKeepsWhatItNames: the slot of a head that cannot be read is no garbage to a start that stops.
func TestDamagedHeadKeepsWhatItNames(t *testing.T) {
	m := newModel(t, 1, Options{File: 1})
	manyPoints(t, m, 20)
	slot := m.p.slot
	m.p.Close()
	change(t, m.store, headKind, damaged)
	if err := m.store.Close(); err != nil {
		t.Fatal(err)
	}
	files := filesOf(t, m.store)
	garbage := func(store *Store) []uint32 {
		t.Helper()
		full, err := store.prepareFiles()
		if err != nil {
			t.Fatal(err)
		}
		garbage, err := store.survey(full)
		if err != nil || !full[slot] {
			t.Fatalf("the slots %v have files or keys, want %d among them: %v", full, slot, err)
		}
		return garbage
	}
	stops := openState(t, m.dir, Options{StopOnDamage: true})
	if got := garbage(stops); len(got) > 0 {
		t.Errorf("a start that stops removes the slots %v", got)
	}
	if _, err := stops.Partition("d", 0); !errors.Is(err, ErrCorrupt) {
		t.Errorf("the partition was opened: %v", err)
	}
	if err := stops.Close(); err != nil {
		t.Fatal(err)
	}
	if left := filesOf(t, stops); len(files) == 0 || !slices.Equal(left, files) {
		t.Errorf("the files %v are left of %v", left, files)
	}
	if got := garbage(openState(t, m.dir, Options{ReadOnly: true})); !slices.Equal(got, []uint32{slot}) { // it removes nothing itself
		t.Errorf("a start that rebuilds removes the slots %v, want %d alone", got, slot)
	}
}

// TestStopSeesADamagedValueBeforeOthers: then the value log is not cut.
func TestStopSeesADamagedValueBeforeOthers(t *testing.T) {
	dir := t.TempDir()
	store := openState(t, dir, Options{Large: 16 << 10})
	slot := store.newSlot()
	for seq := range uint64(3) {
		value := append(room(20_000), make([]byte, 20_000)...)
		if err := store.update(func(u *update) error { return u.set(blockKey(slot, seq), value) }); err != nil {
			t.Fatal(err)
		}
	}
	for at, stops := range map[int64]bool{100: true, 25_000: true, 45_000: false} {
		killed := copied(t, dir)
		damage{"000001.vlog", "flipped", at}.do(t, filepath.Join(killed, "state"))
		store, err := OpenStore(killed, Options{Log: slog.New(slog.DiscardHandler), StopOnDamage: true})
		if got := errors.Is(err, ErrStop); got != stops {
			t.Errorf("a value at %d is damaged: opened with %v", at, err)
		}
		if err == nil {
			_ = store.Close()
		}
	}
}

// TestWhatIsNoDamageStaysAsItIs: a database that is in use, a full disk, a newer
// format, what the machine says.
func TestWhatIsNoDamageStaysAsItIs(t *testing.T) {
	dir := filled(t)
	log := slog.New(slog.DiscardHandler)
	unmoved := func(what string, err error) {
		t.Helper()
		if err == nil || errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", what, err)
		}
		if aside, _ := filepath.Glob(filepath.Join(dir, asidePrefix+"*")); len(aside) > 0 {
			t.Errorf("%s: it was moved to %v", what, aside)
		}
	}
	store := openState(t, dir, Options{})
	_, err := OpenStore(dir, Options{Log: log})
	unmoved("in use", err)
	change(t, store, headKind, func(_ int, value []byte) []byte {
		value[0] = sectioned + 1
		return value
	})
	_, err = store.Partition("d", 0)
	unmoved("a newer format", err)
	if !errors.Is(err, ErrNewer) {
		t.Errorf("a newer format: %v", err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = OpenStore(dir, Options{Log: log, Free: func() (uint64, error) { return 0, nil }})
	unmoved("a full disk", err)
	for _, text := range []string{
		"While opening memtable: x err: open x: permission denied", "write x: no space left on device", "read x: input/output error", "open x: too many open files",
	} {
		if err := spoilt(errors.New(text)); errors.Is(err, ErrCorrupt) {
			t.Errorf("%q is taken for damage", text)
		}
	}
}

// TestDirectoryOfTheVersionBeforeIsUsed: its values are not bound to their keys, and its
// transactions have no mark, also while some of either kind are in a log.
func TestDirectoryOfTheVersionBeforeIsUsed(t *testing.T) {
	m := newModel(t, 3, Options{Journal: 40})
	rounds := func() {
		for range 5 {
			for range 20 {
				m.observe()
			}
			if err := m.checkpoint(); err != nil {
				t.Fatal(err)
			}
		}
	}
	m.plain = true
	rounds()
	m.plain = false
	for _, kind := range []byte{headKind, entityKind, chunkKind, blockKind} {
		change(t, m.store, kind, func(_ int, value []byte) []byte { return seal(value) })
	}
	change(t, m.store, markKey[0], func(int, []byte) []byte { return nil })
	m.crash()
	head, stored := m.p.Head()
	if !stored || head.Offset != m.offset {
		t.Fatalf("the head is %+v, %v", head, stored)
	}
	m.check()
	rounds()
	s := specimen{m, copied(t, m.dir), maps.Clone(m.stored), false}
	if outcome, said := s.judge(t, s.dir, damage{what: "killed"}); outcome != intact || said {
		t.Errorf("after a kill it is %s", outcome)
	}
}

func shorten(path string, by int64) error {
	about, err := os.Stat(path)
	if err != nil {
		return err
	}
	return os.Truncate(path, about.Size()-by)
}
