package persistence

import (
	"cmp"
	"errors"
	"slices"

	"github.com/dgraph-io/badger/v4"
)

// A survey looks at the places of all states of a partition, after a checkpoint is stored:
//
//   - A file that no place names is dead. Settle removes it, because until then the owner may have a view of before.
//   - The states of a sparse file, of which less than half counts, are copied to a new one. Then it is dead, too.
//
// A survey comes when half as many bytes of states were written or removed as all states had at the last one. So after a survey
// the files take at most twice what all states take, and half as much again until the next survey. A survey copies at most what all
// states take, and on average not more than what was written or removed.
//
// A file with a state that cannot be read stays, and its other states are copied. The state's entity may be in memory, and then its next state is a
// good one. If it is not, its partition is rebuilt when it is loaded.

// surveyStates surveys the states if it is time. What fails, the next survey does, after as many bytes again: the checkpoint is stored.
func (plan *Plan) surveyStates() {
	done := &plan.filing
	if !done.due {
		return
	}
	done.surveyed = true
	total := statesTotal{}
	counts := make(map[uint64]int64) // by the number of a file, how many bytes of it count
	err := plan.eachState(func(_ uint32, p place, length int64) {
		total.number++
		total.bytes += length
		if p.file != 0 {
			counts[p.file] += length
		}
	})
	if err == nil {
		done.total = total
		sparse := done.sortFiles(counts)
		var copied []uint64
		copied, err = plan.copyStates(sparse)
		done.found = append(done.found, copied...)
	}
	if err != nil && !errors.Is(err, ErrClosed) {
		plan.store.options.Log.Warn("files of states that are not needed stay for now, and take space", "problem", err)
	}
}

// sortFiles finds the files that are dead, and returns those that are sparse.
func (f *filing) sortFiles(counts map[uint64]int64) (sparse []uint64) {
	for number, size := range f.sizes {
		switch {
		case counts[number] == 0:
			f.found = append(f.found, number)
		case counts[number] < size/2:
			sparse = append(sparse, number)
		}
	}
	return sparse
}

// eachState visits the stored states: the place of each, if it is in a file, and its length.
func (plan *Plan) eachState(visit func(id uint32, p place, length int64)) error {
	return plan.store.view(func(txn *badger.Txn) error {
		return each(txn, slotPrefix(stateKind, plan.slot), func(item *badger.Item) error {
			id, err := idOfState(item.Key())
			if err != nil {
				return err
			}
			return rawValueOf(item, func(value []byte) error { // the checksum of a state in the database is not needed
				p, err := placeOf(value, longestState)
				switch {
				case err != nil:
					return err
				case p.file == 0:
					visit(id, p, int64(len(value)))
				case !bound(item.Key(), value):
					return errForeign
				default:
					visit(id, p, int64(p.length))
				}
				return nil
			})
		})
	})
}

// stateInFile is a state that is in a file.
type stateInFile struct {
	id uint32
	place
}

// copyStates copies the states of some files to a new one, and has the database say that they are there. It returns the files that were copied whole.
func (plan *Plan) copyStates(files []uint64) (copied []uint64, err error) {
	if len(files) == 0 {
		return nil, nil
	}
	var states []stateInFile
	err = plan.eachState(func(id uint32, p place, _ int64) {
		if slices.Contains(files, p.file) {
			states = append(states, stateInFile{id, p})
		}
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(states, func(a, b stateInFile) int { // to read each file once, in order
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.offset, b.offset))
	})
	var copies []stateInFile
	unread := make(map[uint64]bool)
	number, err := plan.makeFile(func(out *fileWriter) error {
		reader := stateReader(plan.store, plan.slot)
		defer reader.close()
		for _, s := range states {
			value, err := reader.read(stateKey(plan.slot, s.id), s.place)
			if err != nil {
				if !unread[s.file] {
					plan.store.options.Log.Warn("a state cannot be read, and its file stays", "file", s.file, "error", err)
				}
				unread[s.file] = true
				continue
			}
			copies = append(copies, stateInFile{s.id, place{offset: uint64(out.offset(len(out.buffer))), length: s.length}})
			out.buffer = append(out.buffer, value...)
			if plan.store.stopped() {
				return ErrClosed
			}
			if err := out.flushIfMany(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = plan.store.update(func(u *update) error { // if it fails, the next survey may find that the new file is dead
		for _, c := range copies {
			c.file = number
			if err := u.set(stateKey(plan.slot, c.id), encodePlace(c.place)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(files, func(file uint64) bool { return unread[file] }), nil
}
