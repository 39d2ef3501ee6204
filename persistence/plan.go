package persistence

import (
	"cmp"
	"slices"
	"sync/atomic"
)

// Tail returns the last n points of a cached entity's window, or all if it has
// fewer, in the order of their arrival, and how many points the window has.
type Tail func(e *Entity, n int) (points []Point, live int)

// Plan is what one checkpoint writes. Partition.Plan decides it in memory, Fill
// adds points of windows, Write writes it, and Partition.Settle takes over what
// was written. A partition has at most one plan in flight.
type Plan struct {
	store *Store
	owner *Partition // only for Fill, and for Write's end if the partition was closed
	head  []byte     // the key of the head
	slot  uint32
	phase atomic.Int32

	// Decided by Plan.
	old           *record   // the stored head, if it refers to the slot
	next          *record   // the head to write; nil if the stored one stays
	replaced      *record   // the stored head, if it refers to another slot; its content may be damaged
	entries       []entry   // the points of the new blocks
	blocks        []block   // the new blocks
	file          uint64    // the number of their file, if Write makes one
	added         []*Entity // entities to be stored for the first time
	through       uint64    // the last block, with the new ones
	trimFrom      uint64    // the oldest block
	trimmed       int       // how many of the oldest blocks are deleted
	trimmedPoints int       // the points in them
	trimsAll      bool      // no block is left
	emptied       []uint64  // the files of the journal that have no blocks then
	removed       []*Entity
	buffers
	stateful  bool        // entities have states
	behind    bool        // as Behind has said
	evictions int         // the first of the sealings are of entities to evict
	setting   *ownerState // to be stored; nil: the stored one stays
	untidy    bool        // parts that the head does not name may be stored
	pages     []page      // of last seen
	complete  *record     // the head once all pages are stored, if it does not say so yet
	filing    filing      // of states

	filled bool // by Fill, or no tail is needed

	// Decided by Write.
	announced *record // the head, if Write replaced it to announce several transactions
	journaled bool    // the new blocks and the head are stored
	sealed    bool    // all of the plan is stored
}

// buffers are what a plan fills. Settle gives them to the next plan.
type buffers struct {
	touched  []*Entity // those with points in the new blocks
	sealings []sealing
	points   []Point // of all sealings
	owned    []byte  // what their owner keeps of the entities of the sealings: states, or outlines of windows
}

// Phases of a plan:
//
//	made      → writing  → written
//	  ↓            ↓
//	cancelled   orphaned
//
// Close cancels a plan that is not being written yet. It orphans one that is: then
// the end of Write releases the partition.
const (
	planMade = iota
	planWriting
	planWritten
	planCancelled
	planOrphaned
)

const (
	// blockPoints bounds a journal block, so that it fits into a transaction.
	blockPoints = 32_000

	// The journal holds at most journalPerEntity points for each entity on average,
	// and at most journalComfort, or journalPerMany for each entity if that is more;
	// but journalAtLeast in any case. A journal that is longer than the windows
	// spares most chunks, because a window has lost a point before its block is
	// trimmed. A longer journal takes longer to read at a start. With journalComfort
	// it has the windows of 11,000 entities with 288 points (docs/adr/0046). A state
	// is as long as some 500 points, and an entity is sealed about once while the
	// journal goes by. So with states the journal is longer while the owner is behind.
	journalPerEntity = 400
	journalPerState  = 1600
	journalAtLeast   = 4096
	journalComfort   = 3_200_000
	journalPerMany   = 16
)

// journalLimit is how many points the journal may hold.
func journalLimit(entities int, sparesStates bool) int {
	each := journalPerEntity
	if sparesStates {
		each = journalPerState
	}
	return max(journalAtLeast, min(each*entities, max(journalComfort, journalPerMany*entities)))
}

// Plan decides what the next checkpoint writes: the committed points, with the
// head, and the chunks and states of entities whose points leave the journal. It
// also seals the entities to evict, and those whose turn it is. Each point that
// was appended must be committed, because the plan asks for windows as they are now.
//
// The plan is in flight until Settle or Close. Meanwhile the owner may call
// Append, Commit, RollBack, Load, Reload, Peek and all that only tells something;
// Plan, Shed, Sweep, Remove and Reset panic.
func (p *Partition) Plan(head Head, evict []*Entity) *Plan {
	p.mustBeSettled("Plan")
	if p.committed < len(p.pending) {
		panic("persistence: Plan was called while points are not committed")
	}
	p.dropRemoved()
	if p.stored == nil || p.stored.slot != p.slot {
		p.states = head.States
	} else if p.states != head.States {
		panic("persistence: Plan was called for other states without Reset")
	}
	plan := &Plan{store: p.store, owner: p, head: p.head, slot: p.slot, removed: p.removed, buffers: p.spare, stateful: p.stateful(), behind: p.behind}
	p.spare = buffers{}
	entities := p.entities
	if next := p.nextHead(head); next != nil {
		p.planJournal(plan, next)
		entities = int(next.entities)
	} else {
		plan.through = p.stored.seq
	}
	p.planSealings(plan, evict, cmp.Or(p.store.options.Journal, journalLimit(entities, p.stateful() && p.behind)))
	if p.store.options.Seen {
		p.planPages(plan)
	}
	p.plan = plan
	return plan
}

// mustBeSettled panics while a plan is in flight.
func (p *Partition) mustBeSettled(call string) {
	if p.plan != nil {
		panic("persistence: " + call + " was called between Plan and Settle")
	}
}

// nextHead is the head to write, before the new blocks are counted; nil if there
// is nothing new to store.
func (p *Partition) nextHead(head Head) *record {
	next := &record{Head: head, slot: p.slot, reserved: p.nextID, removing: len(p.removed) > 0}
	old := p.stored
	if old == nil || old.slot != p.slot {
		next.seen, next.state = p.store.options.Seen, p.nextState(stateRef{})
		return next
	}
	next.seq = old.seq
	next.files = slices.ContainsFunc(p.blocks, func(b block) bool { return b.file != 0 })
	next.seen = p.store.options.Seen && old.seen
	next.outlines, next.filedStates = old.outlines, old.filedStates
	next.state = p.nextState(old.state)
	if p.committed == 0 && !next.removing && !old.removing && head == old.Head && next.seen == old.seen && next.state == old.state {
		return nil
	}
	return next
}

// planJournal divides the committed points into blocks.
func (p *Partition) planJournal(plan *Plan, next *record) {
	if p.stored != nil && p.stored.slot == p.slot {
		plan.old = p.stored
	} else {
		plan.replaced, p.begun = cmp.Or(p.stored, p.damaged), true
	}
	plan.setting, plan.untidy = p.setting, p.untidy
	plan.entries = p.pending[:p.committed:p.committed]
	for rest := plan.entries; len(rest) > 0; {
		next.seq++
		entries := rest[:min(blockPoints, len(rest))]
		rest = rest[len(entries):]
		plan.blocks = append(plan.blocks, p.blockOf(plan, next.seq, entries))
	}
	for _, e := range plan.touched {
		if !e.named {
			plan.added = append(plan.added, e)
		}
	}
	next.entities = uint32(p.entities + len(plan.added))
	plan.next, plan.through = next, next.seq
}

// blockOf lists the entities of a block, each once, with the number of their
// points in it, and counts each entity's points in the plan.
func (p *Partition) blockOf(plan *Plan, seq uint64, entries []entry) block {
	p.marks++
	p.ids, p.counts = p.ids[:0], p.counts[:0]
	for i := range entries {
		e := p.byID[entries[i].id]
		if e.mark != p.marks {
			e.mark, e.place = p.marks, uint32(len(p.ids))
			p.ids, p.counts = append(p.ids, e.id), append(p.counts, 0)
		}
		p.counts[e.place]++
		if e.planned == 0 {
			plan.touched = append(plan.touched, e)
		}
		e.planned++
	}
	b := block{seq: seq, points: len(entries)}
	b.runs, p.packed = newRuns(p.packed, p.ids, p.counts)
	if p.store.options.Seen {
		b.noteNewest(entries)
	}
	return b
}

// Behind says whether the owner has more to read than it has time for. Unless it is, it prepares for a start: a checkpoint writes
// the last chunk of a window once more, together with the later points, while it has few. So a window is a third as many chunks (docs/adr/0037), and its last
// chunk has an outline (docs/adr/0048). And if entities have states, the journal is short, so that few points come after a state.
func (p *Partition) Behind(behind bool) { p.behind = behind }

// joinedPoints is how many points a chunk has at most that was joined with the one before. A journal with many entities has some 32 points of each.
const joinedPoints = 96

// joined is how many points of the last chunk are written once more.
func (plan *Plan) joined(s *sealing) uint32 {
	if plan.behind || len(s.chunks) == 0 {
		return 0
	}
	has := s.arrived - s.unsealed - min(s.chunks[len(s.chunks)-1], s.arrived-s.unsealed)
	const atMost = 4 // so that an entity that is evicted with each point does not write its chunk each time
	if has > atMost*s.unsealed || has+s.unsealed > joinedPoints {
		return 0
	}
	return has
}

// Fill asks for each tail that the plan needs, and copies its points, and asks for the outlines of their windows; without outline
// there are none. The owner calls it before it appends again.
func (plan *Plan) Fill(tail Tail, outline OutlineOf) {
	plan.mustBeOfNow()
	if !plan.outlines() {
		outline = nil
	}
	needed := 0
	for i := range plan.sealings {
		s := &plan.sealings[i]
		if !s.cached || s.unsealed == 0 {
			continue
		}
		_, live := tail(s.entity, 0)
		s.live = uint32(live)
		evict := i < plan.evictions
		s.outlived = !evict && s.unsealed-s.trimmed >= s.live
		if !s.outlived {
			needed += int(min(s.unsealed+plan.joined(s), s.live))
		}
	}
	if cap(plan.points) < needed { // there may be millions
		plan.points = make([]Point, 0, needed)
	}
	for i := range plan.sealings {
		s := &plan.sealings[i]
		if !s.cached || s.unsealed == 0 || s.outlived {
			continue
		}
		wanted := int(s.unsealed + plan.joined(s))
		points, _ := tail(s.entity, wanted)
		if len(points) < wanted { // the window has lost some points of the last chunk
			points = points[len(points)-min(int(s.unsealed), len(points)):]
		}
		s.from = len(plan.points)
		plan.points = append(plan.points, points...)
		s.to = len(plan.points)
		if outline != nil && len(points) >= cmp.Or(plan.store.options.Outline, outlineFrom) {
			s.outline.from = len(plan.owned)
			plan.owned = outline(s.entity, plan.owned)
			s.outline.to = len(plan.owned)
		}
	}
	if len(plan.owned) > 0 {
		for _, head := range []*record{plan.next, plan.complete} { // the second is a copy of the first
			if head != nil {
				head.outlines = true
			}
		}
	}
	plan.filled = true
}

// mustBeOfNow panics if the windows have points that are not in the plan.
func (plan *Plan) mustBeOfNow() {
	if len(plan.owner.pending) != len(plan.entries) {
		panic("persistence: Fill was called after Append")
	}
}
