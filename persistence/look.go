package persistence

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/dgraph-io/badger/v4"
	"github.com/gofrs/flock"
)

// ErrNoState is in an error if nothing has been stored in a data directory.
var ErrNoState = errors.New("there is no state yet")

var errReadOnly = errors.New("the state was opened to look at only")

// HasState tells whether anything was ever stored below a data directory.
func HasState(dir string) (bool, error) {
	_, err := os.Stat(filepath.Join(dir, "state", badger.ManifestFilename))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Lock takes a data directory, which must exist, for a process that is not a
// node: it needs no id. The error wraps ErrLocked if another process has it.
func Lock(dir string) (unlock func() error, err error) {
	lock := flock.New(filepath.Join(dir, "LOCK"))
	locked, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock data directory %s: %w", dir, err)
	}
	if !locked {
		return nil, fmt.Errorf("%w: %s (a detector is running with it: stop it first)", ErrLocked, dir)
	}
	return lock.Close, nil
}

// openBadger opens the database. Badger cannot open one for reading alone that
// was not closed, as after SIGKILL: its log has a tail of zeros to be cut off.
// Then it is opened for writing, which mends it as the next start would, and
// moves what the log holds into tables; of ours nothing is written, for update
// refuses to. A database that was closed is not touched at all, so that one can
// look at a backup on a medium that cannot be written.
func openBadger(path string, o Options) (*badger.DB, error) {
	least, err := memtableLeft(path)
	if err != nil {
		return nil, err
	}
	const shares = 5 // of which the memtable has one; see badgerOptions
	o.Memory = max(o.Memory, shares*(least+shares))
	if o.ReadOnly {
		db, err := openRecovered(badgerOptions(path, o))
		if err == nil || !strings.Contains(err.Error(), badger.ErrTruncateNeeded.Error()) { // Badger does not wrap it
			return db, err
		}
		o.ReadOnly = false
		// Room for the tables, and for a new log.
		need := uint64(max(o.Memory, LeastMemory))
		free, err := o.Free()
		if err != nil {
			return nil, err
		}
		if free < need {
			return nil, fmt.Errorf("%w: it was not closed, and mending it may take %d MB; %d MB are free", ErrNoSpace, need>>20, free>>20)
		}
	}
	return openRecovered(badgerOptions(path, o))
}

// openRecovered opens the database.
func openRecovered(o badger.Options) (db *badger.DB, err error) {
	err = recovering(func() (err error) {
		db, err = badger.Open(o)
		return err
	})
	return db, err
}

// recovering uses the database: damage that nobody has looked for makes Badger panic.
func recovering(use func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%w: Badger cannot read it: %v", ErrCorrupt, cause)
		}
	}()
	return use()
}
