package persistence

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
)

// life is a partition with Options.Seen, and beside it when each entity was last seen.
type life struct {
	*model
	seen       map[string]int64 // now
	before     map[string]int64 // at the last commit
	storedSeen map[int64]map[string]int64
	states     map[int64][]string // by the head's offset; a checkpoint that failed leaves the one before
	state      []byte             // as of the last SetState
	silentFrom int64
	fails      atomic.Int64 // transactions until one fails; slots are purged meanwhile
}

func newLife(t *testing.T, seed uint64, o Options) *life {
	l := &life{seen: make(map[string]int64), before: make(map[string]int64), storedSeen: make(map[int64]map[string]int64), states: make(map[int64][]string)}
	o.Seen, o.FewIDs = true, 3
	o.BeforeWrite = func() error {
		if l.fails.Add(-1) == 0 {
			return errBroken
		}
		return nil
	}
	l.model = newModel(t, seed, o)
	return l
}

func (l *life) point() {
	l.t.Helper()
	key := keyFor(l.random.IntN(40))
	if l.p.removing[key] {
		return
	}
	l.observeKey(key)
	w := l.windows[key]
	l.seen[key] = max(l.seen[key], w[len(w)-1].At/1000*1000)
}

func (l *life) commit() {
	l.model.commit()
	l.before = maps.Clone(l.seen)
}

// rollBack corrects what the aborted points have changed, as the owner does.
func (l *life) rollBack() {
	changed := l.p.Uncommitted()
	l.model.rollBack()
	l.seen = maps.Clone(l.before)
	for _, e := range changed {
		at := int64(-1)
		for _, point := range l.windows[e.Key()] {
			at = max(at, point.At)
		}
		l.p.SetLastSeen(e, at)
	}
}

// checkpoint stores another state now and then; some are large.
func (l *life) checkpoint() error {
	l.commit()
	if l.random.IntN(3) > 0 {
		l.state = []byte(fmt.Sprintf("the state at %d", l.offset))
		switch l.random.IntN(6) {
		case 0:
			l.state = bytes.Repeat(l.state, partBytes/len(l.state)*l.random.IntN(3)+1)
		case 1:
			l.state = nil
		}
		l.silentFrom = l.at - 3*hours
		l.p.SetState(l.state, l.silentFrom)
	}
	l.storedSeen[l.offset], l.states[l.offset] = maps.Clone(l.seen), append(l.states[l.offset], string(l.state))
	return l.model.checkpoint()
}

// drop removes entities that had no point for long.
func (l *life) drop() {
	l.t.Helper()
	l.remove()
	if _, _, err := l.p.Sweep(10, l.at-4*hours); err != nil {
		l.t.Fatal(err)
	}
	for _, key := range l.p.Swept() {
		delete(l.windows, key)
	}
	for key := range l.seen {
		if l.windows[key] == nil {
			delete(l.seen, key)
		}
	}
}

// again opens the partition again, after a clean end or another.
func (l *life) again() {
	l.t.Helper()
	l.crash()
	head, _ := l.p.Head()
	l.seen = maps.Clone(l.storedSeen[head.Offset])
	if l.seen == nil {
		l.seen = make(map[string]int64)
	}
	l.before, l.state = maps.Clone(l.seen), l.p.State()
	if head.Offset > 0 && !slices.Contains(l.states[head.Offset], string(l.state)) {
		l.t.Fatalf("at offset %d the state is %.40q, want one of %.40q", head.Offset, l.state, l.states[head.Offset])
	}
}

// without lets a process without Options.Seen write on: it forgets the state, and stores no
// pages.
func (l *life) without() {
	l.t.Helper()
	l.options.Seen = false
	l.crash()
	head, _ := l.p.Head()
	l.seen = maps.Clone(l.storedSeen[head.Offset])
	if l.seen == nil {
		l.seen = make(map[string]int64)
	}
	for range l.random.IntN(30) {
		l.point()
	}
	l.commit()
	l.storedSeen[l.offset], l.states[l.offset] = maps.Clone(l.seen), append(l.states[l.offset], "")
	if err := l.model.checkpoint(); err != nil {
		l.t.Fatal(err)
	}
	if l.p.stored.seen || l.p.stored.state != (stateRef{}) || l.p.seen != nil {
		l.t.Fatalf("without the option the head is %+v, and %d entities have a value", l.p.stored, len(l.p.seen))
	}
	l.options.Seen = true
	l.again()
}

// move replaces what is stored by its own snapshot.
func (l *life) move() {
	l.t.Helper()
	var snapshot bytes.Buffer
	if _, err := l.store.Export("d", 0, &snapshot); errors.Is(err, ErrNotStored) {
		return
	} else if err != nil {
		l.t.Fatal(err)
	}
	imported, err := l.store.Import(&snapshot, unchecked)
	if err != nil {
		l.t.Fatal(err)
	}
	l.p.Close()
	if err := l.store.Adopt("d", imported); err != nil {
		l.t.Fatal(err)
	}
	if l.p, err = l.store.Partition("d", 0); err != nil {
		l.t.Fatal(err)
	}
	l.again()
}

// check compares Silent with the map. Entities whose removal was not stored come back, but
// they were last seen before: remove goes by the last point, which may be an hour late.
func (l *life) check() {
	l.t.Helper()
	for range 3 {
		from := max(l.silentFrom, l.at-l.random.Int64N(3*hours))
		until := from + l.random.Int64N(5*hours)
		found, err := l.p.Silent(from, until)
		if err != nil {
			l.t.Fatal(err)
		}
		var want []Silent
		for _, key := range slices.Sorted(maps.Keys(l.seen)) {
			if at := l.seen[key]; from <= at && at < until {
				want = append(want, Silent{key, at})
			}
		}
		if !slices.Equal(found, want) {
			l.t.Fatalf("last seen from %d until %d are\n%v, want\n%v", from, until, found, want)
		}
	}
	for key, e := range l.cached {
		at, ok := l.p.LastSeen(e)
		if want, seen := l.seen[key]; ok != seen || at != want {
			l.t.Fatalf("entity %s was last seen at %d, %v, want %d, %v", key, at, ok, want, seen)
		}
	}
}

// TestSilentEntitiesAreThoseOfAMap whatever happens to the partition.
func TestSilentEntitiesAreThoseOfAMap(t *testing.T) {
	for name, options := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(6) {
				options := options
				options.Log = slog.New(slog.DiscardHandler)
				l := newLife(t, 1000+seed, options)
				for range 400 {
					l.step()
					l.check()
				}
			}
		})
	}
}

func (l *life) step() {
	l.t.Helper()
	switch l.random.IntN(24) {
	case 0, 1, 2, 3, 4:
		l.commit()
		l.drop()
		if l.random.IntN(4) == 0 {
			l.fails.Store(1 + l.random.Int64N(8))
		}
		if err := l.checkpoint(); err != nil && !errors.Is(err, errBroken) {
			l.t.Fatal(err)
		}
		l.fails.Store(0)
	case 5, 6:
		l.rollBack()
	case 7:
		l.at += l.random.Int64N(4 * hours) // a silence
	case 8:
		if l.random.IntN(3) == 0 {
			l.again()
		}
	case 9:
		if l.random.IntN(6) == 0 {
			l.move()
		}
	case 10:
		if l.random.IntN(6) == 0 {
			l.without()
		}
	default:
		for range l.random.IntN(12) {
			l.point()
		}
	}
}
