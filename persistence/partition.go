package persistence

import (
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"
)

// Partition is the stored state of one Kafka partition of one detector. It has one
// owner at a time, who uses it from one goroutine.
type Partition struct {
	store   *Store
	head    []byte // the key of its head
	stored  *record
	damaged *record // the stored head, if what it refers to was damaged at the opening
	release func()  // lets another owner take it
	closed  bool

	// Contents of the slot. What is written to it counts once the head refers to it.
	slot     uint32
	states   string // by what the states of entities were made; empty: there are none
	begun    bool   // something may be written to the slot, and the head refers to another one
	nextID   uint32
	byID     []*Entity
	index    index    // for Load
	entities int      // stored
	cached   int      // of them
	onDisk   bool     // there may be stored entities that are not cached
	blocks   []block  // of the journal, oldest first
	doubtful []uint64 // files of writes that failed: nothing names them once a later one is stored
	unsealed int      // the points in them

	stateFiles stateFiles // see state_files.go

	pending   []entry // points that are not stored
	committed int     // how many of them, from the first one, are committed
	touched   int     // entities with points in the last plan that was written
	behind    bool    // the owner is; see Behind
	futile    bool    // the last scan of Shed found too little to drop
	turn      int     // the id of the entity that had the last turn; see sealInTurn
	removed   []*Entity
	removing  map[string]bool // the stored keys of removed

	// With Options.Seen; see seen.go and sections.go.
	seen       []uint32    // when each entity was last seen, by its id; 0: it was not
	silentFrom uint32      // an entity that was last seen before this second needs no page
	state      []byte      // the owner's state that was stored at the opening, until SetState
	setting    *ownerState // for the next plan to store; nil: the stored one stays
	generation uint64      // the last one of the owner's state
	untidy     bool        // parts that the head does not name may be stored

	plan   *Plan    // in flight; nil: none
	spare  buffers  // for the next plan
	marks  uint64   // the last mark that was given to entities
	ids    []uint32 // for reuse: the entities of a block
	counts []uint16 // for reuse: the points of each
	points []Point  // for reuse: the last window that Load, Reload or Sweep read
	loaded *Entity  // whose window that is; nil: that of none that may be reloaded
	packed []byte   // for reuse: the runs of both

	cursor []byte   // the key at which the next sweep begins
	swept  []string // the keys that the last sweep removed
	view   *view    // for Load, Reload, Peek and Sweep until the next Settle; nil: none
}

// Entity is what a Partition knows of an entity that is cached, or has points in
// the journal.
type Entity struct {
	key      string
	id       uint32
	arrived  uint32 // the position after its last stored point
	unsealed uint32 // how many of its last points only the journal has
	planned  uint32 // its points in the blocks of the plan in flight
	through  uint64 // the journal up to this block is sealed
	chunks   []uint32
	tail     []journaled // its points in the journal, if it is not cached or may be reloaded
	named    bool        // its key is stored, and it counts as one of the partition's
	cached   bool
	removed  bool

	// A mark tells that the entity was met in what is under way, and at which place.
	place uint32
	mark  uint64
}

// Key is the entity's key.
func (e *Entity) Key() string { return e.key }

// Partition waits until the partition has no other owner, and opens it. A damaged one
// is empty, and its windows are rebuilt from the topic; with StopOnDamage the error
// wraps ErrCorrupt.
func (s *Store) Partition(detector string, number int32) (*Partition, error) {
	key := headKey(detector, number)
	release, err := s.hold(key)
	if err != nil {
		return nil, err
	}
	p := &Partition{store: s, head: key, release: release}
	err = p.open()
	if err == nil {
		err = p.densify()
	}
	if errors.Is(err, ErrCorrupt) && s.options.StopOnDamage {
		err = fmt.Errorf("%w; %w", err, errAsked)
	} else if errors.Is(err, ErrCorrupt) {
		s.options.Log.Error("the stored state of a partition is corrupt, it will be rebuilt from the topic",
			"detector", detector, "partition", number, "error", err)
		p.damaged, p.stored, err = p.stored, nil, nil
	}
	if err != nil {
		p.Close()
		return nil, fmt.Errorf("open state of partition %d: %w", number, err)
	}
	if p.stored == nil {
		p.Reset()
	}
	return p, nil
}

// hold waits until the partition with this head has no owner, and returns what
// releases it.
func (s *Store) hold(key []byte) (release func(), err error) {
	s.mu.Lock()
	token, known := s.owners[string(key)]
	if !known {
		token = make(chan struct{}, 1)
		token <- struct{}{}
		s.owners[string(key)] = token
	}
	s.mu.Unlock()
	select {
	case <-token:
		return func() { token <- struct{}{} }, nil
	case <-s.stop:
		return nil, ErrClosed
	}
}

// Close drops what is not stored, and lets another owner take the partition: at
// once, or at the end of Write if a plan is being written. Close does not wait.
func (p *Partition) Close() {
	p.endView()
	p.closed = true
	if p.plan == nil || p.plan.leave() {
		p.letGo()
	}
}

func (p *Partition) letGo() {
	p.abandon()
	p.release()
}

// Head is what is stored of the partition as a whole, and false if nothing is.
func (p *Partition) Head() (Head, bool) {
	if p.stored == nil {
		return Head{}, false
	}
	return p.stored.Head, true
}

// Entities is how many entities are stored, cached or not.
func (p *Partition) Entities() int { return p.entities }

// Uncached is how many entities are stored that are not cached.
func (p *Partition) Uncached() int { return p.entities - p.cached }

// Reset begins anew, without entities and without the owner's state. What is stored counts until the first
// checkpoint is written.
func (p *Partition) Reset() {
	p.mustBeSettled("Reset")
	p.endView()
	p.abandon()
	p.slot, p.states, p.nextID, p.entities, p.cached, p.onDisk = p.store.newSlot(), "", 0, 0, 0, false
	p.stateFiles = stateFiles{}
	p.byID, p.blocks, p.doubtful, p.unsealed, p.index = nil, nil, nil, 0, index{}
	p.turn = 0
	p.seen, p.state, p.setting, p.untidy = nil, nil, nil, false
	p.loaded = nil
	p.pending, p.committed, p.removed, p.removing, p.cursor = nil, 0, nil, nil, nil
}

// abandon deletes what was written to a slot that no head refers to. A write that
// failed may have come through, so the stored head is asked.
func (p *Partition) abandon() {
	if !p.begun {
		return
	}
	p.begun = false
	var now *record
	err := p.store.view(func(txn *badger.Txn) (err error) {
		now, err = readHead(txn, p.head)
		return err
	})
	if err == nil && (now == nil || now.slot != p.slot) {
		p.store.purge(p.slot)
	}
}
