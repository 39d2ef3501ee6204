package persistence

import (
	"errors"

	"github.com/dgraph-io/badger/v4"
)

// update is a run of writes in one transaction, or in several if it is too large
// for one. They are written in the order in which they were put.
type update struct {
	store *Store
	txn   *badger.Txn
	puts  int  // in the transaction under way
	whole bool // it must be atomic: errSplit if it is too large
}

// errSplit is the error of atomically if the run is too large for one transaction.
var errSplit = errors.New("it is too large for one transaction")

// update runs a function that puts writes, and commits them.
func (s *Store) update(write func(*update) error) error { return s.run(write, false) }

// atomically runs an update in one transaction. If it is too large for one, nothing
// is written, and the error is errSplit.
func (s *Store) atomically(write func(*update) error) error { return s.run(write, true) }

func (s *Store) run(write func(*update) error, whole bool) error {
	if s.options.ReadOnly {
		return errReadOnly
	}
	done, err := s.use()
	if err != nil {
		return err
	}
	defer done()
	u := &update{store: s, whole: whole}
	defer u.end()
	if err := u.begin(); err != nil {
		return err
	}
	if err := write(u); err != nil {
		return err
	}
	return u.commit()
}

func (u *update) begin() (err error) {
	u.puts = 0
	u.txn, err = u.store.marks.begin(u.store.db)
	return err
}

// end discards the transaction, if one was begun.
func (u *update) end() {
	if u.txn != nil {
		u.store.marks.end(u.txn)
		u.txn = nil
	}
}

func (u *update) commit() error {
	if err := u.store.mayWrite(); err != nil {
		return err
	}
	if u.puts == 0 {
		return nil
	}
	return u.store.marks.commit(u.txn)
}

// set binds a value to its key, and puts it.
func (u *update) set(key, value []byte) error {
	bind(key, value)
	return u.put(func() error { return u.txn.Set(key, value) })
}

func (u *update) delete(key []byte) error {
	return u.put(func() error { return u.txn.Delete(key) })
}

func (u *update) put(put func() error) error {
	if most := u.store.options.Split; most == 0 || u.puts < most {
		u.puts++
		if err := put(); !errors.Is(err, badger.ErrTxnTooBig) {
			return err
		}
	}
	if u.whole {
		return errSplit
	}
	if err := u.commit(); err != nil {
		return err
	}
	u.end()
	if err := u.begin(); err != nil {
		return err
	}
	u.puts++
	return put()
}
