package persistence

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/dgraph-io/badger/v4"
)

// hours in milliseconds.
const hours = int64(3_600_000)

func openState(t *testing.T, dir string, o Options) *Store {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	store, err := OpenStore(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// fill stores some rounds of an irregular stream, and returns the windows as
// they are in memory: without what was evicted.
func fill(t *testing.T, store *Store, detector string, number int32, entities, rounds int) map[string][]Point {
	t.Helper()
	p, err := store.Partition(detector, number)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	p.Reset()
	random := rand.New(rand.NewPCG(uint64(number), 1))
	windows := make(map[string][]Point)
	known := make(map[string]*Entity)
	tail := func(e *Entity, n int) ([]Point, int) {
		w := windows[e.Key()]
		return w[len(w)-min(n, len(w)):], len(w)
	}
	head := Head{Source: "in\x00group\x00hege\x00asn", History: 2 * hours, CompleteFrom: -5, NewCompleteFrom: -1 << 62}
	for round := range rounds {
		for range entities {
			key := fmt.Sprintf("64500,%d", random.IntN(entities))
			at := max(0, 1_600_000_000_000+int64(round)*hours/4-int64(random.IntN(8)/7)*3*hours) // now and then a late record
			if known[key] == nil {
				e, _, _, err := p.Load(key)
				if err != nil {
					t.Fatal(err)
				}
				known[key] = e
			}
			w := windows[key]
			for len(w) > 0 && w[0].At < at-head.History {
				w = w[1:]
			}
			value := random.Float64()
			windows[key] = append(w, Point{at, value})
			p.Append(known[key], at, value)
			head.Offset++
			head.StreamTime = max(head.StreamTime, at)
		}
		p.Commit()
		if err := p.Checkpoint(head, tail, nil); err != nil {
			t.Fatal(err)
		}
	}
	return windows
}

// stored reads the windows of a partition as they come out of a snapshot's walk.
func stored(t *testing.T, store *Store, detector string, number int32) map[string][]Point {
	t.Helper()
	windows := make(map[string][]Point)
	_, err := store.reading(detector, number, func(txn *badger.Txn, p *Partition) error {
		return p.eachWindow(txn, func(e *storedEntity) error {
			windows[e.key] = slices.Clone(e.points)
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return windows
}

func export(t *testing.T, store *Store, detector string, number int32) []byte {
	t.Helper()
	var snapshot bytes.Buffer
	if _, err := store.Export(detector, number, &snapshot); err != nil {
		t.Fatal(err)
	}
	return snapshot.Bytes()
}

// unchecked takes any snapshot.
var unchecked = Check{Head: func(Snapshot) error { return nil }, State: func(State) error { return nil }}

func equalWindows(a, b map[string][]Point) bool { return maps.EqualFunc(a, b, slices.Equal[[]Point]) }

func TestSnapshotDependsOnTheWindowsAlone(t *testing.T) {
	first := openState(t, t.TempDir(), Options{Journal: 100})
	want := fill(t, first, "d", 3, 40, 30)
	if got := stored(t, first, "d", 3); !equalWindows(got, want) {
		t.Fatal("what is stored is not what is in memory")
	}
	snapshot := export(t, first, "d", 3)

	// One that has cut its journal elsewhere, and split its transactions.
	second := openState(t, t.TempDir(), Options{Journal: 350, Split: 7})
	fill(t, second, "d", 0, 5, 2)
	fill(t, second, "other name", 3, 40, 30)
	if !bytes.Equal(export(t, second, "other name", 3), snapshot) {
		t.Error("another store with the same windows has another snapshot")
	}

	// One that has imported it.
	third := openState(t, t.TempDir(), Options{})
	in := bytes.NewReader(append(slices.Clone(snapshot), "more"...))
	imported, err := third.Import(in, unchecked)
	if err != nil {
		t.Fatal(err)
	}
	if in.Len() != len("more") {
		t.Errorf("%d bytes are left after the snapshot, want %d", in.Len(), len("more"))
	}
	if _, err := third.Export("d", 3, io.Discard); !errors.Is(err, ErrNotStored) {
		t.Errorf("before it is adopted: %v, want ErrNotStored", err)
	}
	if err := third.Adopt("d", imported); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(export(t, third, "d", 3), snapshot) {
		t.Error("the snapshot of what was imported is another one")
	}
}

// TestImportedStateIsUsedAsTheStoredOne loads, appends, seals and reopens an imported
// partition.
func TestImportedStateIsUsedAsTheStoredOne(t *testing.T) {
	first := openState(t, t.TempDir(), Options{Journal: 100})
	want := fill(t, first, "d", 0, 20, 20)
	dir := t.TempDir()
	second := openState(t, dir, Options{Journal: 10})
	fill(t, second, "d", 0, 5, 2) // is replaced
	imported, err := second.Import(bytes.NewReader(export(t, first, "d", 0)), unchecked)
	if err == nil {
		err = second.Adopt("d", imported)
	}
	if err != nil {
		t.Fatal(err)
	}
	p, err := second.Partition("d", 0)
	if err != nil {
		t.Fatal(err)
	}
	if p.Entities() != len(want) {
		t.Errorf("it has %d entities, want %d", p.Entities(), len(want))
	}
	head, _ := p.Head()
	for key := range want {
		e, points, known, err := p.Load(key)
		if err != nil || !known || !slices.Equal(points, want[key]) {
			t.Fatalf("entity %s: loaded %d points, known %v, %v; want %d", key, len(points), known, err, len(want[key]))
		}
		point := Point{head.StreamTime, 1}
		want[key] = append(want[key], point)
		p.Append(e, point.At, point.Value)
		head.Offset++
	}
	if e, _, known, err := p.Load("new"); err != nil || known {
		t.Fatalf("a new entity: known %v, %v", known, err)
	} else {
		p.Append(e, head.StreamTime, 2)
		want["new"] = []Point{{head.StreamTime, 2}}
	}
	p.Commit()
	err = p.Checkpoint(head, func(e *Entity, n int) ([]Point, int) {
		w := want[e.Key()]
		return w[len(w)-n:], len(w)
	}, nil)
	p.Close()
	if err := errors.Join(err, second.Close()); err != nil {
		t.Fatal(err)
	}
	for key, w := range want {
		want[key] = window(w, head.History)
	}
	if got := stored(t, openState(t, dir, Options{}), "d", 0); !equalWindows(got, want) {
		t.Error("the windows differ after a checkpoint and a restart")
	}
}

func TestLongWindowTakesSeveralRecords(t *testing.T) {
	store := openState(t, t.TempDir(), Options{})
	p, err := store.Partition("d", 0)
	if err != nil {
		t.Fatal(err)
	}
	windows := make(map[string][]Point)
	for _, key := range []string{"a", "b"} {
		e, _, _, err := p.Load(key)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 2*recordPoints + len(key) {
			p.Append(e, int64(i), float64(i))
			windows[key] = append(windows[key], Point{int64(i), float64(i)})
		}
	}
	p.Commit()
	err = p.Checkpoint(Head{Source: "s", History: hours}, func(e *Entity, n int) ([]Point, int) {
		w := windows[e.Key()]
		return w[len(w)-n:], len(w)
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	snapshot := export(t, store, "d", 0)
	imported, err := store.Import(bytes.NewReader(snapshot), unchecked)
	if err == nil {
		err = store.Adopt("d", imported)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := stored(t, store, "d", 0); !equalWindows(got, windows) {
		t.Error("the windows differ")
	}
	if !bytes.Equal(export(t, store, "d", 0), snapshot) {
		t.Error("the snapshot differs")
	}
}

// TestBrokenImportLeavesWhatIsStored cuts an archive at each of its bytes, and
// changes each of them.
func TestBrokenImportLeavesWhatIsStored(t *testing.T) {
	source := openState(t, t.TempDir(), Options{Journal: 10})
	fill(t, source, "d", 0, 3, 2)
	fill(t, source, "d", 1, 2, 2)
	var file bytes.Buffer
	if _, err := source.WriteArchive(&file, "d", []int32{1, 0}); err != nil {
		t.Fatal(err)
	}
	target := openState(t, t.TempDir(), Options{})
	fill(t, target, "d", 0, 4, 4)
	before := export(t, target, "d", 0)
	refused := func(content []byte, causes ...error) {
		t.Helper()
		imports, err := target.ReadArchive(bytes.NewReader(content), func(int32) bool { return true }, unchecked)
		if err == nil || len(imports) > 0 {
			t.Fatalf("an archive of %d bytes, of %d, was read", len(content), file.Len())
		}
		if !slices.ContainsFunc(causes, func(cause error) bool { return errors.Is(err, cause) }) && !strings.Contains(err.Error(), "this is no ") {
			t.Errorf("refused with %v, want %v", err, causes)
		}
	}
	for n := range file.Len() {
		refused(file.Bytes()[:n], ErrCut)
		changed := slices.Clone(file.Bytes())
		changed[n] ^= 1 << (n % 8)
		refused(changed, ErrDamaged, ErrNewer, ErrCut)
	}
	refused(append(slices.Clone(file.Bytes()), 0), ErrDamaged)
	if !bytes.Equal(export(t, target, "d", 0), before) {
		t.Error("what was stored has changed")
	}
	imports, err := target.ReadArchive(bytes.NewReader(file.Bytes()), func(n int32) bool { return n == 1 }, unchecked)
	if err != nil || len(imports) != 1 {
		t.Fatalf("the whole archive: %d imports, %v", len(imports), err)
	}
	if err := target.Adopt("d", imports...); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(export(t, target, "d", 0), before) || !bytes.Equal(export(t, target, "d", 1), export(t, source, "d", 1)) {
		t.Error("the one that was wanted is not there, or the other one is")
	}
}

// TestFailedWriteOfAnImportLeavesWhatIsStored lets each write of an import fail.
func TestFailedWriteOfAnImportLeavesWhatIsStored(t *testing.T) {
	source := openState(t, t.TempDir(), Options{Journal: 100})
	fill(t, source, "d", 0, 10, 10)
	snapshot := export(t, source, "d", 0)
	broken := errors.New("the disk is broken")
	const never = 1 << 30
	var left atomic.Int64 // writes that succeed; what failed before is deleted meanwhile, and may take some
	left.Store(never)
	target := openState(t, t.TempDir(), Options{Split: 5, BeforeWrite: func() error {
		if left.Add(-1) < 0 {
			return broken
		}
		return nil
	}})
	fill(t, target, "d", 0, 4, 4)
	before := export(t, target, "d", 0)
	for failAt := int64(0); ; failAt++ {
		left.Store(failAt)
		imported, err := target.Import(bytes.NewReader(snapshot), unchecked)
		if err == nil {
			err = target.Adopt("d", imported)
		}
		left.Store(never)
		if err == nil {
			break
		}
		if !errors.Is(err, broken) || !bytes.Equal(export(t, target, "d", 0), before) {
			t.Fatalf("write %d failed with %v, and what was stored may have changed", failAt, err)
		}
	}
	if !bytes.Equal(export(t, target, "d", 0), snapshot) {
		t.Error("the import that succeeded is not what is stored")
	}
}

// TestLongStateIsExportedAndImported: an entity with a point each second has such a state.
func TestLongStateIsExportedAndImported(t *testing.T) {
	var file bytes.Buffer
	out, err := newRecordWriter(&file, snapshotMagic, snapshotOfStates)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(err)
	must(out.write(headRecord, appendHead(nil, &Snapshot{Head: Head{Source: "in", Offset: 9, History: hours, States: "by habit"}})))
	must(out.window(&storedEntity{key: "64500", state: State{bytes.Repeat([]byte("state"), 400_000), 1500}}, true))
	must(out.end(1, 0))

	store := openState(t, t.TempDir(), Options{})
	imported, err := store.Import(bytes.NewReader(file.Bytes()), unchecked)
	must(err)
	must(store.Adopt("d", imported))
	if !bytes.Equal(export(t, store, "d", 0), file.Bytes()) {
		t.Error("the snapshot of what was imported is another one")
	}
}

func TestRefusedImportIsNotRead(t *testing.T) {
	store := openState(t, t.TempDir(), Options{})
	fill(t, store, "d", 0, 3, 2)
	refusal := errors.New("another source")
	_, err := store.Import(bytes.NewReader(export(t, store, "d", 0)), Check{Head: func(s Snapshot) error {
		if s.Head.Source != "in\x00group\x00hege\x00asn" {
			t.Errorf("the head is %+v", s.Head)
		}
		return refusal
	}})
	if !errors.Is(err, refusal) {
		t.Errorf("%v, want what the check has said", err)
	}
}

// TestRefusedStateIsNotImported, even if its partition is not wanted.
func TestRefusedStateIsNotImported(t *testing.T) {
	store := openState(t, t.TempDir(), Options{})
	refusal := errors.New("no state")
	for _, wanted := range []bool{true, false} {
		var seen []string
		check := Check{Head: unchecked.Head, State: func(s State) error {
			seen = append(seen, fmt.Sprintf("%s, %d", s.Bytes, s.Newest))
			if string(s.Bytes) == "state of 64502" {
				return refusal
			}
			return nil
		}}
		imports, err := store.ReadArchive(bytes.NewReader(written(true, nil, "by habit")), func(int32) bool { return wanted }, check)
		if len(imports) > 0 || !errors.Is(err, refusal) || !strings.Contains(err.Error(), `the state of entity "64502": `) {
			t.Errorf("wanted: %t: %d imports, %v", wanted, len(imports), err)
		}
		if want := []string{"state of 64500, 1500", "state of 64502, 1500"}; !slices.Equal(seen, want) {
			t.Errorf("wanted: %t: checked were %q, want %q", wanted, seen, want)
		}
	}
}

// written is a small snapshot, or an archive of it.
func written(several bool, state []byte, states string) []byte {
	var file bytes.Buffer
	version := byte(1)
	switch {
	case states != "":
		version = 3
	case state != nil:
		version = 2
	}
	of := func(key string, points ...Point) *storedEntity {
		e := &storedEntity{key: key, points: points}
		if states != "" && key != "64501" {
			e.state = State{[]byte("state of " + key), 1500}
		}
		return e
	}
	out, _ := newRecordWriter(&file, archiveMagic, version)
	if several {
		_ = out.write(listRecord, []byte{1, 7})
	} else {
		file.Reset()
	}
	inner, _ := newRecordWriter(out.out, snapshotMagic, version)
	_ = inner.write(headRecord, appendHead(nil, &Snapshot{Partition: 7, Head: Head{Source: "a\x00b", Offset: 9, History: hours, States: states}}))
	_ = inner.state(state)
	entities := 2
	_ = inner.window(of("64500", Point{1000, 0.5}, Point{2000, 0.25}, Point{1500, 3}), states != "")
	_ = inner.window(of("64501", Point{1000, -1}), states != "")
	if states != "" {
		entities = 3
		_ = inner.window(of("64502"), true) // there is no point after the state
	}
	_ = inner.end(entities, 4)
	if several {
		_ = out.end(entities, 4)
	}
	return file.Bytes()
}

func FuzzSnapshot(f *testing.F) {
	f.Add(written(true, nil, ""), true)
	f.Add(written(false, nil, ""), false)
	f.Add(written(true, []byte("state"), ""), true)
	f.Add(written(false, []byte("state"), ""), false)
	f.Add(written(false, make([]byte, partBytes+1), ""), false)
	f.Add(written(true, nil, "by habit"), true)
	f.Add(written(false, nil, "by habit"), false)
	f.Add(written(false, []byte("state"), "by habit"), false)
	f.Add([]byte(snapshotMagic+"\x04"), false)
	f.Fuzz(func(t *testing.T, content []byte, several bool) {
		if several {
			imports, err := (&Store{}).ReadArchive(bytes.NewReader(content), func(int32) bool { return false }, unchecked)
			if len(imports) > 0 || err == nil && !bytes.HasPrefix(content, []byte(archiveMagic)) {
				t.Errorf("%d imports, %v", len(imports), err)
			}
			return
		}
		// What is accepted is written again as it was read.
		var again bytes.Buffer
		version := byte(snapshotVersion)
		if len(content) > len(snapshotMagic) {
			version = content[len(snapshotMagic)]
		}
		out, err := newRecordWriter(&again, snapshotMagic, version)
		if err != nil {
			t.Fatal(err)
		}
		var last *storedEntity
		entity := func() {
			if last != nil {
				_ = out.window(last, version == snapshotOfStates)
			}
		}
		check := Check{State: unchecked.State, Head: func(s Snapshot) error { return out.write(headRecord, appendHead(nil, &s)) }}
		s, err := readSnapshot(bytes.NewReader(content), check, out.state, func(e *storedEntity, more bool) error {
			if more {
				last.points = append(last.points, e.points...)
				return nil
			}
			entity()
			last = &storedEntity{e.key, State{bytes.Clone(e.state.Bytes), e.state.Newest}, slices.Clone(e.points)}
			return nil
		})
		if err != nil {
			return
		}
		entity()
		if err := out.end(s.Entities, s.Points); err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(content, again.Bytes()) {
			t.Errorf("what was read of %x is written as %x", content, again.Bytes())
		}
	})
}

func TestWholeArchiveIsRead(t *testing.T) {
	imports, err := (&Store{}).ReadArchive(bytes.NewReader(written(true, nil, "")), func(int32) bool { return false }, unchecked)
	if err != nil || len(imports) > 0 {
		t.Errorf("%d imports, %v", len(imports), err)
	}
}
