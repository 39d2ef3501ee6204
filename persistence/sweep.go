package persistence

import (
	"fmt"

	"github.com/dgraph-io/badger/v4"
)

// Remove removes an entity. The next checkpoint deletes what is stored of it.
func (p *Partition) Remove(e *Entity) {
	p.mustBeSettled("Remove")
	if e.named {
		p.entities--
		if e.cached {
			p.cached--
		}
	}
	e.cached, e.removed = false, true
	p.SetLastSeen(e, -1)
	p.byID[e.id] = e
	p.removed = append(p.removed, e)
	if p.removing == nil {
		p.removing = make(map[string]bool)
	}
	p.removing[storedKey(e.key)] = true
	p.index.forget(storedKey(e.key))
}

// Sweep looks at some of the stored entities that are not cached, and removes those
// without a point at or after keep. It goes on after the entity at which it ended the
// last time. It returns the time of the newest point that it removed, and false if
// it removed none.
func (p *Partition) Sweep(count int, keep int64) (newest int64, removed bool, err error) {
	p.mustBeSettled("Sweep")
	p.swept = nil
	if !p.onDisk {
		return 0, false, nil
	}
	prefix := slotPrefix(entityKind, p.slot)
	var dead []*Entity
	err = p.look(func(v *view) error {
		o := badger.DefaultIteratorOptions
		o.Prefix, o.PrefetchValues = prefix, false
		iterator := v.txn.NewIterator(o)
		defer iterator.Close()
		if len(p.cursor) == 0 {
			p.cursor = prefix
		}
		for iterator.Seek(p.cursor); iterator.Valid() && count > 0; iterator.Next() {
			count--
			e, last, err := p.lastOf(v, iterator.Item())
			if err != nil {
				return err
			}
			if e != nil && last < keep {
				dead = append(dead, e)
				if !removed || last > newest {
					newest, removed = last, true
				}
			}
		}
		p.cursor = nil
		if iterator.Valid() {
			p.cursor = iterator.Item().KeyCopy(nil)
		}
		return nil
	})
	if err != nil {
		return 0, false, fmt.Errorf("sweep: %w", err)
	}
	for _, e := range dead {
		p.Remove(e)
		p.swept = append(p.swept, e.key)
	}
	return newest, removed, nil
}

// lastOf is an entity and the time of its newest point; nil if the entity is cached
// or removed.
func (p *Partition) lastOf(v *view, item *badger.Item) (e *Entity, newest int64, err error) {
	key := string(item.Key()[5:])
	id, found, err := p.lookUp(v.txn, key)
	if !found || err != nil {
		return nil, 0, err
	}
	if e = p.byID[id]; e == nil {
		e = &Entity{id: id}
	}
	if e.cached || e.removed {
		return nil, 0, nil
	}
	e.key = key
	p.loaded = nil
	w, err := p.loadWindow(v, e, p.points[:0], outlineIfStored)
	p.points = w.points
	if w.empty() {
		return nil, 0, err // of a checkpoint that was not finished
	}
	e.named = true
	return e, w.newest(), err
}
