package actors

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
	"anomalydetector/persistence"
)

// How a partition stores its windows: plan, write, settle.
//
//	partition   plan: which points, whose windows; fill it from its own entities        settle: note what is stored
//	                        |                                                                 ^
//	goroutine               +--> write: the plan, which does not change, to the store --------+
//
// While a plan is being written, the partition takes messages and answers questions. Its next piece of work, and an assignment,
// wait until the plan is settled, because a piece of work may need an entity that the plan removes.

// stored is the partition's state on disk.
type stored struct {
	state   *persistence.Partition // nil while it is not open, and without a store
	writing *inFlight              // the checkpoint under way; nil: none
	points  []persistence.Point    // windowTail reuses it
	rests   bool                   // a window that is read now may rest: no more records wait than there are entities
	owed    time.Time              // since when a checkpoint is postponed; zero: none is
	failed  bool                   // the last checkpoint was not stored
}

// inFlight is a checkpoint under way.
type inFlight struct {
	next int64 // the windows hold all records before this offset
	then func(actor.Context, *checkpointWritten)
}

// checkpointWritten says that a plan was written, or could not be.
type checkpointWritten struct {
	plan *persistence.Plan
	took time.Duration
	err  error
}

// checkpoint stores the windows, which hold all records before the offset next. It calls then when they are stored, or could not
// be. Without a store it calls then at once.
func (p *partition) checkpoint(ctx actor.Context, next int64, then func(actor.Context, *checkpointWritten)) {
	if p.stored.state == nil {
		then(ctx, &checkpointWritten{})
		return
	}
	if !p.ready() {
		p.stored.state.Commit() // replayed records were committed by the group
		p.stored.state.Behind(true)
	}
	now, begun := p.config.Now, p.config.Now()
	plan := p.stored.state.Plan(p.head(next), p.longestIdle())
	unread := p.fill(plan)
	p.stored.writing = &inFlight{next, then}
	self, root := ctx.Self(), ctx.ActorSystem().Root
	go func() {
		err := unread
		if err == nil {
			err = safely("a checkpoint", plan.Write)
		}
		root.Send(self, &checkpointWritten{plan, now().Sub(begun), err})
	}()
}

// fill copies what the plan needs of entities.
func (p *partition) fill(plan *persistence.Plan) (err error) {
	tail := func(e *persistence.Entity, count int) ([]persistence.Point, int) {
		points, live, failed := p.windowTail(p.entities.byKey[e.Key()], count)
		err = cmp.Or(err, failed)
		return points, live
	}
	owned := func(e *persistence.Entity, to []byte) ([]byte, int64) {
		entity, asked := p.entities.byKey[e.Key()], &ownedAsked{to}
		p.deliver(entity, asked)
		return asked.to, entity.newest
	}
	if p.shared.habit != nil {
		plan.FillStates(tail, owned)
		return err
	}
	plan.Fill(tail, func(e *persistence.Entity, to []byte) []byte {
		outline, _ := owned(e, to)
		return outline
	})
	return err
}

// checkpointWritten settles the plan. Then it takes an assignment that has waited, and asks for the next piece of work.
func (p *partition) checkpointWritten(ctx actor.Context, w *checkpointWritten) {
	writing := p.stored.writing
	p.stored.writing, p.stored.owed, p.stored.failed = nil, time.Time{}, w.err != nil
	if f, panicked := isFault(w.err); panicked {
		panic(f) // nobody knows how much of it is stored, so a new partition has to start from the disk
	}
	for _, entity := range p.stored.state.Settle(w.plan, w.err) {
		p.entities.drop(entity.Key())
	}
	if w.err != nil {
		w.err = fmt.Errorf("store partition %d up to offset %d: %w", p.number, writing.next, w.err)
	}
	writing.then(ctx, w)
	if assignment := p.assigned.waiting; assignment != nil && p.stored.writing == nil {
		p.assigned.waiting = nil
		p.assign(ctx, assignment)
	}
	p.askPermit()
}

// head describes the windows that a checkpoint stores.
func (p *partition) head(next int64) persistence.Head {
	topic, complete := p.assigned.to.Topic, p.history.Stored()
	return persistence.Head{
		Source: p.config.Source(), Cluster: topic.Cluster, Topic: topic.Topic, Offset: next, History: p.config.History.Milliseconds(),
		CompleteFrom: complete.CompleteFrom, NewCompleteFrom: complete.NewCompleteFrom,
		StreamTime: complete.StreamTime, Swept: complete.Swept, Lateness: complete.Lateness, States: p.config.States(),
	}
}

// windowTail returns at most count last points of a cached entity's window, and how many points the window has. The next call
// overwrites the points. It wakes the window.
func (p *partition) windowTail(entity *child, count int) (points []persistence.Point, live int, err error) {
	tail, err := p.askWindow(entity, &messages.WindowQuery{Count: count})
	if err != nil {
		return nil, 0, err
	}
	return p.pointsOf(tail), tail.Live, nil
}

// pointsOf returns the points of an answer as the store has them. The next call overwrites them.
func (p *partition) pointsOf(tail *messages.WindowTail) []persistence.Point {
	points := p.stored.points[:0]
	for _, point := range tail.Points {
		points = append(points, persistence.Point(point))
	}
	p.stored.points = points
	return points
}

// askWindow asks an entity for points of its window, and wakes the window before. The next call overwrites the answer.
func (p *partition) askWindow(entity *child, query *messages.WindowQuery) (*messages.WindowTail, error) {
	if err := p.wake(entity); err != nil {
		return nil, err
	}
	p.deliver(entity, query)
	return &p.shared.answers.tail, nil
}

// longestIdle returns the entities to evict from memory if more than Config.MaxCached are cached: those whose newest point is
// oldest.
func (p *partition) longestIdle() (evict []*persistence.Entity) {
	limit := int(p.config.MaxCached.Load())
	if limit <= 0 || len(p.entities.byKey) <= limit {
		return nil
	}
	all := make([]*child, 0, len(p.entities.byKey))
	for _, entity := range p.entities.byKey {
		all = append(all, entity)
	}
	slices.SortFunc(all, func(a, b *child) int { return cmp.Compare(a.newest, b.newest) })
	const room = 10 // a tenth of the limit becomes free, so that the next commits need not evict
	for _, entity := range all[:len(all)-limit+limit/room] {
		evict = append(evict, entity.stored)
	}
	return evict
}
