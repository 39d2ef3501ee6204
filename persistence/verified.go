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

// To verify all blocks takes about a second for each GB, which a restart has not (measured
// with 1.2 GB and two processors: 0.9 s from the disk, 0.3 s from memory). Tables
// are never changed, so one that this node has written or verified need not be verified again
// before the database is opened, if
//   - it is the same file, and nobody has written to it since, by what the system says;
//   - the machine has not been started since: what a power failure loses comes to light
//     when memory is gone;
//   - that was less than a day ago.
//
// Its footer and index are, and its blocks in the background, once the database is open.
// The file VERIFIED beside the tables lists them. Small databases are always
// verified as a whole.
const (
	verifiedFile   = "VERIFIED"
	verifiedFor    = 24 * time.Hour
	verifiedEvery  = time.Minute
	verifiedAtOnce = 128 << 20 // bytes of tables
)

// fileStamp is what tells a file from another, or from what it was.
type fileStamp struct {
	Size, Inode, Modified, Changed int64
}

// verifiedList is the content of VERIFIED.
type verifiedList struct {
	Boot   string // of the machine
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

// bootID tells one run of the machine from the others; "" if it is not known.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}

// readVerified is the list, which is empty if it cannot be used.
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

// divide tells which tables are to be verified before the database is opened, and which
// can be later.
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

// sizeOf is how large tables are, as far as they are there.
func sizeOf(path string, tables []string) (size int64) {
	for _, name := range tables {
		stamp, _ := stampOf(filepath.Join(path, name))
		size += stamp.Size
	}
	return size
}

// note writes which tables there are: those that were listed keep their time, the others
// have just been verified or written. It returns the one that was verified longest ago.
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

// laterTable is one that is verified after the opening. It is mapped, lest a compaction
// removes it before.
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

// watch verifies the tables that were not verified at the opening, lists those that come,
// and verifies each again now and then. If one is damaged the process has to end: what
// merges have made of it since is not known.
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

// verifyAgain verifies the tables that it is time for, a few of them.
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

// judge is told of what came of verifying a table, and tells whether all is over.
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
