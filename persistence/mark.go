package persistence

import (
	"encoding/binary"
	"fmt"

	"github.com/dgraph-io/badger/v4"
)

// Badger numbers transactions as they are written, without gaps. It replays each log
// up to the first damaged entry, so transactions can be missing in the middle: those
// of a log that is cut while a later one is whole, or of a table that MANIFEST no longer
// names. What is left then is no state that ever was.
//
// Therefore each transaction writes the mark, too. So the newest transaction of the
// tables is known, though compactions drop most of what a transaction wrote, and the
// logs must go on from there without a gap. A gap at the end cannot be seen, and need
// not: it leaves an older state.
//
// The value of the mark is the number of the first transaction that had one: a
// directory that an older version has written to has transactions without.
const markKey = "z"

// chain is a run of transactions.
type chain struct {
	last uint64 // up to here all are there that must be
}

// next adds the next transaction of the logs. The number before it must be there, if it
// was marked.
func (c *chain) next(t transaction) error {
	if t.mark != nil {
		first, err := decodeMark(t.mark)
		if err != nil {
			return fmt.Errorf("the mark of transaction %d: %w", t.number, err)
		}
		if t.number > c.last+1 && t.number > first {
			return fmt.Errorf("transactions %d to %d are missing", max(c.last+1, first), t.number-1)
		}
	}
	c.last = max(c.last, t.number)
	return nil
}

func encodeMark(first uint64) []byte { return seal(binary.AppendUvarint(room(10), first)) }

func decodeMark(value []byte) (first uint64, err error) {
	b, err := body(value)
	if err != nil {
		return 0, err
	}
	first = b.uvarint()
	return first, b.end("mark")
}

// readMark finds out since when transactions have the mark: since now, if none has it.
func (s *Store) readMark() error {
	first := s.db.MaxVersion() + 1
	err := s.db.View(func(txn *badger.Txn) error {
		_, err := get(txn, []byte(markKey), func(value []byte) (err error) {
			first, err = decodeMark(value)
			return err
		})
		return err
	})
	s.mark = encodeMark(first)
	return err
}
