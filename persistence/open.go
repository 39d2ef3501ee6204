package persistence

import "github.com/dgraph-io/badger/v4"

// open reads the head and the journal.
func (p *Partition) open() error {
	var torn [][]byte
	err := p.store.view(func(txn *badger.Txn) (err error) {
		torn, err = p.read(txn)
		if err == nil && p.stored != nil && p.store.options.Seen {
			err = p.readSections(txn)
		}
		return err
	})
	if err == nil && len(torn) > 0 {
		err = p.mend(torn)
	}
	if err == nil && p.stored != nil && !p.store.options.ReadOnly {
		p.store.removeOthers(p.slot, blocksFile, p.named())
		p.stateFiles, err = p.store.listStateFiles(p.slot)
	}
	return err
}

// named are the numbers of the files that the journal has.
func (p *Partition) named() map[uint64]bool {
	named := make(map[uint64]bool)
	for _, b := range p.blocks {
		named[b.file] = true
	}
	return named
}

// mend deletes what a checkpoint that was not finished has left: its numbers will be used again.
func (p *Partition) mend(torn [][]byte) error {
	whole := *p.stored
	whole.underway = false
	err := p.store.update(func(u *update) error {
		for _, key := range torn {
			if err := u.delete(key); err != nil {
				return err
			}
		}
		return u.set(p.head, encodeRecord(&whole))
	})
	if err == nil {
		p.stored = &whole
	}
	return err
}

// read reads the head and the journal as of one moment, if there are any, and
// names the blocks of a checkpoint that was not finished.
func (p *Partition) read(txn *badger.Txn) (torn [][]byte, err error) {
	if p.stored, err = readHead(txn, p.head); p.stored == nil {
		return nil, err
	}
	r := p.stored
	p.slot, p.states, p.nextID, p.entities, p.onDisk = r.slot, r.States, r.reserved, int(r.entities), true
	p.byID = make([]*Entity, p.nextID)
	var strays [][]byte
	if r.removing || r.underway {
		// The process ended before all of them were gone: what is left counts, until
		// it is removed again.
		if p.entities, strays, err = p.census(txn); err != nil {
			return nil, err
		}
	}
	torn, err = p.readJournal(txn)
	return append(torn, strays...), err
}

// census counts the stored entities, and names those whose ids are of a checkpoint that
// was not finished.
func (p *Partition) census(txn *badger.Txn) (count int, strays [][]byte, err error) {
	err = each(txn, slotPrefix(entityKind, p.slot), func(item *badger.Item) error {
		return valueOf(item, func(value []byte) error {
			id, err := decodeID(value)
			if err == nil && p.stray(id) {
				strays = append(strays, item.KeyCopy(nil))
			} else {
				count++
			}
			return err
		})
	})
	return count, strays, err
}

// stray tells an id that does not count, for its checkpoint was not finished.
func (p *Partition) stray(id uint32) bool {
	return p.stored != nil && p.stored.underway && id >= uint32(len(p.byID))
}
