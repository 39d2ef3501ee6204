package persistence

import (
	"errors"

	"github.com/dgraph-io/badger/v4"
)

// survey finds the slots that no head refers to, and the first one never used. It adds the slots that have keys to those that have files. If a head
// cannot be read, nobody knows which slot it refers to. With StopOnDamage none is garbage then, because such a start changes nothing.
func (s *Store) survey(full map[uint32]bool) (garbage []uint32, err error) {
	used, unread := make(map[uint32]bool), false
	err = s.db.View(func(txn *badger.Txn) error {
		err := each(txn, []byte{headKind}, func(item *badger.Item) error {
			err := valueOf(item, func(value []byte) error {
				head, err := decodeRecord(value)
				if err == nil {
					used[head.slot] = true
				}
				return err
			})
			if errors.Is(err, ErrCorrupt) {
				unread = true
				return nil // opening its partition tells
			}
			return err
		})
		if err != nil {
			return err
		}
		o := badger.DefaultIteratorOptions
		o.PrefetchValues = false
		iterator := txn.NewIterator(o)
		defer iterator.Close()
		for _, kind := range slotKinds {
			for slot := uint32(0); ; slot++ {
				iterator.Seek(slotPrefix(kind, slot))
				if !iterator.ValidForPrefix([]byte{kind}) {
					break
				}
				slot = order.Uint32(iterator.Item().Key()[1:5])
				full[slot] = true
			}
		}
		return nil
	})
	for slot := range used {
		s.slots = max(s.slots, slot+1)
	}
	for slot := range full {
		s.slots = max(s.slots, slot+1)
		if !used[slot] && !(unread && s.options.StopOnDamage) {
			garbage = append(garbage, slot)
		}
	}
	return garbage, err
}

// newSlot returns an unused slot, in which a partition's state can begin anew.
func (s *Store) newSlot() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slots++
	return s.slots - 1
}

// purge deletes the contents of slots without a head, in the background.
func (s *Store) purge(slots ...uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(slots) == 0 {
		return
	}
	s.chore.Go(func() {
		for _, slot := range slots {
			for _, kind := range slotKinds {
				for s.purgeSome(slotPrefix(kind, slot)) {
				}
			}
			for _, kind := range fileKinds {
				s.removeOthers(slot, kind, nil)
			}
		}
	})
}

// purgeSome deletes a part, and tells whether there is more. The next survey finds
// what it leaves.
func (s *Store) purgeSome(prefix []byte) (more bool) {
	const part = 2000
	var keys [][]byte
	err := s.db.View(func(txn *badger.Txn) error {
		err := each(txn, prefix, func(item *badger.Item) error {
			if len(keys) == part {
				return errEnough
			}
			keys = append(keys, item.KeyCopy(nil))
			return nil
		})
		if errors.Is(err, errEnough) {
			return nil
		}
		return err
	})
	if err == nil && len(keys) > 0 {
		err = s.update(func(u *update) error {
			for _, key := range keys {
				if err := u.delete(key); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return !s.stopped() && err == nil && len(keys) == part
}

var errEnough = errors.New("enough")
