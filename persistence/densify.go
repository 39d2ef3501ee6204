package persistence

import (
	"cmp"
	"errors"

	"github.com/dgraph-io/badger/v4"
)

// The greatest id decides how much memory a partition takes, not the number of entities.
// The id of a removed entity is not given to another one, because the journal may still
// have its points. So ids become sparse in time. They also are in directories of an older
// version, which skipped an eighth of them at each opening. Then the partition is written
// to a fresh slot, with ids without gaps.

// fewIDs is how many unused ids are not worth a rewrite.
const fewIDs = 1000

// sparse tells whether more than half of the ids are unused.
func sparse(ids uint32, entities, few int) bool {
	return int64(ids) > 2*int64(entities)+int64(few)
}

// densify gives the entities of a partition that was just opened new ids, if the ids are
// sparse. Windows and head stay as they are. If the write fails, nothing changes.
func (p *Partition) densify() error {
	if p.stored == nil || !sparse(p.nextID, p.entities, cmp.Or(p.store.options.FewIDs, fewIDs)) {
		return nil
	}
	fresh := &importing{store: p.store, slot: p.store.newSlot()}
	err := p.store.view(func(txn *badger.Txn) error {
		return p.eachWindow(txn, func(key string, points []Point) error {
			for more := false; len(points) > 0; more = true {
				part := points[:min(recordPoints, len(points))]
				points = points[len(part):]
				if err := fresh.take(key, more, part); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err == nil {
		err = fresh.flush()
	}
	detector, number, _ := headOf(p.head)
	log := p.store.options.Log.With("detector", detector, "partition", number)
	if err != nil {
		p.store.purge(fresh.slot)
	} else {
		dense := record{Head: p.stored.Head, slot: fresh.slot, reserved: fresh.entities, entities: fresh.entities}
		err = p.store.update(func(u *update) error { return u.set(p.head, encodeRecord(&dense)) })
	}
	if err != nil && !errors.Is(err, ErrCorrupt) {
		log.Warn("the ids of a partition's entities stay sparse, which costs memory", "ids", p.nextID, "entities", p.entities, "problem", err)
		return nil
	}
	if err != nil {
		return err
	}
	log.Info("the ids of a partition's entities are made dense again", "before", p.nextID, "now", fresh.entities)
	p.store.purge(p.slot)
	p.blocks, p.unsealed = nil, 0
	return p.open()
}
