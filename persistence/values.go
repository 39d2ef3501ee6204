package persistence

import (
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"
)

// view runs a function that reads.
func (s *Store) view(read func(*badger.Txn) error) error {
	done, err := s.use()
	if err != nil {
		return err
	}
	defer done()
	return s.db.View(read)
}

// get hands a value to a function; without a value it is not called, and found
// is false.
func get(txn *badger.Txn, key []byte, use func(value []byte) error) (found bool, err error) {
	item, err := txn.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return false, nil
	}
	if err != nil {
		return true, spoilt(err)
	}
	return true, valueOf(item, use)
}

var errForeign = fmt.Errorf("%w: the checksum is wrong, or it belongs to another key", ErrCorrupt)

// valueOf hands an item's value to a function, if it is the one that was put under this
// key. Badger itself returns whatever a pointer into its value log leads to, and panics
// if that is no entry.
func valueOf(item *badger.Item, use func(value []byte) error) error {
	return rawValueOf(item, func(value []byte) error {
		if !bound(item.Key(), value) {
			return errForeign
		}
		return use(value)
	})
}

// rawValueOf is valueOf for a function that checks by itself whether the value is that of the key.
func rawValueOf(item *badger.Item, use func(value []byte) error) (err error) {
	ours := false
	defer func() {
		if ours {
			return
		}
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%w: read a value: %v", ErrCorrupt, cause)
		}
	}()
	err = item.Value(func(value []byte) error {
		ours = true
		return use(value)
	})
	if !ours {
		err = spoilt(err)
	}
	return err
}

// readHead reads what is stored of a partition as a whole; nil if nothing is.
func readHead(txn *badger.Txn, key []byte) (r *record, err error) {
	_, err = get(txn, key, func(value []byte) (err error) {
		r, err = decodeRecord(value)
		return err
	})
	return r, err
}

// each visits the items whose keys begin with a prefix, in order. Values are read when
// they are asked for. Badger would read them ahead on goroutines, in which a damaged one
// ends the process.
func each(txn *badger.Txn, prefix []byte, visit func(*badger.Item) error) error {
	o := badger.DefaultIteratorOptions
	o.Prefix, o.PrefetchValues = prefix, false
	iterator := txn.NewIterator(o)
	defer iterator.Close()
	for iterator.Rewind(); iterator.Valid(); iterator.Next() {
		if err := visit(iterator.Item()); err != nil {
			return err
		}
	}
	return nil
}
