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
	"strconv"
	"strings"

	"github.com/dgraph-io/badger/v4"
)

// The journal blocks of a large checkpoint are in a file beside the database, which has only their places. The database
// would write them several times, each time through memory that is mapped to a file, and on some machines that takes longer than to score
// the points (docs/adr/0047).
//
// A file is written whole and synced before the transaction that names it. After that it never changes, and it is removed after the
// transaction that deletes the last of its blocks. So all that a crash leaves is a file that nothing names. The next owner of its partition
// removes it, or the next opening of the store if the slot has no partition.
//
//	state/journal/SLOT-NUMBER.blocks      block | block | ...      each as the database would have it
//
// The number differs for each file of the store. So a transaction that failed, and came through nevertheless, names a file that
// the next attempt does not touch.

const (
	journalDir = "journal" // in the directory of the database
	blocksEnd  = ".blocks"

	// fileFrom is from how many bytes on the blocks of a checkpoint get a file. A file costs two more syncs. A stream with
	// few records would have many small ones.
	fileFrom = 64 << 10
)

// errNoFile is in an error, beside ErrCorrupt, if the file of a block is not there. A reader that is not the owner may be late: the file was
// removed after its transaction had begun.
var errNoFile = errors.New("it is in a file that is missing")

// place is where a block is.
type place struct {
	file   uint64 // its number, from 1 on; 0: the block is in the database
	offset uint64
	length uint64
}

// encodePlace makes the value of a block that is in a file.
func encodePlace(p place) []byte {
	b := room(3 * binary.MaxVarintLen64)
	for _, x := range []uint64{p.file, p.offset, p.length} {
		b = binary.AppendUvarint(b, x)
	}
	return sealAs(filed, b)
}

// placeOf is where a block with this value is.
func placeOf(value []byte) (p place, err error) {
	if len(value) == 0 || value[0]&^tied != filed {
		return place{}, nil
	}
	b, _, err := bodyUpTo(filed, value)
	if err != nil {
		return place{}, err
	}
	p = place{b.uvarint(), b.uvarint(), b.uvarint()}
	if err = b.end("place of a block"); err == nil && (p.file == 0 || p.length > longestBlock || p.offset > math.MaxInt64-longestBlock) {
		err = fmt.Errorf("%w: the place of a block is impossible", ErrCorrupt)
	}
	return p, err
}

// longestBlock is more than a block takes.
const longestBlock = blockPoints*(2*binary.MaxVarintLen64+8) + 100

func (s *Store) journal() string { return filepath.Join(s.dir, journalDir) }

func (s *Store) fileName(slot uint32, number uint64) string {
	return filepath.Join(s.journal(), fmt.Sprintf("%d-%d%s", slot, number, blocksEnd))
}

// fileOf is the opposite of fileName.
func fileOf(name string) (slot uint32, number uint64, ok bool) {
	name, ok = strings.CutSuffix(filepath.Base(name), blocksEnd)
	first, second, found := strings.Cut(name, "-")
	s, bad := strconv.ParseUint(first, 10, 32)
	n, worse := strconv.ParseUint(second, 10, 64)
	return uint32(s), n, ok && found && bad == nil && worse == nil
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
	err = s.eachFile(func(slot uint32, number uint64) {
		slots[slot] = true
		s.files = max(s.files, number)
	})
	return slots, err
}

// eachFile visits the files of the journal. Without a directory there are none.
func (s *Store) eachFile(visit func(slot uint32, number uint64)) error {
	entries, err := os.ReadDir(s.journal())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, entry := range entries {
		if slot, number, ok := fileOf(entry.Name()); ok {
			visit(slot, number)
		}
	}
	return nil
}

// newFile is a number that no file has had.
func (s *Store) newFile() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files++
	return s.files
}

// writeFile writes a file, which is there after a crash once it returns nil.
func (s *Store) writeFile(slot uint32, number uint64, content []byte) error {
	done, err := s.use()
	if err != nil {
		return err
	}
	defer done()
	if err := s.mayWrite(); err != nil {
		return err
	}
	name := s.fileName(slot, number)
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
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

// syncDir makes the names of files in a directory last.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// removeFiles removes files that nothing names. What it cannot remove, the next opening of the partition does.
func (s *Store) removeFiles(slot uint32, numbers []uint64) {
	for _, number := range numbers {
		if err := os.Remove(s.fileName(slot, number)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.options.Log.Warn("a file of the journal cannot be removed, and takes space until its partition is opened again", "problem", err)
		}
	}
}

// removeOthers removes the files of a slot that do not have one of these numbers.
func (s *Store) removeOthers(slot uint32, named map[uint64]bool) {
	var numbers []uint64
	err := s.eachFile(func(of uint32, number uint64) {
		if of == slot && !named[number] {
			numbers = append(numbers, number)
		}
	})
	if err != nil {
		s.options.Log.Warn("files of the journal that are not needed cannot be removed", "problem", err)
	}
	s.removeFiles(slot, numbers)
}

// blockReader reads journal blocks of a slot, fastest in their order.
type blockReader struct {
	store  *Store
	slot   uint32
	number uint64   // of the open file; 0: none
	file   *os.File // that was read last
	buffer []byte   // for reuse: the block that was read last
}

// valueOf hands a block to a function, wherever it is. File is the number of the file that it is in; 0: it is in the database.
func (b *blockReader) valueOf(item *badger.Item, use func(value []byte) error) (file uint64, err error) {
	err = valueOf(item, func(value []byte) error {
		p, err := placeOf(value)
		if err != nil {
			return err
		}
		if file = p.file; file == 0 {
			return use(value)
		}
		block, err := b.read(p)
		if err == nil && !bound(item.Key(), block) {
			err = errForeign
		}
		if err == nil {
			err = use(block)
		}
		if err != nil {
			return fmt.Errorf("file %d of the journal: %w", file, err)
		}
		return nil
	})
	return file, err
}

func (b *blockReader) read(p place) ([]byte, error) {
	if b.number != p.file {
		b.close()
		file, err := os.Open(b.store.fileName(b.slot, p.file))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w: %w", ErrCorrupt, errNoFile)
		}
		if err != nil {
			return nil, err
		}
		b.file, b.number = file, p.file
	}
	if uint64(cap(b.buffer)) < p.length {
		b.buffer = make([]byte, p.length)
	}
	b.buffer = b.buffer[:p.length]
	_, err := b.file.ReadAt(b.buffer, int64(p.offset))
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: it ends before the block does", ErrCorrupt)
	}
	return b.buffer, err
}

func (b *blockReader) close() {
	if b.file != nil {
		_ = b.file.Close() // it was only read
		b.file, b.number = nil, 0
	}
}
