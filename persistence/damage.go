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

// keptAside is how many damaged databases are kept at most.
const keptAside = 2

const asidePrefix = "state.damaged-"

// ErrStop is in an error if the store cannot be used any more: a person has to decide, or
// the process has to start again.
var ErrStop = errors.New("it ends here")

// errAsked wraps ErrStop, and says what a person can do.
var errAsked = fmt.Errorf("%w, as [persistence] on_damage = stop wants, and nothing was changed; with on_damage = rebuild the windows are rebuilt from the topic", ErrStop)

// Damaged tells the owner of a damaged partition what to do: rebuild its windows if Damaged
// returns nil, or else end the process. The error wraps ErrCorrupt and ErrStop.
func (s *Store) Damaged() error {
	if s.options.StopOnDamage {
		return fmt.Errorf("%w; %w", ErrCorrupt, errAsked)
	}
	return nil
}

// OpenStore opens the state below a node's data directory, or makes it. It moves a
// damaged database aside, and begins a new one. With StopOnDamage it returns an error
// that wraps ErrCorrupt and ErrStop instead. These are no damage: a directory that is
// locked or may not be read, a disk that is full or cannot be read, a newer format.
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
	// Logged before it is done, because the process may die in between.
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

// removeOlder removes the oldest databases that were moved aside, so that at most
// keptAside are left.
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

// errDirectoryLocked is how Badger's error for a locked directory begins. Badger does
// not wrap it.
const errDirectoryLocked = "Cannot acquire directory lock"

// ofMachine tells whether the cause of an error is the machine, or how it is used, and not the
// stored state. Badger does not wrap most errors, so their texts are compared.
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

// spoilt wraps an error of reading with ErrCorrupt, unless the machine is its cause.
func spoilt(err error) error {
	if err == nil || errors.Is(err, ErrCorrupt) || ofMachine(err) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}
