package persistence

import (
	"bytes"

	"github.com/dgraph-io/badger/v4"
)

// view is what is stored of a partition at one time. Load, Reload, Peek and Sweep share one
// until the next Settle, because to open an iterator takes longer than to read an
// entity's chunks (measured: 100 and 10 microseconds in a state of 100,000 entities).
//
// A view may be opened while a plan is being written, and then shows a part of it.
// That is no harm: each chunk tells up to which block it holds the journal, and
// Entity.tail has the points of the blocks after it.
type view struct {
	txn      *badger.Txn
	chunks   values
	gathered gathered    // for reuse: of the entity that was read last
	states   *values     // nil: the partition has none
	files    *fileReader // of states
	state    []byte      // for reuse: the last one that was read
}

// values reads the chunks or the states of a slot, an entity at a time. It is fastest if the entities come
// in the order of their ids: then it reads on where it is. To seek costs as much as to read
// seven chunks (measured; docs/adr/0037).
//
// Ids were given in the order of arrival, and a stream sends its entities in nearly the same
// order each time. So the order of the ids is the usual one.
type values struct {
	kind     byte
	iterator *badger.Iterator
	prefix   []byte // for reuse: of the entity that was read last
	last     uint32 // its id
	passed   bool   // the iterator stands at the first key after that prefix
}

// newView begins a view of the windows in a slot.
func newView(s *Store, txn *badger.Txn, slot uint32, stateful bool) *view {
	v := &view{txn: txn, chunks: valuesOf(txn, chunkKind, slot)}
	if stateful {
		states := valuesOf(txn, stateKind, slot)
		v.states, v.files = &states, stateReader(s, slot)
	}
	return v
}

func valuesOf(txn *badger.Txn, kind byte, slot uint32) values {
	o := badger.DefaultIteratorOptions
	o.Prefix, o.PrefetchValues = slotPrefix(kind, slot), false
	return values{kind: kind, iterator: txn.NewIterator(o)}
}

// close ends the iterators. A view of a transaction of its own needs end.
func (v *view) close() {
	v.chunks.iterator.Close()
	if v.states != nil {
		v.states.iterator.Close()
		v.files.close()
	}
}

func (v *view) end() {
	v.close()
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
		p.view = newView(p.store, p.store.db.NewTransaction(false), p.slot, p.stateful())
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

// eachOf walks over the values of an entity, in order.
func (c *values) eachOf(slot, id uint32, visit func(*badger.Item) error) error {
	before := c.passed && c.last < id
	c.prefix, c.last, c.passed = appendOf(c.prefix[:0], c.kind, slot, id), id, false
	it := c.iterator
	if !before || it.Valid() && bytes.Compare(it.Item().Key(), c.prefix) < 0 {
		it.Seek(c.prefix)
	}
	for ; it.ValidForPrefix(c.prefix); it.Next() {
		if err := visit(it.Item()); err != nil {
			return err
		}
	}
	c.passed = true
	return nil
}
