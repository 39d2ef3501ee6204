package actors

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
	"anomalydetector/persistence"
)

// What a partition does with its stored state. Without a store all of this does
// nothing, and windows come from the topic alone.

// StoredOffset is up to where there are stored windows of a partition that can
// be used where the group has no offset.
func (c *Config) StoredOffset(partition int32, topic messages.Identity) (offset int64, ok bool) {
	head, ok, err := c.Store.Stored(c.Name, partition)
	if err != nil {
		c.Log.Warn("the stored offset cannot be read", "partition", partition, "error", err)
	}
	return head.Offset, ok && c.Unfit(head, topic) == ""
}

// restore opens the stored state, and tells whether the windows in it can be
// brought forward to the assignment's offset. If not, it begins anew.
func (p *partition) restore() (usable bool, err error) {
	if p.config.Store == nil {
		return false, nil
	}
	p.closeState()
	if p.spoilt {
		if err := p.config.Store.Damaged(); err != nil {
			return false, err
		}
	}
	if p.state, err = p.config.Store.Partition(p.config.Name, p.number); err != nil {
		return false, err
	}
	head, stored := p.state.Head()
	reason := p.unusable(head)
	p.spoilt = false
	if !stored {
		return false, nil
	}
	if reason != "" {
		level := slog.LevelInfo
		if identityOf(head).Differs(p.assignment.Topic) {
			level = slog.LevelWarn
		}
		p.log.Log(context.Background(), level, "the stored windows are not used", "reason", reason, "stored_offset", head.Offset, "offset", p.assignment.Offset)
		p.state.Reset()
		return false, nil
	}
	p.next, p.committed = head.Offset, head.Offset
	p.covered, p.forgotten = head.Base, head.Forgotten
	p.clock.restore(head.StreamTime)
	p.late.restore(head.Lateness, p.mostLate())
	p.swept = min(head.Swept, p.clock.now)
	return true, nil
}

// unusable tells why stored windows cannot be used, if so.
func (p *partition) unusable(head persistence.Head) string {
	unfit := p.config.Unfit(head, p.assignment.Topic)
	switch {
	case p.spoilt:
		return "part of them could not be read"
	case unfit != "":
		return unfit
	case p.assignment.NoCommittedOffset:
		return "the group has no offset for them"
	case head.Offset > p.assignment.Offset:
		return "the group's offset was set back"
	case max(head.Base, head.Forgotten) > p.reach:
		return "a straggler needs older history"
	}
	return ""
}

func (p *partition) closeState() {
	if p.state != nil {
		p.state.Close()
		p.state = nil
	}
}

// known is how many entities there are.
func (p *partition) known() int {
	if p.state != nil {
		return max(p.state.Entities(), len(p.entities.byKey))
	}
	return len(p.entities.byKey)
}

// absent is how many entities are stored that are not resident.
func (p *partition) absent() int {
	if p.state != nil {
		return p.state.Absent()
	}
	return 0
}

// bring makes an entity resident that is not, with what is stored of it. Points
// that were evicted before are evicted again on the way, for the head of a
// window depends on nothing but what came after.
func (p *partition) bring(ctx actor.Context, key string, at int64) (*child, error) {
	known := &child{newest: math.MinInt64, unknown: true}
	born := &entity{shared: &p.shared, key: key}
	if p.state != nil {
		var points []persistence.Point
		var err error
		known.stored, points, _, err = p.state.Load(key)
		if err != nil {
			p.spoilt = errors.Is(err, persistence.ErrCorrupt)
			return nil, err
		}
		for _, point := range points {
			born.window.Observe(p.shared.scorer.Rules(), 0, point.At, point.Value)
			known.newest = max(known.newest, point.At)
			known.unknown = false
		}
		born.settled = !known.unknown && known.newest >= p.covered
	}
	if known.unknown {
		p.late.note(p.behind(at), p.mostLate(), false)
	}
	if count := len(p.config.KeyFields); strings.Count(key, ",") != count-1 && count > 1 {
		known.cuts = cutsOf(p.scanner.FieldEnds(nil, p.seen.Record.Value))
	}
	p.born = born
	known.pid = ctx.Spawn(p.props)
	p.entities.put(key, known)
	return known, nil
}

// saveEvery is how many replayed points are kept in memory until they are stored.
const saveEvery = 250_000

// saveReplayed stores what was replayed up to an offset, now and then: a process
// that dies while it replays goes on there.
func (p *partition) saveReplayed(ctx actor.Context, next int64) error {
	if p.state == nil || p.state.Pending() < saveEvery {
		return nil
	}
	return p.checkpoint(ctx, next)
}

// checkpoint stores all that was observed, as reaching up to an offset.
func (p *partition) checkpoint(ctx actor.Context, next int64) error {
	if p.state == nil {
		return nil
	}
	p.state.Commit()
	passive := p.idle()
	err := p.state.Checkpoint(p.head(next), p.tail(ctx.ActorSystem().Root), passive)
	return p.stored(ctx, next, passive, err)
}

func (p *partition) head(next int64) persistence.Head {
	return persistence.Head{
		Source: p.config.Source(), Cluster: p.assignment.Topic.Cluster, Topic: p.assignment.Topic.Topic,
		Offset: next, History: p.config.History.Milliseconds(),
		Base: p.covered, Forgotten: p.forgotten, StreamTime: p.clock.now, Swept: p.swept, Lateness: p.late.usual,
	}
}

// stored concludes a checkpoint.
func (p *partition) stored(ctx actor.Context, next int64, passive []*persistence.Entity, err error) error {
	if err != nil {
		p.spoilt = p.spoilt || errors.Is(err, persistence.ErrCorrupt)
		return fmt.Errorf("store partition %d up to offset %d: %w", p.number, next, err)
	}
	for _, entity := range passive {
		ctx.Stop(p.entities.byKey[entity.Key()].pid)
		p.entities.drop(entity.Key())
	}
	return nil
}

// saved is the end of save.
type saved struct {
	next    int64
	passive []*persistence.Entity
	err     error
	took    time.Duration
}

// save stores what was committed on a goroutine of its own, so that questions can
// be answered meanwhile. Until it is over, nothing else is done.
func (p *partition) save(ctx actor.Context) {
	state, end := p.state, &saved{next: p.next, passive: p.idle()}
	head, tail := p.head(p.next), p.tail(ctx.ActorSystem().Root)
	self, root := ctx.Self(), ctx.ActorSystem().Root
	now, begun := p.config.Now, p.config.Now()
	saving := make(chan struct{})
	p.saving = saving
	go func() {
		end.err = safely("a checkpoint", func() error { return state.Checkpoint(head, tail, end.passive) })
		end.took = now().Sub(begun)
		close(saving)
		root.Send(self, end)
	}()
}

// saved answers the commit, and goes on with what came meanwhile.
func (p *partition) saved(ctx actor.Context, end *saved) {
	p.saving = nil
	p.config.measure().Checkpoint(end.took, end.err == nil)
	if f, panicked := isFault(end.err); panicked {
		panic(f) // what is known of the store is half changed: the partition begins anew
	}
	p.checkpointed(ctx, p.stored(ctx, end.next, end.passive, end.err))
	for len(p.postponed) > 0 && p.saving == nil {
		message := p.postponed[0]
		p.postponed = p.postponed[1:]
		p.handle(ctx, message)
	}
}

// awaitSaved waits until nothing is being stored.
func (p *partition) awaitSaved() {
	if p.saving != nil {
		<-p.saving
	}
}

// tail reads the last points of an entity's window.
func (p *partition) tail(root *actor.RootContext) persistence.Tail {
	var points []persistence.Point
	message := &messages.WindowTail{Take: func(at int64, value float64) {
		points = append(points, persistence.Point{At: at, Value: value})
	}}
	return func(e *persistence.Entity, n int) ([]persistence.Point, int) {
		points = points[:0]
		message.Count, message.Live = n, 0
		p.askWindow(root, p.entities.byKey[e.Key()], message)
		return points, message.Live
	}
}

// idle are the entities to become passive, if more are resident than should be:
// those that have been without a point for the longest time.
func (p *partition) idle() (passive []*persistence.Entity) {
	limit := p.config.MaxCached
	if limit <= 0 || len(p.entities.byKey) <= limit {
		return nil
	}
	all := make([]*child, 0, len(p.entities.byKey))
	for _, entity := range p.entities.byKey {
		all = append(all, entity)
	}
	slices.SortFunc(all, func(a, b *child) int { return cmp.Compare(a.newest, b.newest) })
	const room = 10 // a tenth, so that this is not due at each commit
	for _, entity := range all[:len(all)-limit+limit/room] {
		passive = append(passive, entity.stored)
	}
	return passive
}
