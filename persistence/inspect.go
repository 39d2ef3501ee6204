package persistence

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dgraph-io/badger/v4"
	"golang.org/x/sys/unix"
)

// Badger trusts its files. It verifies the checksums of tables only if told to, and
// then takes a damaged block for the end of a table, so that a compaction drops the blocks
// after it. It ends the process over some damage, deletes tables that MANIFEST does not
// name, and cuts a log at the first damaged entry, even if the next log has later entries.
// So the files are inspected before Badger opens them:
//
//	MANIFEST      all of it, but an incomplete last record
//	*.sst         the footer, the index, and each block, by their checksums
//	*.mem         whether transactions are missing in the middle; see mark.go
//	KEYREGISTRY   nothing depends on it: it is made anew
//	DISCARD       nothing depends on it: it is made anew
//	*.vlog        the newest, as Badger reads it when it opens; values have checksums
//
// What is missing at the end of the logs or of MANIFEST leaves an older state: the topic is
// read from there. It is whole, but for files of the journal that were removed since then.
// That a file is missing is found when one of its values is read.

// inspection is the result of an inspection of a database's files.
type inspection struct {
	path    string
	tables  []string // that MANIFEST names, in order
	later   []string // of them, those whose blocks are verified later
	others  []string // tables that MANIFEST does not name
	logs    []string // *.mem, oldest first
	values  string   // the newest *.vlog, if any
	version uint64   // the last transaction in tables and logs
	mends   []mend   // to be done before the database is opened
}

const (
	readAgain = "what it lacks is read from the topic again"
	madeAnew  = "nothing is lost: the file is made anew"
)

// mend is a change of a file, after which the database is whole.
type mend struct {
	file   string
	remove bool   // the file is removed
	cut    int64  // the size in bytes that the file is cut to, if it is not removed
	why    string // what is wrong with the file
	lost   string // what happens to the content that is gone
	damage bool   // a process that was killed does not leave the file like this
}

// inspect inspects the files of a database that is not open. An error that wraps
// ErrCorrupt says what is damaged. Any other error is one of the machine. If another
// process uses the directory, inspect looks at nothing, because Badger will return that
// error. If the tables have more than AtOnce bytes, the blocks of some may be left for
// later; see verified.go.
func inspect(path string, o Options) (found inspection, err error) {
	found.path = path
	directory, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return found, nil
	}
	if err != nil {
		return found, err
	}
	defer directory.Close()
	if err := unix.Flock(int(directory.Fd()), unix.LOCK_EX|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		return found, nil
	} else if err != nil {
		return found, fmt.Errorf("lock %s: %w", path, err)
	}
	entries, err := directory.ReadDir(-1)
	if err != nil {
		return found, err
	}
	if err := found.list(entries); err != nil {
		return found, err
	}
	for _, step := range []func() error{found.manifest, found.registry, found.discard} {
		if err := step(); err != nil {
			return found, err
		}
	}
	atOnce := cmp.Or(o.AtOnce, verifiedAtOnce)
	first, later := divide(path, found.tables, atOnce, time.Now())
	found.later = later
	var interrupted <-chan struct{}
	if size := sizeOf(path, first); size > atOnce {
		o.Log.Info("the tables of the database are verified before it is opened, as after a start of the machine", "tables", len(first), "mb", size>>20)
		if o.Long != nil {
			interrupted = o.Long()
		}
	}
	if found.version, err = verifyTables(path, first, true, interrupted); err != nil {
		return found, err
	}
	version, err := verifyTables(path, later, false, interrupted)
	if found.version = max(found.version, version); err != nil {
		return found, err
	}
	if err := found.readLogs(); err != nil {
		return found, err
	}
	return found, found.unnamedTables()
}

// list finds the logs. Their names are numbers.
func (f *inspection) list(entries []os.DirEntry) error {
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return numberOf(a.Name()) - numberOf(b.Name()) })
	for _, entry := range entries {
		name := entry.Name()
		kind := filepath.Ext(name)
		if kind == ".sst" {
			f.others = append(f.others, name)
		}
		if kind != ".mem" && kind != ".vlog" {
			continue
		}
		if numberOf(name) < 0 || !entry.Type().IsRegular() {
			return f.corrupt(name, "it is none of the database's logs")
		}
		if kind == ".mem" {
			f.logs = append(f.logs, name)
		} else {
			f.values = name
		}
	}
	return nil
}

// numberOf is the number that names a file, or -1.
func numberOf(name string) int {
	number, err := strconv.ParseUint(strings.TrimSuffix(name, filepath.Ext(name)), 10, 31)
	if err != nil {
		return -1
	}
	return int(number)
}

func (f *inspection) corrupt(file, format string, values ...any) error {
	return fmt.Errorf("%w: %s: %s", ErrCorrupt, filepath.Join(f.path, file), fmt.Sprintf(format, values...))
}

// manifest reads which tables the database has. Badger creates this file before all others.
func (f *inspection) manifest() (err error) {
	file, err := os.Open(filepath.Join(f.path, badger.ManifestFilename))
	if errors.Is(err, os.ErrNotExist) {
		if len(f.others)+len(f.logs) > 0 || f.values != "" {
			return f.corrupt(badger.ManifestFilename, "the file is missing")
		}
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	defer func() {
		if cause := recover(); cause != nil {
			err = f.corrupt(badger.ManifestFilename, "%v", cause)
		}
	}()
	manifest, end, err := badger.ReplayManifestFile(file, 0, badger.DefaultOptions(f.path).WithLogger(nil))
	var failed *os.PathError
	if errors.As(err, &failed) {
		return err
	}
	if err != nil {
		return f.corrupt(badger.ManifestFilename, "%v", err)
	}
	about, err := file.Stat()
	if err != nil {
		return err
	}
	if about.Size() > end {
		f.mends = append(f.mends, mend{file: badger.ManifestFilename, cut: end, why: "its last record is incomplete", lost: readAgain})
	}
	for id, table := range manifest.Tables {
		if table.KeyID != 0 || table.Compression != 0 {
			return f.corrupt(badger.ManifestFilename, "table %d is encrypted or compressed", id)
		}
		f.tables = append(f.tables, fmt.Sprintf("%06d.sst", id))
	}
	slices.Sort(f.tables)
	f.others = slices.DeleteFunc(f.others, func(name string) bool {
		_, found := slices.BinarySearch(f.tables, name)
		return found
	})
	return nil
}

// unnamedTables returns an error if a table that MANIFEST does not name has newer transactions
// than all others. Other such tables are left by an interrupted flush or compaction, and Badger
// removes them.
func (f *inspection) unnamedTables() error {
	for _, name := range f.others {
		version, err := verifyTable(filepath.Join(f.path, name), false)
		if err == nil && version > f.version {
			return f.corrupt(badger.ManifestFilename, "it no longer names the table %s", name)
		}
		if err != nil && !errors.Is(err, ErrCorrupt) {
			return err
		}
	}
	return nil
}

// registry inspects the file that names the keys of an encrypted database. Ours is not encrypted.
func (f *inspection) registry() error {
	const name, initial, sanity = badger.KeyRegistryFileName, 16, "Hello Badger"
	content, err := os.ReadFile(filepath.Join(f.path, name))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil && (len(content) != initial+len(sanity) || string(content[initial:]) != sanity) {
		f.mends = append(f.mends, mend{file: name, remove: true, why: "its content is impossible", lost: madeAnew, damage: true})
	}
	return err
}

// discard inspects the file that tells how much of each value log is garbage. Impossible numbers
// in it make Badger loop for ever, or end the process.
func (f *inspection) discard() error {
	const name, slot, whole = "DISCARD", 16, 1 << 20
	content, err := os.ReadFile(filepath.Join(f.path, name))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	legal := len(content) >= whole && len(content)%slot == 0
	for last := uint64(0); legal && len(content) > 0; content = content[slot:] {
		file, garbage := order.Uint64(content), order.Uint64(content[8:])
		if file == 0 {
			break
		}
		legal = last < file && file < 1<<32 && garbage < 1<<40 && len(content) > slot
		last = file
	}
	if !legal {
		f.mends = append(f.mends, mend{file: name, remove: true, why: "its content is impossible", lost: madeAnew, damage: true})
	}
	return nil
}

// readLogs looks for transactions that are missing before others, and for entries that
// Badger would allocate too much for.
func (f *inspection) readLogs() error {
	chain := chain{last: f.version}
	for _, name := range f.logs {
		err := f.readLog(name, func(t transaction) error {
			if err := chain.next(t); err != nil {
				return f.corrupt(name, "%v", err)
			}
			return nil
		}, func(data []byte, end logEnd) bool { return transactionsBehind(data, end, chain.last) })
		if err != nil {
			return err
		}
	}
	if err := chain.end(); err != nil {
		return f.corrupt("*.mem", "%v", err)
	}
	f.version = chain.last
	if f.values == "" {
		return nil
	}
	return f.readLog(f.values, func(transaction) error { return nil }, valuesBehind)
}

// readLog reads a log. If the log is torn, a mend will cut it there.
func (f *inspection) readLog(name string, visit func(transaction) error, more func(data []byte, end logEnd) bool) error {
	data, unmap, err := mapFile(filepath.Join(f.path, name))
	if err != nil {
		return err
	}
	defer unmap()
	return touching(name, func() error {
		if len(data) >= logHeader && binary.BigEndian.Uint64(data) != 0 {
			return f.corrupt(name, "it says that it is encrypted")
		}
		end, err := scanLog(data, visit)
		if err != nil || !end.torn {
			return err
		}
		m := mend{file: name, cut: end.offset, why: "an entry in it is incomplete, and no whole one comes after it", lost: readAgain}
		if more(data, end) {
			m.damage, m.why = true, "an entry in it is damaged, and all entries after it are lost"
		}
		f.mends = append(f.mends, m)
		return nil
	})
}

// untouched returns an error if a mend is for damage, and not only for what a killed process
// leaves.
func (f *inspection) untouched() error {
	for _, m := range f.mends {
		if m.damage {
			return f.corrupt(m.file, "%s", m.why)
		}
	}
	return nil
}

// mend does the mends, before the database is opened. A database that is opened to look at it
// loses only files that nothing depends on.
func (f *inspection) mend(readOnly bool, log *slog.Logger) error {
	for _, m := range f.mends {
		if readOnly && !m.remove {
			continue
		}
		log.Warn("a file of the database is mended", "file", filepath.Join(f.path, m.file), "problem", m.why, "consequence", m.lost)
		var err error
		if name := filepath.Join(f.path, m.file); m.remove {
			err = os.Remove(name)
		} else {
			err = os.Truncate(name, m.cut)
		}
		if err != nil {
			return fmt.Errorf("mend a file of the database, of which %s: %w", m.why, err)
		}
	}
	return nil
}

// zero tells whether all bytes are zero.
func zero(b []byte) bool { return len(bytes.TrimLeft(b, "\x00")) == 0 }
