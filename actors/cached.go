package actors

import (
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/detection"
	"anomalydetector/persistence"
)

// child is an entity as its partition sees it.
type child struct {
	// What each record needs comes first, so that it is in the same cache lines.
	next   *child              // whose record came after the last one of this entity; see find
	newest int64               // the newest timestamp of its points, Unix milliseconds
	stored *persistence.Entity // nil without a store
	kept   bool                // the ledger of episodes may keep something of it
	gone   bool                // it has left memory
	cuts   cuts                // where the fields of its key begin
	actor  entity              // gets messages from deliver only
}

// cachedEntities are the entities that a partition has in memory. Only the partition's goroutine uses them. If
// searches need names, they note which entities change, and the partition tells its directory after each message.
type cachedEntities struct {
	byKey map[string]*child
	last  *child // found or put last; nil: not known
	order int64  // how many entities were found by the order of arrival; score clears it

	noted   bool     // changes are noted
	anew    bool     // the directory needs all names next, not the changes
	changes []change // since the directory was told the last time
	removed []string // keys removed since the last sweep: the disk may still have them
}

func newCachedEntities(searched bool) *cachedEntities {
	return &cachedEntities{byKey: make(map[string]*child), noted: searched, anew: searched}
}

// find returns the cached entity with a key, or nil. In most streams the entities of a bin come in the order of the bin before, so
// the map is seldom needed.
func (c *cachedEntities) find(key []byte) *child {
	if c.last != nil {
		if guess := c.last.next; guess != nil && !guess.gone && guess.actor.key == string(key) {
			c.last = guess
			c.order++
			return guess
		}
	}
	entity := c.byKey[string(key)]
	if entity != nil {
		if c.last != nil {
			c.last.next = entity
		}
		c.last = entity
	}
	return entity
}

// put adds an entity that is new, or that was stored and not cached. It comes after the last one, unless another one does: in the first bin after
// a start, all are put, and the second bin finds them in order.
func (c *cachedEntities) put(entity *child) {
	key := entity.actor.key
	c.byKey[key] = entity
	if c.last == nil {
		c.last = entity
	} else if c.last.next == nil {
		c.last.next, c.last = entity, entity
	}
	c.note(change{name: name{key: key, cuts: entity.cuts}})
}

// drop removes an entity from memory that stays on disk.
func (c *cachedEntities) drop(key string) {
	c.note(change{name: name{key: key, cuts: c.byKey[key].cuts, stored: true}})
	c.forget(key)
}

func (c *cachedEntities) forget(key string) {
	if entity := c.byKey[key]; entity != nil {
		entity.gone, entity.next, entity.actor.window, entity.actor.habit = true, nil, detection.Window{}, nil // another entity's next may refer to it
		delete(c.byKey, key)
		if c.last == entity {
			c.last = nil
		}
	}
}

// remove removes an entity from memory and from disk.
func (c *cachedEntities) remove(key string) {
	c.forget(key)
	c.removeStored([]string{key})
}

// removeStored notes that uncached entities were removed from disk.
func (c *cachedEntities) removeStored(keys []string) {
	c.removed = append(c.removed, keys...)
	for _, key := range keys {
		c.note(change{name: name{key: key}, gone: true})
	}
}

// settle says that the disk no longer has the entities that were removed before.
func (c *cachedEntities) settle() { c.removed = nil }

// clear drops all entities. The directory needs all names again, because the disk may have others, too.
func (c *cachedEntities) clear() {
	clear(c.byKey)
	c.last = nil
	c.removed, c.changes, c.anew = nil, nil, c.noted
}

// noteChanges begins to note changes. The directory gets all names first.
func (c *cachedEntities) noteChanges() { c.noted, c.anew = true, true }

func (c *cachedEntities) note(made change) {
	if c.noted && !c.anew {
		c.changes = append(c.changes, made)
	}
}

// handOver returns the next message to the directory: all names, the changes since the last message, or nil if there
// are none. More tells whether the disk has entities that are not cached.
func (c *cachedEntities) handOver(more bool) (news any) {
	switch {
	case c.anew:
		all := make([]change, 0, len(c.byKey))
		for key, entity := range c.byKey {
			all = append(all, change{name: name{key: key, cuts: entity.cuts}})
		}
		news = &namesGiven{all: all, more: more, removed: slices.Clone(c.removed)}
	case len(c.changes) > 0:
		news = &namesChanged{c.changes}
	}
	c.anew, c.changes = false, nil
	return news
}

// handOverNames tells the directory which entities have changed, if it wants to know.
func (p *partition) handOverNames(ctx actor.Context) {
	if news := p.entities.handOver(p.uncached() > 0); news != nil {
		ctx.Send(p.contact.directory, news)
	}
}
