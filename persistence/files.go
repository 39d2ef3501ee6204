package persistence

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/dgraph-io/badger/v4"
)

// The journal blocks of a large checkpoint are in a file beside the database, which has only their places, and so are its
// states; see state_files.go. The database would write them several times, each time through memory that is mapped to a file, and on some
// machines that takes longer than to score the points (docs/adr/0047).
//
// A file is written whole and synced before the transaction that names it. After that it never changes, and it is removed after the
// transactions that delete or replace the last of its values. So all that a crash leaves is a file that nothing names. The next owner of its
// partition removes it, a file of states after its first survey; or the next opening of the store, if the slot has no partition.
//
//	state/journal/SLOT-NUMBER.blocks      block | block | ...      each as the database would have it
//	state/journal/SLOT-NUMBER.states      state | state | ...
//
// The number differs for each file of one opening of the store. So a transaction that failed, and came through nevertheless, names a file that
// the next attempt does not touch.

const (
	journalDir = "journal" // in the directory of the database

	// Kinds of files, by how their names end.
	blocksFile fileKind = ".blocks"
	statesFile fileKind = ".states"

	// fileFrom is from how many bytes on the blocks of a checkpoint get a file. A file costs two more syncs. A stream with
	// few records would have many small ones.
	fileFrom = 64 << 10
)

type fileKind string

var fileKinds = []fileKind{blocksFile, statesFile}

// place is where a block or a state is.
type place struct {
	file   uint64 // its number, from 1 on; 0: it is in the database
	offset uint64
	length uint64
}

// encodePlace makes the value of a block or a state that is in a file.
func encodePlace(p place) []byte {
	b := room(3 * binary.MaxVarintLen64)
	for _, x := range []uint64{p.file, p.offset, p.length} {
		b = binary.AppendUvarint(b, x)
	}
	return sealAs(filed, b)
}

// placeOf is where a block or a state with this value is. Longest is more than it takes.
func placeOf(value []byte, longest uint64) (p place, err error) {
	if len(value) == 0 || value[0]&^tied != filed {
		return place{}, nil
	}
	b, _, err := bodyUpTo(filed, value)
	if err != nil {
		return place{}, err
	}
	p = place{b.uvarint(), b.uvarint(), b.uvarint()}
	if err = b.end("place in a file"); err == nil && (p.file == 0 || p.length > longest || p.offset > math.MaxInt64-longest) {
		err = fmt.Errorf("%w: a place in a file is impossible", ErrCorrupt)
	}
	return p, err
}

// longestBlock is more than a block takes.
const longestBlock = blockPoints*(2*binary.MaxVarintLen64+8) + 100

func (s *Store) journal() string { return filepath.Join(s.dir, journalDir) }

func (s *Store) fileName(slot uint32, kind fileKind, number uint64) string {
	return filepath.Join(s.journal(), fmt.Sprintf("%d-%d%s", slot, number, kind))
}

// journalFile is a file of the journal.
type journalFile struct {
	slot   uint32
	kind   fileKind
	number uint64
}

// fileOf is the opposite of fileName.
func fileOf(name string) (f journalFile, ok bool) {
	name = filepath.Base(name)
	f.kind = fileKind(filepath.Ext(name))
	first, second, found := strings.Cut(strings.TrimSuffix(name, string(f.kind)), "-")
	slot, bad := strconv.ParseUint(first, 10, 32)
	number, worse := strconv.ParseUint(second, 10, 64)
	f.slot, f.number = uint32(slot), number
	return f, found && bad == nil && worse == nil && slices.Contains(fileKinds, f.kind)
}

// prepareFiles makes the directory of the journal. It notes the greatest number that a file has, and returns the slots that have files.
func (s *Store) prepareFiles() (slots map[uint32]bool, err error) {
	if !s.options.ReadOnly {
		if err := os.MkdirAll(s.journal(), 0o700); err != nil {
			return nil, err
		}
		if err := syncDir(s.dir); err != nil {
			return nil, err
		}
	}
	slots = make(map[uint32]bool)
	err = s.eachFile(func(f journalFile, _ fs.DirEntry) error {
		slots[f.slot] = true
		s.files = max(s.files, f.number)
		return nil
	})
	return slots, err
}

// eachFile visits the files of the journal. Without a directory there are none.
func (s *Store) eachFile(visit func(f journalFile, entry fs.DirEntry) error) error {
	entries, err := os.ReadDir(s.journal())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, entry := range entries {
		if f, ok := fileOf(entry.Name()); ok {
			if err := visit(f, entry); err != nil {
				return err
			}
		}
	}
	return nil
}

// newFile is a number that no file has.
func (s *Store) newFile() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files++
	return s.files
}

// writeFile writes a file, which is there after a crash once it returns nil.
func (s *Store) writeFile(name string, write func(io.Writer) error) error {
	done, err := s.use()
	if err != nil {
		return err
	}
	defer done()
	if err := s.mayWrite(); err != nil {
		return err
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err = write(roomyWriter{s, file}); err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = syncDir(s.journal())
	}
	if err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

// roomyWriter asks whether the disk has room after each part of a large file: Badger dies of a full disk.
type roomyWriter struct {
	store *Store
	file  *os.File
}

func (w roomyWriter) Write(content []byte) (written int, err error) {
	for part := range slices.Chunk(content, filedAtOnce) {
		n, err := w.file.Write(part)
		if written += n; err == nil {
			err = w.store.Room()
		}
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// syncDir makes the names of files in a directory last.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// keepFiles keeps all files until they are let go: who calls it first, and then begins a transaction, finds all files that it names. Files that
// nothing named before it was called are not kept.
func (s *Store) keepFiles() (letGo func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keepers++
	keeper := s.keepers
	s.keeping[keeper] = true
	return func() {
		s.mu.Lock()
		delete(s.keeping, keeper)
		var unneeded []keptFile
		s.kept = slices.DeleteFunc(s.kept, func(f keptFile) bool {
			if s.needed(f) {
				return false
			}
			unneeded = append(unneeded, f)
			return true
		})
		s.mu.Unlock()
		for _, f := range unneeded {
			s.remove(f.journalFile)
		}
	}
}

// keptFile is a file that nothing names, and that is removed later.
type keptFile struct {
	journalFile
	last uint64 // the last keeper who may need it
}

// needed tells whether there is still a keeper who may need a file.
func (s *Store) needed(f keptFile) bool {
	for keeper := range s.keeping {
		if keeper <= f.last {
			return true
		}
	}
	return false
}

// removeFiles removes files that nothing names: at once, or when nobody keeps them any more.
func (s *Store) removeFiles(slot uint32, kind fileKind, numbers []uint64) {
	for _, number := range numbers {
		if f := (journalFile{slot, kind, number}); !s.keep(f) {
			s.remove(f)
		}
	}
}

// keep notes a file that is to be removed later, if somebody may need it.
func (s *Store) keep(f journalFile) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := keptFile{f, s.keepers}
	if !s.needed(kept) {
		return false
	}
	s.kept = append(s.kept, kept)
	return true
}

// remove removes a file. What it cannot remove goes after a later opening of the partition.
func (s *Store) remove(f journalFile) {
	if err := os.Remove(s.fileName(f.slot, f.kind, f.number)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.options.Log.Warn("a file of the journal cannot be removed, and takes space until after its partition is opened again", "problem", err)
	}
}

// removeOthers removes the files of a slot and a kind that do not have one of these numbers.
func (s *Store) removeOthers(slot uint32, kind fileKind, named map[uint64]bool) {
	var numbers []uint64
	err := s.eachFile(func(f journalFile, _ fs.DirEntry) error {
		if f.slot == slot && f.kind == kind && !named[f.number] {
			numbers = append(numbers, f.number)
		}
		return nil
	})
	if err != nil {
		s.options.Log.Warn("files of the journal that are not needed cannot be removed", "problem", err)
	}
	s.removeFiles(slot, kind, numbers)
}

// fileReader reads values of a slot that may be in files: blocks, or states.
type fileReader struct {
	store   *Store
	slot    uint32
	kind    fileKind
	longest uint64              // more than a value takes
	open    map[uint64]*os.File // by number, those that were read last
	buffer  []byte              // for reuse: the value that was read last
}

// mostOpenFiles is how many files a fileReader keeps open. The states of entities whose ids follow each other may be in many.
const mostOpenFiles = 16

func blockReader(s *Store, slot uint32) *fileReader {
	return &fileReader{store: s, slot: slot, kind: blocksFile, longest: longestBlock}
}

func stateReader(s *Store, slot uint32) *fileReader {
	return &fileReader{store: s, slot: slot, kind: statesFile, longest: longestState}
}

// valueOf hands a value to a function, wherever it is. File is the number of the file that it is in; 0: it is in the database.
func (r *fileReader) valueOf(item *badger.Item, use func(value []byte) error) (file uint64, err error) {
	err = valueOf(item, func(value []byte) error {
		p, err := placeOf(value, r.longest)
		if err != nil {
			return err
		}
		if file = p.file; file == 0 {
			return use(value)
		}
		content, err := r.read(item.Key(), p)
		if err == nil {
			err = use(content)
		}
		if err != nil {
			return fmt.Errorf("file %d of the journal: %w", file, err)
		}
		return nil
	})
	return file, err
}

// read reads the value at a place, if it is the one that was put under this key. It is valid until the next read.
func (r *fileReader) read(key []byte, p place) ([]byte, error) {
	file := r.open[p.file]
	if file == nil {
		if len(r.open) == mostOpenFiles {
			r.closeOne()
		}
		var err error
		file, err = os.Open(r.store.fileName(r.slot, r.kind, p.file))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w: the file is missing", ErrCorrupt)
		}
		if err != nil {
			return nil, err
		}
		if r.open == nil {
			r.open = make(map[uint64]*os.File)
		}
		r.open[p.file] = file
	}
	r.buffer = slices.Grow(r.buffer[:0], int(p.length))[:p.length]
	_, err := file.ReadAt(r.buffer, int64(p.offset))
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: it ends before the value does", ErrCorrupt)
	}
	if err == nil && !bound(key, r.buffer) {
		err = errForeign
	}
	return r.buffer, err
}

// closeOne closes any one of the files.
func (r *fileReader) closeOne() {
	for number, file := range r.open {
		_ = file.Close() // it was only read
		delete(r.open, number)
		return
	}
}

func (r *fileReader) close() {
	for _, file := range r.open {
		_ = file.Close() // it was only read
	}
	clear(r.open)
}
