package persistence

import (
	"cmp"
	"errors"
	"fmt"
	"io"

	"github.com/dgraph-io/badger/v4"
)

// errPartitionClosed is the error of Write if the partition was closed before.
var errPartitionClosed = errors.New("the partition was closed before its checkpoint was written")

// Write writes the plan. It touches only the store and the plan, and of entities
// what does not change meanwhile, so it may run on any goroutine. It runs once.
//
// Large blocks are written to a file first. Blocks, or their places in it, and head
// are written in one transaction, or in several, of which the last one makes them
// count. Chunks and states follow, many states in a file. Then all states may be
// surveyed, and last the files go that nothing needs any more. After an
// error the stored state is the checkpoint of before or this one, and a later plan
// can be written.
func (plan *Plan) Write() error {
	if !plan.phase.CompareAndSwap(planMade, planWriting) {
		if plan.phase.Load() == planCancelled {
			return errPartitionClosed
		}
		panic("persistence: Write was called twice")
	}
	defer plan.end()
	if !plan.filled {
		panic("persistence: Write was called before Fill")
	}
	if plan.next != nil {
		if err := plan.writeJournal(); err != nil {
			return fmt.Errorf("write checkpoint: %w", err)
		}
	}
	if plan.trimmed > 0 || len(plan.sealings) > 0 || len(plan.removed) > 0 || plan.complete != nil || plan.dropsState() {
		if err := plan.writeSealings(); err != nil {
			plan.forsakeStates()
			return fmt.Errorf("seal chunks: %w", err)
		}
	}
	if plan.trimsAll && plan.file != 0 {
		plan.emptied = append(plan.emptied, plan.file)
	}
	plan.surveyStates()
	if done, err := plan.store.use(); err == nil { // else the next opening removes them
		plan.store.removeFiles(plan.slot, blocksFile, plan.emptied)
		done()
	}
	plan.sealed = true
	return nil
}

// end ends the writing, whatever came of it.
func (plan *Plan) end() {
	if !plan.phase.CompareAndSwap(planWriting, planWritten) {
		plan.owner.letGo() // it was orphaned
	}
}

// leave tells whether nothing is being written. If something is, the end of Write
// releases the partition.
func (plan *Plan) leave() bool {
	return plan.phase.CompareAndSwap(planMade, planCancelled) || !plan.phase.CompareAndSwap(planWriting, planOrphaned)
}

// writeJournal writes the new entities and blocks, and the head last.
func (plan *Plan) writeJournal() error {
	memory := plan.store.borrow(len(plan.entries) * usualPoint)
	defer func() { plan.store.memory.Put(&memory) }()
	values := make([][]byte, 0, len(plan.blocks))
	rest := plan.entries
	for _, b := range plan.blocks {
		start := len(memory)
		memory = appendBlock(memory, rest[:b.points])
		values = append(values, memory[start:])
		rest = rest[b.points:]
	}
	if len(memory) >= cmp.Or(plan.store.options.File, fileFrom) {
		if err := plan.writeFile(memory, values); err != nil {
			return err
		}
	}
	write := func(u *update) error {
		if err := plan.putAdded(u); err != nil {
			return err
		}
		if err := plan.writeState(u); err != nil {
			return err
		}
		for i, b := range plan.blocks {
			if err := u.set(blockKey(plan.slot, b.seq), values[i]); err != nil {
				return err
			}
		}
		return u.set(plan.head, encodeRecord(plan.next))
	}
	err := plan.store.atomically(write)
	if errors.Is(err, errSplit) {
		if err = plan.announce(); err == nil {
			err = plan.store.update(write)
		}
	}
	if err != nil {
		plan.forsake()
		return err
	}
	plan.journaled = true
	if plan.replaced != nil {
		plan.store.purge(plan.replaced.slot)
	}
	return nil
}

// writeFile writes the blocks to a file. Then their values are their places in it.
func (plan *Plan) writeFile(content []byte, values [][]byte) error {
	file, offset := plan.store.newFile(), 0
	for i, value := range values {
		bind(blockKey(plan.slot, plan.blocks[i].seq), content[offset:offset+len(value)])
		values[i] = encodePlace(place{file, uint64(offset), uint64(len(value))})
		offset += len(value)
	}
	err := plan.store.writeFile(plan.store.fileName(plan.slot, blocksFile, file), func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
	if err != nil {
		return err
	}
	plan.file, plan.next.files = file, true
	if plan.complete != nil {
		plan.complete.files = true // it is a copy of next
	}
	for i := range plan.blocks {
		plan.blocks[i].file = file
	}
	return nil
}

// forsake removes the file of blocks that are not stored. A write that failed may have come through, so the stored head is asked.
func (plan *Plan) forsake() {
	if plan.file == 0 {
		return
	}
	var now *record
	err := plan.store.view(func(txn *badger.Txn) (err error) {
		now, err = readHead(txn, plan.head)
		return err
	})
	if err == nil && (now == nil || now.slot != plan.slot || now.seq < plan.through) {
		plan.store.removeFiles(plan.slot, blocksFile, []uint64{plan.file})
	}
}

// usualPoint is more than most points take in a block.
const usualPoint = 11

// borrow returns memory for some bytes, which goes back to Store.memory. New memory is dear: the system has to find each page of it.
func (s *Store) borrow(size int) []byte {
	if used, _ := s.memory.Get().(*[]byte); used != nil && cap(*used) >= size {
		return (*used)[:0]
	}
	return make([]byte, 0, size)
}

// putAdded puts the entities that are stored for the first time. There may be a million, so their keys and values share
// one piece of memory.
func (plan *Plan) putAdded(u *update) error {
	size := 0
	for _, e := range plan.added {
		size += aroundKey + min(len(e.key), longestKey) + largestID
	}
	memory := make([]byte, 0, size)
	for _, e := range plan.added {
		start := len(memory)
		memory = appendEntityKey(memory, plan.slot, e.key)
		middle := len(memory)
		memory = appendID(memory, e.id)
		if err := u.set(memory[start:middle:middle], memory[middle:len(memory):len(memory)]); err != nil {
			return err
		}
	}
	return nil
}

// announce has the stored head say that a checkpoint of several transactions is
// under way. If it stays unfinished, the next opening removes its traces and gives
// its ids to other entities. Without a stored head nothing counts anyway.
func (plan *Plan) announce() error {
	if plan.old == nil || plan.old.underway {
		return nil
	}
	announced := *plan.old
	announced.underway = true
	err := plan.store.update(func(u *update) error { return u.set(plan.head, encodeRecord(&announced)) })
	if err == nil {
		plan.announced = &announced
	}
	return err
}
