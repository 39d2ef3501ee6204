package persistence

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
	"golang.org/x/sys/unix"
)

// ErrNoSpace is in the error of a write if the disk has too little space left.
var ErrNoSpace = errors.New("too little space left on the disk of the data directory")

// ErrClosed is in an error if the store was closed.
var ErrClosed = errors.New("the store is closed")

// ErrInterrupted is in the error of OpenStore if it was interrupted before all tables
// were verified.
var ErrInterrupted = errors.New("the opening was interrupted")

// Options are how a store uses the machine.
type Options struct {
	Log *slog.Logger
	// Memory is what Badger's memtables and caches may take, in bytes; at least
	// LeastMemory.
	Memory int64
	// Floor is how much space the disk must have left for a write, in bytes; no
	// less than Memory.
	Floor uint64
	// ReadOnly opens the state to look at it, and writes no values. See openBadger.
	ReadOnly bool
	// StopOnDamage has OpenStore and Partition fail with ErrCorrupt if something is
	// damaged, instead of beginning anew.
	StopOnDamage bool
	// Seen has partitions keep when each entity was last seen, and the owner's state. Without
	// it a checkpoint forgets both.
	Seen bool
	// Long is called before a verification that can take long, as after a start of the
	// machine. The channel it returns is closed if the opening is to end, with
	// ErrInterrupted. It may be nil.
	Long func() (interrupted <-chan struct{})

	// The following are for tests.

	// BeforeWrite is called before each transaction and each file is written; with an error
	// nothing is.
	BeforeWrite func() error
	// Journal is how many points a partition's journal may hold; 0: as many as
	// suit its entities.
	Journal int
	// Pending is from how many pending points on Shed drops some; 0: shedFrom.
	Pending int
	// Shed is called with how many points Shed has dropped; it may be nil.
	Shed func(points int)
	// Period is how many points may come after a state; 0: statePeriod.
	Period int
	// Turns is the fewest turns of a checkpoint for which entities are sealed in turn; 0: turnsFrom.
	Turns int
	// Outline is from how many points on a chunk has an outline; 0: outlineFrom.
	Outline int
	// File is from how many bytes on the blocks of a checkpoint get a file, and its states; 0: fileFrom, and stateFileFrom.
	File int
	// Split is how many writes a transaction may have; 0: as many as fit.
	Split int
	// Index is after how many look-ups a partition reads the ids of all entities; 0:
	// indexAfter.
	Index int
	// Large is from how many bytes on a value goes to the value log; 0: mostInTree, or
	// less with little memory.
	Large int64
	// FewIDs is how many ids of a partition may be in vain beside as many as it has
	// entities; 0: fewIDs.
	FewIDs int
	// AtOnce is how large all tables may be that are always verified before the database
	// is opened, in bytes; 0: verifiedAtOnce.
	AtOnce int64
	// Free tells how much space is left.
	Free func() (uint64, error)
}

// LeastMemory is the least that Options.Memory may be.
const LeastMemory = 16 << 20

// Store keeps the state of all partitions of all detectors of a node, in a
// Badger database under the node's data directory.
type Store struct {
	db      *badger.DB
	memory  sync.Pool // of *[]byte: what plans of all partitions encode their blocks and states in
	dir     string
	options Options
	floor   atomic.Uint64 // how many bytes the disk must have left for a write
	marks   marks
	later   []laterTable // to be verified in the background; of watch

	mu      sync.Mutex
	closed  bool
	broken  error                    // nil, or why nothing of it can be used any more
	slots   uint32                   // the next one to give out
	files   uint64                   // the last number of a file of the journal
	keepers uint64                   // how many have called keepFiles
	keeping map[uint64]bool          // those who have not let go
	kept    []keptFile               // to be removed then
	owners  map[string]chan struct{} // by head key; who holds a partition has taken the token

	users sync.WaitGroup // operations under way
	stop  chan struct{}  // closed when the store closes
	chore sync.WaitGroup // goroutines of our own
}

// openStore opens the state, or makes it.
func openStore(dir string, o Options) (*Store, error) {
	path := filepath.Join(dir, "state")
	if !o.ReadOnly {
		if err := os.MkdirAll(path, 0o700); err != nil {
			return nil, fmt.Errorf("create state: %w", err)
		}
	}
	if o.Free == nil {
		o.Free = func() (uint64, error) { return freeSpace(path) }
	}
	s := &Store{dir: path, options: o, owners: make(map[string]chan struct{}), keeping: make(map[uint64]bool), stop: make(chan struct{})}
	s.SetFloor(o.Floor)
	if !o.ReadOnly {
		if err := s.Room(); err != nil { // Badger dies of a full disk
			return nil, fmt.Errorf("open state %s: %w", path, err)
		}
		if err := removeEmpty(path); err != nil {
			return nil, fmt.Errorf("open state %s: %w", path, err)
		}
	}
	found, err := inspect(path, o)
	if err == nil && !o.ReadOnly && o.StopOnDamage {
		err = found.untouched()
	}
	if err == nil {
		err = found.mend(o.ReadOnly, o.Log)
	}
	if err != nil {
		return nil, fmt.Errorf("inspect state %s: %w", path, err)
	}
	if s.later, err = mapLater(path, found.later); err != nil {
		return nil, fmt.Errorf("open state %s: %w", path, err)
	}
	db, err := openBadger(path, o)
	if err != nil {
		s.unmapLater()
		return nil, fmt.Errorf("open state %s: %w", path, spoilt(err))
	}
	s.db = db
	var garbage []uint32
	err = recovering(func() error {
		full, err := s.prepareFiles()
		if err == nil {
			garbage, err = s.survey(full)
		}
		return errors.Join(err, s.readMark())
	})
	if err != nil {
		s.unmapLater()
		return nil, errors.Join(fmt.Errorf("survey state %s: %w", path, spoilt(err)), db.Close())
	}
	if o.ReadOnly {
		s.unmapLater()
		return s, nil
	}
	s.purge(garbage...)
	s.chore.Go(s.collect)
	s.chore.Go(s.watch)
	return s, nil
}

// removeEmpty removes logs that have no content. A process that dies in between
// leaves one where Badger has made the file and not yet its content, or no longer;
// and Badger does not open a directory that has one (its issue 2207).
func removeEmpty(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := filepath.Join(path, entry.Name())
		if kind := filepath.Ext(name); kind != ".mem" && kind != ".vlog" {
			continue
		}
		info, err := entry.Info()
		if err == nil && info.Size() == 0 {
			err = os.Remove(name)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// mostInTree is the most that Badger keeps in its tree. A transaction must hold such a
// value, so a small memtable allows less.
const mostInTree = 1 << 20

// badgerOptions: a fifth of the memory for each of three memtables, one that is
// written to and two on their way to the disk, and one for indices. Blocks that are
// not compressed, as floats hardly can be, need no cache but the system's. Journal
// blocks stay in the tree: in the value log they would stay for long after they are
// deleted (docs/adr/0030). Level 0 and the one below it are large, because the state of
// some hundred thousand entities then needs no level in between, and is merged half as
// often (docs/adr/0046).
func badgerOptions(path string, o Options) badger.Options {
	memory := max(o.Memory, LeastMemory)
	memtable := memory / 5
	return badger.DefaultOptions(path).
		WithSyncWrites(true).
		WithReadOnly(o.ReadOnly).
		WithMemTableSize(memtable).
		WithNumMemtables(2).
		WithBlockCacheSize(0).
		WithIndexCacheSize(memory / 5).
		WithBaseTableSize(min(max(memtable/4, 2<<20), 16<<20)).
		WithBaseLevelSize(memory).
		WithNumCompactors(2).
		WithNumLevelZeroTables(8).
		WithNumLevelZeroTablesStall(16).
		WithNumGoroutines(2).
		WithValueLogFileSize(max(memtable, 8<<20)).
		WithValueThreshold(cmp.Or(o.Large, min(mostInTree, memtable/10))).
		WithVerifyValueChecksum(true). // without, a damaged entry keeps its file locked, and Close waits for ever
		WithCompression(options.None).
		WithMetricsEnabled(false).
		WithDetectConflicts(false). // each key has one writer
		WithLogger(badgerLog{o.Log})
}

// badgerLog lets Badger's warnings and errors through.
type badgerLog struct{ log *slog.Logger }

func (b badgerLog) Errorf(format string, values ...any) {
	b.log.Error("badger", "problem", fmt.Sprintf(format, values...))
}
func (b badgerLog) Warningf(format string, values ...any) {
	b.log.Warn("badger", "problem", fmt.Sprintf(format, values...))
}
func (badgerLog) Infof(string, ...any)  {}
func (badgerLog) Debugf(string, ...any) {}

// Close waits for what is under way, and closes the database.
func (s *Store) Close() error {
	s.mu.Lock()
	already := s.closed
	s.closed = true
	s.mu.Unlock()
	if already {
		return nil
	}
	close(s.stop)
	s.users.Wait()
	s.chore.Wait()
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close state %s: %w", s.dir, err)
	}
	if s.broken == nil && !s.options.ReadOnly && s.Room() == nil {
		_, _, err := s.note(time.Now())
		s.tell(err)
	}
	return nil
}

// Stored is the head of a partition, which may have another owner.
func (s *Store) Stored(detector string, number int32) (head Head, ok bool, err error) {
	err = s.view(func(txn *badger.Txn) error {
		r, err := readHead(txn, headKey(detector, number))
		if r != nil {
			head, ok = r.Head, true
		}
		return err
	})
	return head, ok, err
}

// HasEntity tells whether an entity is stored. Its partition may have another owner.
func (s *Store) HasEntity(detector string, number int32, key string) (found bool, err error) {
	err = s.view(func(txn *badger.Txn) error {
		r, err := readHead(txn, headKey(detector, number))
		if r != nil {
			found, err = get(txn, entityKey(r.slot, key), func([]byte) error { return nil })
		}
		return err
	})
	return found, err
}

// use lets Close wait for an operation; done is to be called after it.
func (s *Store) use() (done func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	if s.broken != nil {
		return nil, s.broken
	}
	s.users.Add(1)
	return s.users.Done, nil
}

// Room tells whether there is space left for writing: an error that wraps
// ErrNoSpace says how much is missing.
func (s *Store) Room() error {
	free, err := s.options.Free()
	if err != nil {
		return fmt.Errorf("ask for the free space of %s: %w", s.dir, err)
	}
	if floor := s.floor.Load(); free < floor {
		return fmt.Errorf("%w: %d MB, at least %d MB are wanted ([persistence] free_space_floor_mb)", ErrNoSpace, free>>20, floor>>20)
	}
	return nil
}

// mayWrite is asked before each write.
func (s *Store) mayWrite() error {
	if err := s.Room(); err != nil {
		return err
	}
	if before := s.options.BeforeWrite; before != nil {
		return before()
	}
	return nil
}

// SetFloor changes Options.Floor. It may be called at any time.
func (s *Store) SetFloor(floor uint64) {
	// Badger writes and merges its memtables without asking, so there must always be room for them.
	s.floor.Store(max(floor, uint64(max(s.options.Memory, LeastMemory))))
}

// Space is how many bytes are free on the disk, and must be.
func (s *Store) Space() (free, floor uint64, err error) {
	free, err = s.options.Free()
	return free, s.floor.Load(), err
}

func freeSpace(path string) (uint64, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(path, &stat); err != nil {
		return 0, err
	}
	return stat.Bavail * uint64(stat.Bsize), nil
}

// Size is how many bytes the state takes on disk.
func (s *Store) Size() (bytes int64, err error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return 0, err
	}
	files, err := os.ReadDir(s.journal())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, err
	}
	for _, entry := range append(entries, files...) {
		info, err := entry.Info()
		if errors.Is(err, os.ErrNotExist) {
			continue // Badger has removed it
		}
		if err != nil {
			return 0, err
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			bytes += stat.Blocks * 512 // files have holes
		}
	}
	return bytes, nil
}
