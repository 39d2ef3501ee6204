package persistence

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Verifying all blocks takes about a second for each GB (measured with 1.2 GB and two
// processors: 0.9 s from the disk, 0.3 s from memory), which is too long for a restart.
// Badger never changes a table. So before the database is opened, only the footer and the
// index of a table are verified if this node has written or verified the table before, and
//   - the system says that it is the same file, and that nobody has written to it since;
//   - the machine has not been started since, because a start is when losses of a power
//     failure show;
//   - that was less than a day ago.
//
// Its blocks are verified in the background, once the database is open. The file VERIFIED
// beside the tables lists such tables. Small databases are always verified as a whole.
const (
	verifiedFile   = "VERIFIED"
	verifiedFor    = 24 * time.Hour
	verifiedEvery  = time.Minute
	verifiedAtOnce = 128 << 20 // bytes of tables
)

// fileStamp changes if a file is replaced or written to.
type fileStamp struct {
	Size, Inode, Modified, Changed int64
}

// verifiedList is the content of VERIFIED.
type verifiedList struct {
	Boot   string // bootID at that time
	Tables map[string]verifiedTable
}

type verifiedTable struct {
	fileStamp
	At int64 // when it was verified, in Unix seconds
}

func stampOf(path string) (stamp fileStamp, err error) {
	about, err := os.Stat(path)
	if err != nil {
		return stamp, err
	}
	stat, ok := about.Sys().(*syscall.Stat_t)
	if !ok {
		return stamp, fmt.Errorf("look at %s: the system does not tell what file it is", path)
	}
	return fileStamp{about.Size(), int64(stat.Ino), stat.Mtim.Nano(), stat.Ctim.Nano()}, nil
}

// bootID differs for each start of the machine; empty: not known.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}

// readVerified reads the list. It returns an empty one if the list cannot be used.
func readVerified(path string) (list verifiedList) {
	content, err := os.ReadFile(filepath.Join(path, verifiedFile))
	if err != nil {
		return verifiedList{}
	}
	b, err := body(content)
	if err != nil || json.Unmarshal(b.rest, &list) != nil || list.Boot == "" || list.Boot != bootID() {
		return verifiedList{}
	}
	return list
}

// divide returns which tables have to be verified before the database is opened, and which
// can be verified later.
func divide(path string, tables []string, atOnce int64, now time.Time) (first, later []string) {
	if sizeOf(path, tables) <= atOnce {
		return tables, nil
	}
	list := readVerified(path)
	for _, name := range tables {
		stamp, err := stampOf(filepath.Join(path, name))
		known, listed := list.Tables[name]
		age := now.Sub(time.Unix(known.At, 0))
		if err == nil && listed && known.fileStamp == stamp && 0 <= age && age < verifiedFor {
			later = append(later, name)
		} else {
			first = append(first, name)
		}
	}
	return first, later
}

// sizeOf is the size of the tables that exist, in bytes.
func sizeOf(path string, tables []string) (size int64) {
	for _, name := range tables {
		stamp, _ := stampOf(filepath.Join(path, name))
		size += stamp.Size
	}
	return size
}

// note writes the list of all tables. A table that was listed keeps its time. A new one, and
// those in again, get the present time. It returns the table that was verified longest ago.
func (s *Store) note(now time.Time, again ...string) (oldest string, at time.Time, err error) {
	old := readVerified(s.dir)
	list := verifiedList{Boot: bootID(), Tables: make(map[string]verifiedTable)}
	tables, err := filepath.Glob(filepath.Join(s.dir, "*.sst"))
	if err != nil || list.Boot == "" {
		return "", now, err
	}
	at = now
	changed := len(tables) != len(old.Tables)
	for _, path := range tables {
		stamp, err := stampOf(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // Badger has removed it
		}
		if err != nil {
			return "", now, err
		}
		name := filepath.Base(path)
		known, listed := old.Tables[name]
		if !listed || known.fileStamp != stamp || slices.Contains(again, name) {
			known, changed = verifiedTable{stamp, now.Unix()}, true
		}
		list.Tables[name] = known
		if then := time.Unix(known.At, 0); then.Before(at) {
			oldest, at = name, then
		}
	}
	if !changed {
		return oldest, at, nil
	}
	text, err := json.Marshal(list)
	if err == nil {
		err = writeSynced(filepath.Join(s.dir, verifiedFile), string(seal(append(room(len(text)), text...))))
	}
	return oldest, at, err
}

// laterTable is a table that is verified after the opening. It is mapped until then, because a
// compaction may remove the file.
type laterTable struct {
	name  string
	data  []byte
	unmap func()
}

func mapLater(path string, names []string) (all []laterTable, err error) {
	for _, name := range names {
		data, unmap, err := mapFile(filepath.Join(path, name))
		if err != nil {
			for _, table := range all {
				table.unmap()
			}
			return nil, err
		}
		all = append(all, laterTable{name, data, unmap})
	}
	return all, nil
}

func (s *Store) unmapLater() {
	for _, table := range s.later {
		table.unmap()
	}
	s.later = nil
}

// watch verifies the tables that were not verified at the opening, lists new tables, and
// verifies each table again twice a day. If a table is damaged, the process has to end, because
// compactions may have copied the damage to other tables.
func (s *Store) watch() {
	defer s.unmapLater()
	_, _, err := s.note(time.Now())
	s.tell(err)
	var verified []string
	for len(s.later) > 0 {
		if s.stopped() {
			return
		}
		table := s.later[0]
		_, err := verifyData(filepath.Join(s.dir, table.name), table.data, true)
		table.unmap()
		s.later = s.later[1:]
		if s.judge(err) {
			return
		}
		verified = append(verified, table.name)
	}
	if _, _, err = s.note(time.Now(), verified...); err != nil {
		s.tell(err)
	}
	ticker := time.NewTicker(verifiedEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if _, err := s.use(); err != nil {
				return
			}
			s.users.Done()
			if s.Room() == nil {
				s.verifyAgain(time.Now())
			}
		case <-s.stop:
			return
		}
	}
}

// verifyAgain verifies at most four of the tables that are due.
func (s *Store) verifyAgain(now time.Time) {
	const some = 4
	oldest, at, err := s.note(now)
	for i := 0; i < some && err == nil && oldest != "" && now.Sub(at) > verifiedFor/2 && !s.stopped(); i++ {
		_, broken := verifyTable(filepath.Join(s.dir, oldest), true)
		if _, gone := os.Stat(filepath.Join(s.dir, oldest)); errors.Is(gone, fs.ErrNotExist) {
			broken = nil
		}
		if s.judge(broken) {
			return
		}
		oldest, at, err = s.note(now, oldest)
	}
	s.tell(err)
}

// judge takes the result of verifying a table. It returns true if the table is damaged: then the
// store cannot be used any more.
func (s *Store) judge(err error) (over bool) {
	if !errors.Is(err, ErrCorrupt) {
		s.tell(err)
		return false
	}
	_ = os.Remove(filepath.Join(s.dir, verifiedFile)) // the next start verifies all
	if s.options.StopOnDamage {
		err = fmt.Errorf("%v; %w", err, errAsked)
	} else {
		err = fmt.Errorf("%v; %w: the next start moves the database aside, and rebuilds the windows from the topic", err, ErrStop)
	}
	s.options.Log.Error("a table of the database is damaged", "problem", err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = err
	return true
}

// stopped tells whether the store closes, which waits for whoever uses it.
func (s *Store) stopped() bool {
	select {
	case <-s.stop:
		return true
	default:
		return false
	}
}

func (s *Store) tell(err error) {
	if err != nil {
		s.options.Log.Warn("the tables of the database cannot be verified in the background; the next start takes longer", "problem", err)
	}
}
