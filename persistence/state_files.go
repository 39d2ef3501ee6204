package persistence

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"maps"
	"slices"

	"github.com/dgraph-io/badger/v4"
)

// The states of a large checkpoint are in a file, as its blocks are; see files.go. The database has their places:
//
//	state in a file    format 2: file | offset | length
//
// The blocks of a file leave the journal in order. States do not: each is replaced or deleted at a time of its own, and nothing counts those
// that a file still has. Instead a checkpoint now and then surveys the places of all states; see state_survey.go.
//
// A head that is stored together with such a place, or later, names the section filed states. A version that does not know it refuses the directory.
const (
	// stateFileFrom is from how many bytes on the states of a checkpoint get a file: some 200 of the method habit. A partition with small files would
	// have thousands.
	stateFileFrom = 1 << 20
	// longestState is more than a state takes.
	longestState = 1 << 30
	// filedAtOnce is how many bytes are written to a file at once.
	filedAtOnce = 256 << 10
)

// stateFiles is what a Partition knows of the files that its states are in.
type stateFiles struct {
	sizes   map[uint64]int64 // by number
	total   statesTotal      // at the last survey
	written int64            // how many bytes of states were written or removed since
}

// statesTotal is how many states there are, in files and in the database, and how many bytes they have.
type statesTotal struct{ number, bytes int64 }

// listStateFiles lists the files of a slot. One may be removed meanwhile, if a reader kept it until now.
func (s *Store) listStateFiles(slot uint32) (files stateFiles, err error) {
	err = s.eachFile(func(f journalFile, entry fs.DirEntry) error {
		if f.slot != slot || f.kind != statesFile {
			return nil
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			files.add(f.number, info.Size())
		}
		return err
	})
	return files, err
}

func (f *stateFiles) add(number uint64, size int64) {
	if f.sizes == nil {
		f.sizes = make(map[uint64]int64)
	}
	f.sizes[number] = size
}

// filing is what a plan does with files of states.
type filing struct {
	// Decided by FillStates.
	inFile bool             // the states of the plan get a file
	states int64            // how many bytes of states the plan writes
	due    bool             // the plan surveys all states
	sizes  map[uint64]int64 // for the survey: the files

	// Decided by Write.
	made     map[uint64]int64 // the files that it has made, and their sizes
	file     uint64           // that of the plan's states; 0: they are in the database
	surveyed bool
	found    []uint64    // files that are dead
	total    statesTotal // of the last survey that has seen all states
}

// planStateFiles decides whether the states of the plan get a file, and whether all are surveyed.
func (plan *Plan) planStateFiles() {
	known, least := &plan.owner.stateFiles, int64(cmp.Or(plan.store.options.File, stateFileFrom))
	plan.filing.states = int64(len(plan.owned))
	if plan.filing.states >= least && (plan.next != nil || plan.owner.stored.filedStates) {
		plan.filing.inFile = true
		for _, head := range []*record{plan.next, plan.complete} { // the second is a copy of the first
			if head != nil {
				head.filedStates = true
			}
		}
	}
	filed := plan.filing.inFile || len(known.sizes) > 0
	if plan.filing.due = filed && known.written+plan.filing.states >= max(least, known.total.bytes/2); plan.filing.due {
		plan.filing.sizes, plan.filing.total = maps.Clone(known.sizes), known.total
	}
}

// settle takes over what was written of a plan.
func (f *stateFiles) settle(plan *Plan) {
	done := &plan.filing
	f.written += max(done.states, done.made[done.file]) // a file has a little more
	if plan.sealed {
		f.written += int64(len(plan.removed)) * f.total.bytes / max(f.total.number, 1)
	}
	for number, size := range done.made {
		f.add(number, size)
	}
	if !done.surveyed {
		return
	}
	f.total, f.written = done.total, 0
	for _, number := range done.found {
		delete(f.sizes, number)
	}
}

// writeStateFile writes the states of the plan to a file, if they get one. Then from and to of their sealings are where they are in it.
func (plan *Plan) writeStateFile() (err error) {
	if !plan.filing.inFile {
		return nil
	}
	plan.filing.file, err = plan.makeFile(func(out *fileWriter) error {
		for i := range plan.sealings {
			s := &plan.sealings[i]
			if !s.stated {
				continue
			}
			start := len(out.buffer)
			out.buffer = appendState(out.buffer, plan.stateOf(s))
			bind(stateKey(plan.slot, s.entity.id), out.buffer[start:])
			s.from, s.to = out.offset(start), out.offset(len(out.buffer))
			if err := out.flushIfMany(); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// forsakeStates is called after a write of states failed. It removes their file if none of them is stored: transactions commit in order, so if any
// place is, the first one is.
func (plan *Plan) forsakeStates() {
	number := plan.filing.file
	first := slices.IndexFunc(plan.sealings, func(s sealing) bool { return s.stated })
	if number == 0 || first < 0 {
		return
	}
	named := false
	err := plan.store.view(func(txn *badger.Txn) error {
		_, err := get(txn, stateKey(plan.slot, plan.sealings[first].entity.id), func(value []byte) error {
			p, err := placeOf(value, longestState)
			named = p.file == number
			return err
		})
		return err
	})
	if err == nil && !named {
		plan.store.removeFiles(plan.slot, statesFile, []uint64{number})
		delete(plan.filing.made, number)
	}
}

// makeFile makes a file of states.
func (plan *Plan) makeFile(write func(*fileWriter) error) (number uint64, err error) {
	number = plan.store.newFile()
	out := &fileWriter{buffer: plan.store.borrow(2 * filedAtOnce)}
	defer func() { plan.store.memory.Put(&out.buffer) }()
	err = plan.store.writeFile(plan.store.fileName(plan.slot, statesFile, number), func(w io.Writer) error {
		out.to = w
		if err := write(out); err != nil {
			return err
		}
		return out.flush()
	})
	if err != nil {
		return 0, err
	}
	if plan.filing.made == nil {
		plan.filing.made = make(map[uint64]int64)
	}
	plan.filing.made[number] = int64(out.flushed)
	return number, nil
}

// fileWriter collects values, so that a file is written in large pieces.
type fileWriter struct {
	to      io.Writer
	buffer  []byte
	flushed int // how many bytes are written
}

// offset is where a byte of the buffer is in the file.
func (w *fileWriter) offset(at int) int { return w.flushed + at }

func (w *fileWriter) flushIfMany() error {
	if len(w.buffer) < filedAtOnce {
		return nil
	}
	return w.flush()
}

func (w *fileWriter) flush() error {
	_, err := w.to.Write(w.buffer)
	w.flushed, w.buffer = w.flushed+len(w.buffer), w.buffer[:0]
	return err
}
