package actors

import (
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/persistence"
)

// child is an entity as its partition sees it.
type child struct {
	pid    *actor.PID
	newest int64               // newest timestamp it was sent
	empty  bool                // its window has no point yet
	cuts   cuts                // of its key
	stored *persistence.Entity // nil without a store
}

// cachedEntities are the entities that a partition has in memory. They belong to its
// goroutine: nobody else looks into them. If names are wanted for searches, they note what
// changes; the partition hands that over to its directory after each message.
type cachedEntities struct {
	byKey map[string]*child

	noted   bool     // changes are noted
	anew    bool     // all names are to be handed over, not what has changed
	changes []change // since the last handover
	removed []string // keys removed since the last sweep: the disk may still have them
}

func newCachedEntities(searched bool) *cachedEntities {
	return &cachedEntities{byKey: make(map[string]*child), noted: searched, anew: searched}
}

// put adds an entity that is new, or was only on disk.
func (c *cachedEntities) put(key string, entity *child) {
	c.byKey[key] = entity
	c.note(change{name: name{key: key, cuts: entity.cuts}})
}

// drop is for an entity that is only on disk from now on.
func (c *cachedEntities) drop(key string) {
	c.note(change{name: name{key: key, cuts: c.byKey[key].cuts, stored: true}})
	delete(c.byKey, key)
}

// remove is for an entity that is gone for good.
func (c *cachedEntities) remove(key string) {
	delete(c.byKey, key)
	c.removeStored([]string{key})
}

// removeStored is for entities that were only on disk, and are gone for good.
func (c *cachedEntities) removeStored(keys []string) {
	c.removed = append(c.removed, keys...)
	for _, key := range keys {
		c.note(change{name: name{key: key}, gone: true})
	}
}

// settle says that the disk no longer has what was removed before.
func (c *cachedEntities) settle() { c.removed = nil }

// clear drops all entities. Those on disk, too, are others than before.
func (c *cachedEntities) clear() {
	clear(c.byKey)
	c.removed, c.changes, c.anew = nil, nil, c.noted
}

// follow notes changes from now on, and has all names handed over first.
func (c *cachedEntities) follow() { c.noted, c.anew = true, true }

func (c *cachedEntities) note(made change) {
	if c.noted && !c.anew {
		c.changes = append(c.changes, made)
	}
}

// handOver returns what the directory has to learn since the last time: all names, the
// changes, or nothing (nil). More tells whether the disk has entities that are not cached.
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

// handOverNames tells the directory what has become of entities, if it wants to know.
func (p *partition) handOverNames(ctx actor.Context) {
	if news := p.entities.handOver(p.uncached() > 0); news != nil {
		ctx.Send(p.contact.directory, news)
	}
}
