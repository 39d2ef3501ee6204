package persistence

import "github.com/dgraph-io/badger/v4"

// Keys visits the keys of a partition's stored entities, in order. The partition may
// have another owner. Keys reads no windows. It leaves out keys that are longer than
// longestKey, because only their beginning is stored.
func (s *Store) Keys(detector string, number int32, visit func(key string) error) error {
	return s.view(func(txn *badger.Txn) error {
		r, err := readHead(txn, headKey(detector, number))
		if r == nil || err != nil {
			return err
		}
		prefix := slotPrefix(entityKind, r.slot)
		return each(txn, prefix, func(item *badger.Item) error {
			key := item.Key()[len(prefix):]
			if len(key) == longestKey {
				return nil
			}
			return visit(string(key))
		})
	})
}

// Swept are the keys of the entities that the last Sweep removed.
func (p *Partition) Swept() []string { return p.swept }
