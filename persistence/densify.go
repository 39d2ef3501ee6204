package persistence

import (
	"cmp"
	"errors"

	"github.com/dgraph-io/badger/v4"
)

// The greatest id decides how much memory a partition takes, not the number of entities.
// No other entity gets the id of a removed one, because the journal may still have points
// of it. So ids become sparse in time. In directories of an older version they are sparse
// from the start, because it skipped an eighth of them at each opening. densify writes the
// partition to a new slot, with ids without gaps.

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
	rewritten := p.store.importing()
	err := p.store.view(func(txn *badger.Txn) error {
		err := eachPart(p.state, rewritten.statePart)
		if err != nil {
			return err
		}
		return p.eachWindow(txn, rewritten.window)
	})
	if err == nil {
		err = rewritten.end()
	}
	detector, number, _ := headOf(p.head)
	log := p.store.options.Log.With("detector", detector, "partition", number)
	if err != nil {
		p.store.purge(rewritten.slot)
	} else {
		dense := rewritten.result(Snapshot{Head: p.stored.Head, Entities: int(rewritten.entities)}).record()
		err = p.store.update(func(u *update) error { return u.set(p.head, encodeRecord(dense)) })
	}
	if err != nil && !errors.Is(err, ErrCorrupt) {
		log.Warn("the ids of a partition's entities stay sparse, which costs memory", "ids", p.nextID, "entities", p.entities, "problem", err)
		return nil
	}
	if err != nil {
		return err
	}
	log.Info("the ids of a partition's entities are made dense again", "before", p.nextID, "now", rewritten.entities)
	p.store.purge(p.slot)
	p.blocks, p.unsealed = nil, 0
	return p.open()
}
