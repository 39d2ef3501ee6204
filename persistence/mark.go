package persistence

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/dgraph-io/badger/v4"
)

// Badger numbers transactions as they are written, without gaps. It replays each log
// up to the first damaged entry, so transactions can be missing in the middle: those
// of a log that is cut while a later one is whole, or of a table that MANIFEST no longer
// names. What is left then is no state that ever was.
//
// Therefore each transaction also writes the mark. Compactions drop most of what a
// transaction wrote, but the mark shows the newest transaction of the tables. The logs must
// go on from there without a gap. A gap at the end cannot be noticed, and does no harm: it
// leaves an older state, which is whole.
//
// Badger numbers a transaction before it writes it. A write that fails leaves a gap that
// is no damage, so the marks of the transactions after it name that gap.
const markKey = "z"

// mark is the value of the mark: which transactions must be there before its own.
type mark struct {
	first uint64 // the first that had a mark; those of an older version had none
	gap   gap    // the last writes that failed
}

// gap is a range of numbers whose transactions may be missing, both ends included.
type gap struct{ from, to uint64 }

func (g gap) empty() bool { return g.to < g.from || g.to == 0 }

// without removes another gap from this one. It leaves at most a part before it and a part
// after it.
func (g gap) without(other gap) (left []gap) {
	if other.empty() || other.to < g.from || g.to < other.from {
		return []gap{g}
	}
	if g.from < other.from {
		left = append(left, gap{g.from, other.from - 1})
	}
	if other.to < g.to {
		left = append(left, gap{other.to + 1, g.to})
	}
	return left
}

// chain checks that no transaction is missing in a run.
type chain struct {
	last    uint64 // the newest transaction so far
	missing []gap  // gaps before it that no failed write explains
}

// next adds the next transaction of the logs.
func (c *chain) next(t transaction) error {
	if t.mark != nil {
		m, err := decodeMark(t.mark)
		if err != nil {
			return fmt.Errorf("the mark of transaction %d: %w", t.number, err)
		}
		if t.number > c.last+1 && t.number > m.first {
			c.missing = append(c.missing, gap{max(c.last+1, m.first), t.number - 1})
		}
		// A transaction that began before a write failed does not name that gap, and may
		// be written behind it. So a later one may explain what was missing before.
		c.explain(m.gap)
	}
	c.last = max(c.last, t.number)
	return nil
}

func (c *chain) explain(failed gap) {
	var left []gap
	for _, missing := range c.missing {
		left = append(left, missing.without(failed)...)
	}
	c.missing = left
}

// end returns an error if transactions are missing.
func (c *chain) end() error {
	if len(c.missing) == 0 {
		return nil
	}
	return fmt.Errorf("transactions %d to %d are missing", c.missing[0].from, c.missing[0].to)
}

func encodeMark(m mark) []byte {
	value := binary.AppendUvarint(room(30), m.first)
	if !m.gap.empty() {
		value = binary.AppendUvarint(binary.AppendUvarint(value, m.gap.from), m.gap.to)
	}
	return seal(value)
}

func decodeMark(value []byte) (m mark, err error) {
	b, err := body(value)
	if err != nil {
		return m, err
	}
	m.first = b.uvarint()
	if len(b.rest) > 0 {
		m.gap = gap{b.uvarint(), b.uvarint()}
	}
	return m, b.end("mark")
}

// marks gives the transactions of a store their marks.
type marks struct {
	// writing is held for reading from the beginning of a transaction to its end, and for
	// writing while the mark changes.
	writing sync.RWMutex
	mark    mark
	value   []byte // the mark, encoded

	mu     sync.Mutex
	used   bool   // a transaction with this mark was written
	failed uint64 // the least number that a write that failed since may have had; 0: none failed
}

func (m *marks) set(value mark) { m.mark, m.value = value, encodeMark(value) }

// begin begins a transaction that writes the mark; end is to be called after it.
func (m *marks) begin(db *badger.DB) (txn *badger.Txn, err error) {
	for {
		m.writing.RLock()
		m.mu.Lock()
		failed := m.failed > 0
		m.mu.Unlock()
		if !failed {
			break
		}
		m.writing.RUnlock()
		m.nameGap(db)
	}
	txn = db.NewTransaction(true)
	return txn, txn.Set([]byte(markKey), m.value)
}

// commit writes a transaction.
func (m *marks) commit(txn *badger.Txn) error {
	err := txn.Commit()
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		m.used = true
	} else if least := txn.ReadTs() + 1; m.failed == 0 || least < m.failed {
		m.failed = least
	}
	return err
}

func (m *marks) end(txn *badger.Txn) {
	txn.Discard()
	m.writing.RUnlock()
}

// nameGap lets the mark name the numbers that failed writes have taken. It waits until no
// transaction is under way.
func (m *marks) nameGap(db *badger.DB) {
	m.writing.Lock()
	defer m.writing.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failed == 0 {
		return // another goroutine was faster
	}
	txn := db.NewTransaction(false)
	defer txn.Discard()
	failed := gap{m.failed, txn.ReadTs()}
	if !m.used && !m.mark.gap.empty() { // nothing that is written names the gap before
		failed.from = min(failed.from, m.mark.gap.from)
	}
	m.failed = 0
	if !failed.empty() {
		m.set(mark{m.mark.first, failed})
		m.used = false
	}
}

// readMark reads the mark of the last transaction. Without one, the next transaction is the
// first that has a mark.
func (s *Store) readMark() error {
	m := mark{first: s.db.MaxVersion() + 1}
	err := s.db.View(func(txn *badger.Txn) error {
		_, err := get(txn, []byte(markKey), func(value []byte) (err error) {
			m, err = decodeMark(value)
			return err
		})
		return err
	})
	s.marks.set(m)
	return err
}
