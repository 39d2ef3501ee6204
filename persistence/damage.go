package persistence

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// keptAside is how many damaged databases are kept beside the present one.
const keptAside = 2

const asidePrefix = "state.damaged-"

// ErrStop is in the errors of a store that cannot be used any more: a person has to decide,
// or the process has to start again.
var ErrStop = errors.New("it ends here")

// errAsked wraps ErrStop, and says what a person can do.
var errAsked = fmt.Errorf("%w, as [persistence] on_damage = stop wants, and nothing was changed; with on_damage = rebuild the windows are rebuilt from the topic", ErrStop)

// Damaged is what to do after damage was met: nil, and what is affected is to be rebuilt,
// or an error that wraps ErrStop.
func (s *Store) Damaged() error {
	if s.options.StopOnDamage {
		return fmt.Errorf("%w; %w", ErrCorrupt, errAsked)
	}
	return nil
}

// OpenStore opens the state below a node's data directory, or makes it. A database that
// is damaged is moved aside, and a new one is begun; its error, if that is not wanted,
// wraps ErrCorrupt and ErrStop. Nothing else is taken for damage: a directory that is locked, or may
// not be read, a full disk, one that cannot be read, a newer format.
func OpenStore(dir string, o Options) (*Store, error) {
	s, err := openStore(dir, o)
	if !errors.Is(err, ErrCorrupt) || o.ReadOnly {
		return s, err
	}
	path := filepath.Join(dir, "state")
	if o.StopOnDamage {
		return nil, fmt.Errorf("%w; %w", err, errAsked)
	}
	aside := asideOf(path, time.Now())
	// Before it is done: a process that dies in between leaves nothing untold.
	o.Log.Error("the database is damaged: it is moved aside, and all windows are rebuilt from the topic", "moved_to", aside, "problem", err)
	if moved := os.Rename(path, aside); moved != nil {
		return nil, errors.Join(err, fmt.Errorf("move the damaged database aside: %w", moved))
	}
	if err := removeOlder(aside); err != nil {
		o.Log.Warn("older damaged databases are still there, and take space: remove them", "problem", err)
	}
	return openStore(dir, o)
}

// asideOf is where a database is moved to.
func asideOf(path string, now time.Time) (aside string) {
	stamp := filepath.Join(filepath.Dir(path), asidePrefix+now.UTC().Format("20060102T150405Z"))
	aside = stamp
	for n := 2; ; n++ {
		if _, err := os.Lstat(aside); errors.Is(err, os.ErrNotExist) {
			return aside
		}
		aside = fmt.Sprintf("%s-%d", stamp, n)
	}
}

// removeOlder removes the databases that were moved aside long before one.
func removeOlder(aside string) error {
	dir := filepath.Dir(aside)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	older := slices.DeleteFunc(entries, func(e os.DirEntry) bool {
		return !strings.HasPrefix(e.Name(), asidePrefix) || e.Name() == filepath.Base(aside)
	})
	for len(older) >= keptAside { // in the order of their names, and so of their times
		if err := os.RemoveAll(filepath.Join(dir, older[0].Name())); err != nil {
			return err
		}
		older = older[1:]
	}
	return nil
}

// errDirectoryLocked is how Badger's error for that begins, which it does not wrap.
const errDirectoryLocked = "Cannot acquire directory lock"

// ofMachine tells errors of the machine, or of how it is used, from those that what is
// stored is the cause of. Badger does not wrap most of what it returns, so that their
// texts have to do.
func ofMachine(err error) bool {
	if errors.Is(err, ErrNoSpace) || errors.Is(err, ErrClosed) || errors.Is(err, ErrNewer) || errors.Is(err, errReadOnly) {
		return true
	}
	for _, number := range []unix.Errno{
		unix.EACCES, unix.EPERM, unix.ENOSPC, unix.EDQUOT, unix.EIO, unix.EROFS, unix.EMFILE, unix.ENFILE, unix.ENOMEM, unix.EINTR, unix.ENXIO, unix.ESTALE,
	} {
		if errors.Is(err, number) || strings.Contains(err.Error(), number.Error()) {
			return true
		}
	}
	return strings.Contains(err.Error(), errDirectoryLocked)
}

// spoilt makes an error of reading what is stored one that wraps ErrCorrupt, unless it
// is of the machine.
func spoilt(err error) error {
	if err == nil || errors.Is(err, ErrCorrupt) || ofMachine(err) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}
