package persistence

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
	"golang.org/x/sys/unix"
)

// ErrNoSpace is in the error of a write for which the disk has too little space
// left.
var ErrNoSpace = errors.New("too little space left on the disk of the data directory")

// ErrClosed is in the error of whoever uses a store that was closed.
var ErrClosed = errors.New("the store is closed")

// ErrInterrupted is in the error of OpenStore if it was to end before all was verified.
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
	// ReadOnly writes nothing of ours: to look at the state. See openBadger.
	ReadOnly bool
	// StopOnDamage has OpenStore and Partition fail where something is damaged, with
	// ErrCorrupt, instead of beginning anew.
	StopOnDamage bool
	// Long is called before a verification that can take long, as after a start of the
	// machine. The channel it returns is closed if the opening is to end, with
	// ErrInterrupted. It may be nil.
	Long func() (interrupted <-chan struct{})

	// The following are for tests.

	// BeforeWrite is called before each transaction is written; with an error
	// nothing is.
	BeforeWrite func() error
	// Journal is how many points a partition's journal may hold; 0: as many as
	// suit its entities.
	Journal int
	// Split is how many writes a transaction may have; 0: as many as fit.
	Split int
	// Large is from how many bytes on a value goes to the value log; 0: 16 kB.
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
	dir     string
	options Options
	marks   marks
	later   []laterTable // to be verified in the background; of watch

	mu     sync.Mutex
	closed bool
	broken error                    // nil, or why nothing of it can be used any more
	slots  uint32                   // the next one to give out
	owners map[string]chan struct{} // by head key; who holds a partition has taken the token

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
	// What is in the memtables has still to be written, and merged, without asking.
	o.Floor = max(o.Floor, uint64(max(o.Memory, LeastMemory)))
	if o.Free == nil {
		o.Free = func() (uint64, error) { return freeSpace(path) }
	}
	s := &Store{dir: path, options: o, owners: make(map[string]chan struct{}), stop: make(chan struct{})}
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
	err = recovering(func() (err error) {
		garbage, err = s.survey()
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

// badgerOptions: a fifth of the memory for each of three memtables, one that is
// written to and two on their way to the disk, and one for indices. Blocks that are
// not compressed, as floats hardly can be, need no cache but the system's. Journal
// blocks of some size go to the value log, and are written once; all else stays in
// the tree.
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
		WithBaseLevelSize(max(memtable, 10<<20)).
		WithNumCompactors(2).
		WithNumLevelZeroTables(4).
		WithNumLevelZeroTablesStall(12).
		WithNumGoroutines(2).
		WithValueLogFileSize(max(memtable, 8<<20)).
		WithValueThreshold(cmp.Or(o.Large, 16<<10)).
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

// Stored is the head of a partition that need not be held.
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

// HasEntity tells whether an entity of a partition is stored, which need not be held.
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
	if free < s.options.Floor {
		return fmt.Errorf("%w: %d MB, at least %d MB are wanted ([persistence] free_space_floor_mb)", ErrNoSpace, free>>20, s.options.Floor>>20)
	}
	return nil
}

func freeSpace(path string) (uint64, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(path, &stat); err != nil {
		return 0, err
	}
	return stat.Bavail * uint64(stat.Bsize), nil
}

// update is a run of writes that need not be atomic: it is split where it would
// be too large for one transaction, but what was put first is written first.
type update struct {
	store *Store
	txn   *badger.Txn
	puts  int
	whole bool // it must be atomic: errSplit instead
}

// errSplit is returned where a run of writes is too large for one transaction.
var errSplit = errors.New("it is too large for one transaction")

// update runs a function that puts, and commits the rest.
func (s *Store) update(write func(*update) error) error { return s.run(write, false) }

// atomically is update in one transaction, or nothing and errSplit.
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

// end lets go of the transaction, if one was begun.
func (u *update) end() {
	if u.txn != nil {
		u.store.marks.end(u.txn)
		u.txn = nil
	}
}

func (u *update) commit() error {
	if err := u.store.Room(); err != nil {
		return err
	}
	if before := u.store.options.BeforeWrite; before != nil {
		if err := before(); err != nil {
			return err
		}
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

// valueOf hands an item's value to a function, if it is the one that was put under this
// key. Badger itself gives what a pointer into its value log leads to, whatever that is,
// and panics where that is no entry.
func valueOf(item *badger.Item, use func(value []byte) error) (err error) {
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
		if !bound(item.Key(), value) {
			return fmt.Errorf("%w: the checksum is wrong, or it belongs to another key", ErrCorrupt)
		}
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

// each walks over what begins with a prefix, in order. Values are read as they are
// asked for: Badger would read them ahead on goroutines, where a damaged one ends the
// process.
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

// survey finds the slots that no head refers to, and the first one never used.
func (s *Store) survey() (garbage []uint32, err error) {
	used := make(map[uint32]bool)
	err = s.db.View(func(txn *badger.Txn) error {
		err := each(txn, []byte{headKind}, func(item *badger.Item) error {
			err := valueOf(item, func(value []byte) error {
				head, err := decodeRecord(value)
				if err == nil {
					used[head.slot] = true
				}
				return err
			})
			if errors.Is(err, ErrCorrupt) {
				return nil // its partition will find out
			}
			return err
		})
		if err != nil {
			return err
		}
		o := badger.DefaultIteratorOptions
		o.PrefetchValues = false
		iterator := txn.NewIterator(o)
		defer iterator.Close()
		for _, kind := range []byte{entityKind, chunkKind, blockKind} {
			for slot := uint32(0); ; slot++ {
				iterator.Seek(slotPrefix(kind, slot))
				if !iterator.ValidForPrefix([]byte{kind}) {
					break
				}
				slot = order.Uint32(iterator.Item().Key()[1:5])
				if _, known := used[slot]; !known {
					used[slot] = false
				}
			}
		}
		return nil
	})
	for slot, referred := range used {
		s.slots = max(s.slots, slot+1)
		if !referred {
			garbage = append(garbage, slot)
		}
	}
	return garbage, err
}

// newSlot is where a partition's state can begin anew.
func (s *Store) newSlot() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slots++
	return s.slots - 1
}

// purge deletes what is in slots nobody refers to, in the background.
func (s *Store) purge(slots ...uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(slots) == 0 {
		return
	}
	s.chore.Go(func() {
		for _, slot := range slots {
			for _, kind := range []byte{entityKind, chunkKind, blockKind} {
				for s.purgeSome(slotPrefix(kind, slot)) {
				}
			}
		}
	})
}

// purgeSome deletes a part, and tells whether there is more. What it leaves the
// next survey finds again.
func (s *Store) purgeSome(prefix []byte) (more bool) {
	const part = 2000
	var keys [][]byte
	err := s.db.View(func(txn *badger.Txn) error {
		err := each(txn, prefix, func(item *badger.Item) error {
			if len(keys) == part {
				return errEnough
			}
			keys = append(keys, item.KeyCopy(nil))
			return nil
		})
		if errors.Is(err, errEnough) {
			return nil
		}
		return err
	})
	if err == nil && len(keys) > 0 {
		err = s.update(func(u *update) error {
			for _, key := range keys {
				if err := u.delete(key); err != nil {
					return err
				}
			}
			return nil
		})
	}
	select {
	case <-s.stop:
		return false
	default:
		return err == nil && len(keys) == part
	}
}

var errEnough = errors.New("enough")

// collectEvery is how often the value log is looked at.
const collectEvery = 5 * time.Minute

// collect gives space back to the disk.
func (s *Store) collect() {
	ticker := time.NewTicker(collectEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if s.Room() != nil {
				continue
			}
			for s.collectOne() == nil {
			}
		case <-s.stop:
			return
		}
	}
}

// collectOne rewrites a file of the value log, if half of it is garbage.
func (s *Store) collectOne() (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%w: a file of the value log: %v", ErrCorrupt, cause)
			s.options.Log.Error("garbage cannot be collected", "error", err)
		}
	}()
	return s.db.RunValueLogGC(0.5)
}

// Size is how many bytes the state takes on disk.
func (s *Store) Size() (bytes int64, err error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return 0, err
	}
	for _, entry := range entries {
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
