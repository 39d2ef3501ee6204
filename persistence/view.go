package persistence

import "github.com/dgraph-io/badger/v4"

// view is what is stored of a partition at one time. Load, Peek and Sweep share one
// until the next Settle, because to open an iterator takes longer than to read an
// entity's chunks (measured: 100 and 20 microseconds in a state of 100,000 entities).
//
// A view may be opened while a plan is being written, and then shows a part of it.
// That is no harm: each chunk tells up to which block it holds the journal, and
// Entity.tail has the points of the blocks after it.
type view struct {
	txn    *badger.Txn
	chunks *badger.Iterator
}

// newView begins a view of the chunks in a slot.
func newView(txn *badger.Txn, slot uint32) *view {
	o := badger.DefaultIteratorOptions
	o.Prefix, o.PrefetchValues = slotPrefix(chunkKind, slot), false
	return &view{txn, txn.NewIterator(o)}
}

func (v *view) end() {
	v.chunks.Close()
	v.txn.Discard()
}

// look reads from the view, and opens one if there is none.
func (p *Partition) look(read func(*view) error) error {
	done, err := p.store.use()
	if err != nil {
		return err
	}
	defer done()
	if p.view == nil {
		p.view = newView(p.store.db.NewTransaction(false), p.slot)
	}
	return read(p.view)
}

// endView closes the view. Nothing of a closed store can be touched any more.
func (p *Partition) endView() {
	if p.view == nil {
		return
	}
	if done, err := p.store.use(); err == nil {
		p.view.end()
		done()
	}
	p.view = nil
}

// eachOf walks over what begins with a prefix, in order.
func eachOf(iterator *badger.Iterator, prefix []byte, visit func(*badger.Item) error) error {
	for iterator.Seek(prefix); iterator.ValidForPrefix(prefix); iterator.Next() {
		if err := visit(iterator.Item()); err != nil {
			return err
		}
	}
	return nil
}
