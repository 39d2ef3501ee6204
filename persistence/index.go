package persistence

import (
	"cmp"

	"github.com/dgraph-io/badger/v4"
)

// index has the ids of stored entities by their stored keys. A partition that loads many of its
// entities reads them in one pass, because that takes a third of what a look-up takes.
//
// An entity's id never changes while it is stored, and no other entity gets it. So an entry is
// right until its entity is removed. Load takes an entry out that it has used, and Remove one whose
// entity goes. What has no entry is looked up: an entity that was stored after the pass, one
// that is loaded again, and one whose value could not be read.
type index struct {
	byKey  map[string]uint32 // nil: not read, or no longer needed
	read   bool              // there was a pass since the opening
	few    int               // with so few entries left, they are dropped
	looked int               // how many entities were looked up since the opening
	passed int               // checkpoints since the opening
}

const (
	// A pass begins after a partition has looked up indexAfter entities and one in indexShare of those that
	// are not cached. So the first alarm after a start does not wait for it.
	indexAfter = 256
	indexShare = 64
	// A pass begins, and its entries last, within the first indexLast checkpoints. Later only some
	// entities that were silent come back, and the entries of the others would be kept for ever.
	indexLast = 100
)

// idOf finds the id of a key, which most often is stored.
func (p *Partition) idOf(v *view, key string) (id uint32, found bool, err error) {
	stored := storedKey(key)
	if id, found = p.index.byKey[stored]; found {
		p.index.forget(stored)
		return id, true, nil
	}
	id, found, err = p.lookUp(v.txn, key)
	if found && !p.index.read && p.index.passed < indexLast {
		p.index.looked++
		if p.index.looked >= cmp.Or(p.store.options.Index, indexAfter) && p.index.looked >= p.Uncached()/indexShare {
			p.readIndex(v.txn)
			p.index.forget(stored)
		}
	}
	return id, found, err
}

// readIndex leaves out what it cannot read. Looking it up gives the error.
func (p *Partition) readIndex(txn *badger.Txn) {
	p.index.read = true
	p.index.byKey = make(map[string]uint32, p.Uncached())
	_ = each(txn, slotPrefix(entityKind, p.slot), func(item *badger.Item) error {
		_ = valueOf(item, func(value []byte) error {
			id, err := decodeID(value)
			if err == nil && id < uint32(len(p.byID)) && (p.byID[id] == nil || !p.byID[id].cached && !p.byID[id].removed) {
				p.index.byKey[string(item.Key()[5:])] = id
			}
			return err
		})
		return nil
	})
	p.index.few = len(p.index.byKey) / 8
}

// forget drops an entry, and all of them if few are left.
func (i *index) forget(stored string) {
	if i.byKey == nil {
		return
	}
	delete(i.byKey, stored)
	if len(i.byKey) <= i.few {
		i.byKey = nil
	}
}

// settled counts a checkpoint.
func (i *index) settled() {
	if i.passed++; i.passed >= indexLast {
		i.byKey = nil
	}
}
