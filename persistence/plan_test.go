package persistence

import (
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// gate stops the transactions of a store: each waits until the test lets it through,
// or has it fail.
type gate struct {
	mu       sync.Mutex
	arrivals chan chan error // nil: the gate is open
	open     chan struct{}   // closed when it opens again
}

func (g *gate) beforeWrite() error {
	g.mu.Lock()
	arrivals, open := g.arrivals, g.open
	g.mu.Unlock()
	if arrivals == nil {
		return nil
	}
	answer := make(chan error)
	select {
	case arrivals <- answer:
		select {
		case err := <-answer:
			return err
		case <-open:
			return nil
		}
	case <-open:
		return nil
	}
}

// shut shuts the gate, and returns what opens it.
func (g *gate) shut() (arrivals chan chan error, open func()) {
	arrivals, closed := make(chan chan error), make(chan struct{})
	g.mu.Lock()
	g.arrivals, g.open = arrivals, closed
	g.mu.Unlock()
	return arrivals, sync.OnceFunc(func() {
		g.mu.Lock()
		g.arrivals = nil
		g.mu.Unlock()
		close(closed)
	})
}

// flights is a model whose checkpoints are written while it goes on.
type flights struct {
	*model
	gate     *gate
	removing map[string]bool
	evicted  int // in all
	spared   int // were to be evicted, and got points meanwhile
}

func newFlights(t *testing.T, seed uint64, o Options, states bool) *flights {
	f := &flights{gate: &gate{}, removing: make(map[string]bool)}
	o.BeforeWrite, o.Log = f.gate.beforeWrite, slog.New(slog.DiscardHandler)
	f.model = newModelOf(t, seed, o, states)
	return f
}

// act does something that the owner may do while a plan is in flight.
func (f *flights) act() {
	f.t.Helper()
	key := keyFor(f.random.IntN(12))
	switch f.random.IntN(9) {
	case 0:
		f.rollBack()
	case 1:
		f.commit()
	case 2:
		f.peek(key)
	case 4:
		f.wakeOne()
	case 3:
		if !f.removing[key] {
			f.load(key)
		} else if _, _, _, err := f.p.Load(key); !errors.Is(err, ErrRemoving) {
			f.t.Fatalf("an entity whose removal is not stored is loaded: %v", err)
		}
	default:
		if !f.removing[key] {
			f.observeKey(key)
		}
	}
	f.p.Head()
	if entities, uncached, pending := f.p.Entities(), f.p.Uncached(), f.p.Pending(); uncached < 0 || uncached > entities || pending < 0 {
		f.t.Fatalf("%d of %d entities are not cached, %d points are pending", uncached, entities, pending)
	}
}

func (f *flights) peek(key string) {
	f.t.Helper()
	if f.cached[key] != nil {
		return
	}
	state, points, err := f.p.PeekState(key)
	if err != nil {
		f.t.Fatal(err)
	}
	f.same(key, f.whole(state, points))
}

// drop removes entities, cached or not, that had no point for long.
func (f *flights) drop() {
	f.t.Helper()
	for key := range f.cached {
		f.removing[key] = true
	}
	f.remove()
	for key := range f.cached {
		delete(f.removing, key)
	}
	if _, _, err := f.p.Sweep(5, f.at-4*hours); err != nil {
		f.t.Fatal(err)
	}
	for _, key := range f.p.Swept() {
		f.removing[key], f.gone[key] = true, true
		delete(f.windows, key)
		delete(f.before, key)
	}
}

var errBroken = errors.New("input/output error")

// plan makes a filled plan of what is committed, and returns the entities that it evicts.
func (f *flights) plan() (plan *Plan, evict []*Entity) {
	f.t.Helper()
	f.commit()
	f.drop()
	f.before = maps.Clone(f.windows)
	f.stored[f.offset] = maps.Clone(f.windows)
	evict = f.some()
	f.p.Behind(f.random.IntN(2) == 0)
	plan = f.p.Plan(f.storedHead(), evict)
	f.fill(plan)
	return plan, evict
}

// fly writes a checkpoint while the model goes on. The process may die at any
// point of it, and a write may fail.
func (f *flights) fly() {
	f.t.Helper()
	plan, evict := f.plan()
	at := func(n int) bool { return f.random.IntN(n) == 0 }
	fails, dies := -1, -1 // which transaction
	if at(3) {
		fails = f.random.IntN(12)
	} else if at(4) {
		dies = f.random.IntN(12)
	}
	f.actSome()
	if at(15) {
		f.crashWith(plan, nil)
		return
	}
	arrivals, open := f.gate.shut()
	defer open() // the test may end here
	written := make(chan error, 1)
	go func() { written <- plan.Write() }()
	for transaction := 0; ; transaction++ {
		select {
		case answer := <-arrivals:
			f.actSome()
			switch transaction {
			case dies:
				f.crashWith(plan, func() error {
					for {
						select { // a dead process writes nothing to the disk
						case answer <- errBroken:
						case answer = <-arrivals:
						case err := <-written:
							open()
							return err
						}
					}
				})
				return
			case fails:
				answer <- errBroken
			default:
				answer <- nil
			}
			continue
		case err := <-written:
			open()
			f.actSome()
			if at(15) {
				f.crashWith(plan, nil)
				return
			}
			f.settle(plan, evict, err)
			return
		}
	}
}

func (f *flights) actSome() {
	f.t.Helper()
	for range f.random.IntN(6) {
		f.act()
	}
}

// crashWith ends the process, after what is being written.
func (f *flights) crashWith(plan *Plan, rest func() error) {
	f.t.Helper()
	f.p.Close()
	if rest != nil {
		_ = rest()
	}
	if evicted := f.p.Settle(plan, nil); evicted != nil {
		f.t.Fatalf("a closed partition has evicted %d entities", len(evicted))
	}
	clear(f.removing)
	if err := f.store.Close(); err != nil {
		f.t.Fatal(err)
	}
	f.open()
	f.goBack()
	if plan == nil || f.random.IntN(2) == 0 { // else the entities stay as the journal has them
		f.check()
	}
}

func (f *flights) settle(plan *Plan, evict []*Entity, err error) {
	f.t.Helper()
	if err != nil && !errors.Is(err, errBroken) {
		f.t.Fatal(err)
	}
	evicted := f.p.Settle(plan, err)
	if err != nil && len(evicted) > 0 {
		f.t.Fatalf("a failed checkpoint has evicted %d entities", len(evicted))
	}
	for _, e := range evicted {
		if !slices.Contains(evict, e) {
			f.t.Fatalf("entity %s is evicted, which nobody wanted", e.Key())
		}
		delete(f.cached, e.Key())
	}
	if err == nil {
		clear(f.removing)
		f.evicted += len(evicted)
		f.spared += len(evict) - len(evicted)
	}
	cached := 0
	for _, e := range f.cached {
		if e.named {
			cached++
		}
	}
	if got := f.p.Entities() - f.p.Uncached(); got != cached {
		f.t.Fatalf("%d stored entities are cached, want %d", got, cached)
	}
}

// TestPartitionGoesOnWhileAPlanIsWritten: the windows are right whatever the owner does
// between Plan and Settle, and whether the write succeeds, fails, or the process dies.
func TestPartitionGoesOnWhileAPlanIsWritten(t *testing.T) {
	eachCase(t, func(t *testing.T, options Options, states bool) {
		evicted, spared := 0, 0
		for seed := range uint64(3) {
			f := newFlights(t, 100+seed, options, states)
			for range 60 {
				for range f.random.IntN(25) {
					f.act()
				}
				if f.random.IntN(8) == 0 {
					f.at += f.random.Int64N(6 * hours) // a silence
				}
				f.fly()
			}
			f.crashWith(nil, nil)
			evicted, spared = evicted+f.evicted, spared+f.spared
		}
		if evicted == 0 || spared == 0 {
			t.Fatalf("%d entities were evicted, %d got points meanwhile: the test shows nothing", evicted, spared)
		}
	})
}

// TestWriteRunsBesideItsPartition has no gate, so that the race detector sees both at work.
func TestWriteRunsBesideItsPartition(t *testing.T) {
	for _, states := range []bool{false, true} {
		f := newFlights(t, 1, Options{Journal: 9, Split: 3, File: 100, Period: 3, Turns: 1}, states)
		for range 200 {
			for range 10 {
				f.act()
			}
			plan, evict := f.plan()
			written := make(chan error, 1)
			go func() { written <- plan.Write() }()
			for len(written) == 0 {
				f.act()
			}
			f.settle(plan, evict, <-written)
		}
		f.crashWith(nil, nil)
	}
}

// TestClosedPartitionIsTakenAfterItsWrite: another owner waits for the end of the write. It
// need not wait if nothing is being written.
func TestClosedPartitionIsTakenAfterItsWrite(t *testing.T) {
	for name, start := range map[string]bool{"being written": true, "never written": false} {
		t.Run(name, func(t *testing.T) {
			f := newFlights(t, 2, Options{}, false)
			for range 20 {
				f.observe()
			}
			f.commit()
			plan := f.p.Plan(f.storedHead(), nil)
			f.fill(plan)
			token := f.store.owners[string(f.p.head)]
			if start {
				arrivals, open := f.gate.shut()
				written := make(chan error, 1)
				go func() { written <- plan.Write() }()
				answer := <-arrivals
				f.p.Close()
				if len(token) != 0 {
					t.Error("another owner may take the partition while it is being written")
				}
				answer <- nil
				open()
				if err := <-written; err != nil {
					t.Error(err)
				}
			} else {
				f.p.Close()
				if err := plan.Write(); !errors.Is(err, errPartitionClosed) {
					t.Errorf("a plan is written after its partition was closed: %v", err)
				}
			}
			if len(token) != 1 {
				t.Fatal("nobody can take the partition any more")
			}
			again, err := f.store.Partition("d", 0)
			if err != nil {
				t.Fatal(err)
			}
			defer again.Close()
			if head, stored := again.Head(); stored != start || start && head.Offset != f.offset {
				t.Errorf("the head is stored: %t, at offset %d", stored, head.Offset)
			}
		})
	}
}

// TestCallsBetweenPlanAndSettleAreRefused tells a mistake of the owner at once.
func TestCallsBetweenPlanAndSettleAreRefused(t *testing.T) {
	m := newModel(t, 3, Options{Journal: 1})
	e := m.load("64500,1")
	append1 := func() { m.p.Append(e, 1, 1) }
	panics := func(name string, call func()) {
		t.Helper()
		defer func() {
			if recover() == nil {
				t.Errorf("%s does not panic", name)
			}
		}()
		call()
	}
	append1()
	panics("Plan with points that are not committed", func() { m.p.Plan(m.storedHead(), nil) })
	m.p.Commit()
	for range 2 { // more than the journal holds
		plan := m.p.Plan(m.storedHead(), nil)
		panics("Plan", func() { m.p.Plan(m.storedHead(), nil) })
		panics("Sweep", func() { _, _, _ = m.p.Sweep(1, 0) })
		panics("Remove", func() { m.p.Remove(e) })
		panics("Reset", m.p.Reset)
		panics("Settle of another plan", func() { m.p.Settle(&Plan{}, nil) })
		panics("Settle without Write", func() { m.p.Settle(plan, nil) })
		m.p.Settle(plan, errBroken)
		append1()
		m.p.Commit()
	}
	plan := m.p.Plan(m.storedHead(), nil)
	append1()
	panics("Fill after Append", func() { plan.Fill(m.tail, nil) })
	panics("FillStates after Append", func() { plan.FillStates(m.tail, m.stateOf) })
	panics("Write without Fill", func() { _ = plan.Write() })
	panics("Write again", func() { _ = plan.Write() })
	m.p.Settle(plan, errBroken)
	m.p.Commit()
	if err := m.checkpoint(); err != nil {
		t.Fatal(err)
	}
	other := m.storedHead()
	other.States = "other states"
	panics("Plan with other states", func() { m.p.Plan(other, nil) })
	m.p.Close()
}

// TestBuffersAreReusedAndDoNotGrow: a plan allocates nothing a point.
func TestBuffersAreReusedAndDoNotGrow(t *testing.T) {
	m := newModel(t, 4, Options{Journal: 1})
	e := m.load("64500,1")
	entities := []*Entity{e}
	for range 3 {
		for range 50 {
			m.p.Append(e, m.random.Int64N(9), rand.Float64())
		}
		m.p.Commit()
		if err := m.p.Checkpoint(m.storedHead(), func(_ *Entity, n int) ([]Point, int) { return make([]Point, n), 50 }, nil); err != nil {
			t.Fatal(err)
		}
		if m.p.spare.points == nil || cap(m.p.spare.touched) < len(entities) {
			t.Fatal("the next plan does not get the buffers")
		}
	}
	large := buffers{points: make([]Point, 0, 1<<20), owned: make([]byte, 0, 1<<24)}.emptied()
	if large.points != nil || large.owned != nil {
		t.Error("the buffers of an unusual plan are kept")
	}
}
