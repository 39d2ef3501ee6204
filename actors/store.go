package actors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"

	"anomalydetector/completeness"
	"anomalydetector/messages"
	"anomalydetector/persistence"
)

// How a partition opens its stored state, and reads entities from it. Without a store the windows come from the topic alone.

// StoredOffset returns the offset after the last record in the stored windows of a partition. A detector goes on there if the
// group has no committed offset. ok is false if nothing is stored that can be used.
func (c *Config) StoredOffset(partition int32, topic messages.Identity) (offset int64, ok bool) {
	head, ok, err := c.Store.Stored(c.Name, partition)
	if err != nil {
		c.Log.Warn("the stored offset cannot be read", "partition", partition, "error", err)
	}
	return head.Offset, ok && c.Unfit(head, topic) == ""
}

// completenessOf returns the completeness watermarks of stored windows.
func completenessOf(head persistence.Head) completeness.Stored {
	return completeness.Stored{CompleteFrom: head.CompleteFrom, NewCompleteFrom: head.NewCompleteFrom, StreamTime: head.StreamTime,
		Swept: head.Swept, Lateness: head.Lateness}
}

// restore opens the stored state, and tells whether its windows can be brought forward to the assignment's offset. If they
// cannot, the next checkpoint replaces them.
func (p *partition) restore() (usable bool, err error) {
	if p.config.Store == nil {
		return false, nil
	}
	p.closeState()
	if p.phase.why == damaged {
		if err := p.config.Store.Damaged(); err != nil {
			return false, err
		}
	}
	state, err := p.config.Store.Partition(p.config.Name, p.number)
	if err != nil {
		return false, err
	}
	p.stored.state = state
	head, stored := state.Head()
	if !stored {
		return false, nil
	}
	if reason := p.unusable(head); reason != "" {
		level := slog.LevelInfo
		if identityOf(head).Differs(p.assigned.to.Topic) {
			level = slog.LevelWarn
		}
		p.log.Log(context.Background(), level, "the stored windows are not used", "reason", reason, "stored_offset", head.Offset,
			"offset", p.assigned.to.Offset)
		p.resetState()
		return false, nil
	}
	p.position.next, p.position.committed = head.Offset, head.Offset
	p.history.Restore(completenessOf(head))
	return true, nil
}

// unusable returns why stored windows cannot be used; empty: they can.
func (p *partition) unusable(head persistence.Head) string {
	unfit := p.config.Unfit(head, p.assigned.to.Topic)
	switch {
	case p.phase.why == damaged:
		return "part of them could not be read"
	case unfit != "":
		return unfit
	case p.assigned.to.NoCommittedOffset:
		return "the group has no offset for them"
	case head.Offset > p.assigned.to.Offset:
		return "the group's offset was set back"
	case !completenessOf(head).Serves(p.history.NeededFrom()):
		return "a late record needs older history"
	}
	return ""
}

// resetState lets the next checkpoint replace the stored windows. Until then they stay valid.
func (p *partition) resetState() {
	if p.stored.state != nil {
		p.stored.state.Reset()
	}
}

// closeState releases the stored state. It does not wait: if a plan is being written, the end of the write releases it.
func (p *partition) closeState() {
	if p.stored.state != nil {
		p.stored.state.Close()
		p.stored.state = nil
	}
}

// known is how many entities the partition has, cached or stored.
func (p *partition) known() int {
	if p.stored.state != nil {
		return max(p.stored.state.Entities(), len(p.entities.byKey))
	}
	return len(p.entities.byKey)
}

// uncached is how many entities are stored and not in memory.
func (p *partition) uncached() int {
	if p.stored.state != nil {
		return p.stored.state.Uncached()
	}
	return 0
}

// bring caches an entity: it makes the entity's actor, with its stored points. At is the time of the record that needs it.
func (p *partition) bring(key string, at int64) (*child, error) {
	entity := &child{actor: entity{shared: &p.shared, empty: true}, kept: p.episodes != nil && p.episodes.ledger.Keeps(key)}
	opened := &entityOpened{key: key, newest: math.MinInt64, completeFrom: p.completeFrom()}
	if p.stored.state != nil {
		stored, known, err := p.load(opened)
		if err != nil {
			return nil, err
		}
		entity.stored, entity.actor.empty = stored, !known
	}
	entity.newest = opened.newest
	if entity.actor.empty {
		p.history.NewEntity(at)
	}
	if count := len(p.config.KeyFields); strings.Count(key, ",") != count-1 && count > 1 {
		entity.cuts = cutsOf(p.scanner.FieldEnds(nil, p.seen.Record.Value))
	}
	if p.deliver(entity, opened); opened.err != nil {
		return nil, fmt.Errorf("open entity %s: %w", key, opened.err)
	}
	if opened.outline != nil && !entity.actor.window.Resting() {
		points, err := p.stored.state.Reload(entity.stored)
		if err != nil {
			return nil, err
		}
		opened.outline, opened.points = nil, points
		p.deliver(entity, opened)
	}
	if entity.stored != nil && !entity.actor.window.Resting() {
		p.stored.state.Loaded(entity.stored)
	}
	p.entities.put(entity)
	return entity, nil
}

// load reads what is stored of an entity. If its window may rest, an outline will do, if one is stored.
func (p *partition) load(o *entityOpened) (stored *persistence.Entity, known bool, err error) {
	state := p.stored.state
	if o.rest = p.stored.rests && p.shared.habit == nil; o.rest {
		stored, window, known, err := state.LoadOutline(o.key)
		o.outline, o.newest, o.points = window.Outline, window.Newest, window.Points
		return stored, known, err
	}
	stored, habit, points, known, err := state.LoadState(o.key)
	if o.state, o.points = habit.Bytes, points; o.state != nil {
		o.newest = habit.Newest
	}
	for _, point := range points {
		o.newest = max(o.newest, point.At)
	}
	return stored, known, err
}

// wake gives the window of an entity its points if it rests. Most points of the first bin after a start are decided without them, and to read and fill the
// windows would take longer than all the rest of that bin (docs/adr/0045, docs/adr/0048).
func (p *partition) wake(entity *child) error {
	if !entity.actor.window.Resting() {
		return nil
	}
	points, err := p.stored.state.Reload(entity.stored)
	if err != nil {
		return err
	}
	p.stored.state.Loaded(entity.stored)
	p.deliver(entity, &entityWoken{points})
	return nil
}

// breakageOf returns damaged if the error says that stored state is corrupt, and other if it does not.
func breakageOf(err error, other breakage) breakage {
	if errors.Is(err, persistence.ErrCorrupt) {
		return damaged
	}
	return other
}
