package persistence

import (
	"cmp"
	"fmt"
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
// that a file still has. Instead a checkpoint now and then surveys the places of all states:
//
//   - A file that no place names is dead. The next checkpoint removes it, because the owner may still have a view of before.
//   - The states of a sparse file, of which less than half counts, are copied to a new one. Then it is dead, too.
//
// A survey comes when half as many bytes of states were written as all states had at the last one. So files take at most two and a half times
// what all states take, and a survey reads little for what was written. A byte is copied at most once for each byte that was written or removed.
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
	all     int64            // how many bytes the states had at the last survey, in files and in the database
	written int64            // how many bytes of states were written since
	dead    []uint64         // nothing names them: the next plan removes them
}

// stateFilesOf lists the files of a slot.
func (s *Store) stateFilesOf(slot uint32) (files stateFiles, err error) {
	err = s.eachFile(func(f journalFile, entry fs.DirEntry) error {
		if f.slot != slot || f.kind != statesFile {
			return nil
		}
		info, err := entry.Info()
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
	survey bool             // the plan surveys all states
	sizes  map[uint64]int64 // for the survey: the files
	dead   []uint64         // to be removed

	// Decided by Write.
	made     map[uint64]int64 // the files that it has made, and their sizes
	number   uint64           // that of the plan's states; 0: they are in the database
	surveyed bool
	found    []uint64 // files that are dead
	all      int64    // how many bytes the states have
}

// planStateFiles decides whether the states of the plan get a file, and whether all are surveyed.
func (plan *Plan) planStateFiles() {
	known, least := &plan.owner.stateFiles, int64(cmp.Or(plan.store.options.File, stateFileFrom))
	plan.filing.states, plan.filing.dead = int64(len(plan.owned)), known.dead
	if plan.filing.states >= least && (plan.next != nil || plan.owner.stored.filedStates) {
		plan.filing.inFile = true
		for _, head := range []*record{plan.next, plan.complete} { // the second is a copy of the first
			if head != nil {
				head.filedStates = true
			}
		}
	}
	filed := plan.filing.inFile || len(known.sizes) > 0
	if plan.filing.survey = filed && known.written+plan.filing.states >= max(least, known.all/2); plan.filing.survey {
		plan.filing.sizes = maps.Clone(known.sizes)
	}
}

// settle takes over what was written of a plan.
func (f *stateFiles) settle(plan *Plan) {
	done := &plan.filing
	f.written += max(done.states, done.made[done.number]) // a file has a little more
	if plan.sealed && done.dead != nil {
		f.dead = nil
	}
	for number, size := range done.made {
		f.add(number, size)
	}
	if done.surveyed {
		f.all, f.written, f.dead = done.all, 0, append(f.dead, done.found...)
		for _, number := range done.found {
			delete(f.sizes, number)
		}
	}
}

// fileStates writes the states of the plan to a file. Then from and to of their sealings are where they are in it.
func (plan *Plan) fileStates() error {
	if !plan.filing.inFile {
		return nil
	}
	number, err := plan.makeFile(func(out *fileWriter) error {
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
	plan.filing.number = number
	return err
}

// forsakeStates removes the file of the plan's states if none of them is stored there, after a write that failed. They are put in their order, so that the
// first one tells.
func (plan *Plan) forsakeStates() {
	number := plan.filing.number
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

// filedState is a state that is in a file.
type filedState struct {
	id uint32
	place
}

// surveyStates finds the files that are dead, and those that are sparse, whose states it copies. What fails, a later survey does: the checkpoint
// is stored.
func (plan *Plan) surveyStates() {
	if !plan.filing.survey {
		return
	}
	if err := plan.survey(); err != nil {
		plan.store.options.Log.Warn("files of states that are not needed stay, and take space", "problem", err)
	}
}

func (plan *Plan) survey() error {
	states, all, err := plan.filedStates()
	if err != nil {
		return err
	}
	done, counts := &plan.filing, make(map[uint64]int64)
	for _, s := range states {
		counts[s.file] += int64(s.length)
	}
	sparse := make(map[uint64]bool)
	for number, size := range done.sizes {
		if counts[number] == 0 {
			done.found = append(done.found, number)
		} else if counts[number] < size/2 {
			sparse[number] = true
		}
	}
	states = slices.DeleteFunc(states, func(s filedState) bool { return !sparse[s.file] })
	if err := plan.copyStates(states); err != nil {
		return err
	}
	done.found, done.all, done.surveyed = slices.AppendSeq(done.found, maps.Keys(sparse)), all, true
	return nil
}

// filedStates lists the states that are in files. All is how many bytes those have that are not, too.
func (plan *Plan) filedStates() (states []filedState, all int64, err error) {
	err = plan.store.view(func(txn *badger.Txn) error {
		return each(txn, slotPrefix(stateKind, plan.slot), func(item *badger.Item) error {
			id, err := idOfState(item.Key())
			if err != nil {
				return err
			}
			return valueOf(item, func(value []byte) error {
				p, err := placeOf(value, longestState)
				if p.file == 0 {
					all += int64(len(value))
					return err
				}
				states = append(states, filedState{id, p})
				all += int64(p.length)
				return err
			})
		})
	})
	return states, all, err
}

// copyStates copies states to a new file, and has the database say that they are there.
func (plan *Plan) copyStates(states []filedState) error {
	if len(states) == 0 {
		return nil
	}
	slices.SortFunc(states, func(a, b filedState) int { // to read each file once, in order
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.offset, b.offset))
	})
	reader := stateReader(plan.store, plan.slot)
	defer reader.close()
	copies := make([]place, len(states))
	number, err := plan.makeFile(func(out *fileWriter) error {
		for i, s := range states {
			value, err := reader.read(s.place)
			if err == nil && !bound(stateKey(plan.slot, s.id), value) {
				err = errForeign
			}
			if err != nil {
				return fmt.Errorf("file %d of the journal: %w", s.file, err)
			}
			copies[i] = place{offset: uint64(out.offset(len(out.buffer))), length: s.length}
			out.buffer = append(out.buffer, value...)
			if err := out.flushIfMany(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return plan.store.update(func(u *update) error {
		for i, s := range states {
			copies[i].file = number
			if err := u.set(stateKey(plan.slot, s.id), encodePlace(copies[i])); err != nil {
				return err
			}
		}
		return nil
	})
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
