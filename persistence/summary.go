package persistence

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/dgraph-io/badger/v4"
)

// Summary describes a partition's stored state.
type Summary struct {
	Detector  string
	Partition int32
	Head      Head
	Format    int   // of the head; 0 if it cannot be read
	Entities  int   // those with points
	Points    int   // of all windows
	Journaled int   // points in the journal
	Chunks    int   // stored ones
	States    int   // stored ones; the points in them are in none of the above
	Bytes     int64 // of keys and values, in the database and in files
	Err       error // nil, or why the windows cannot be read
}

// eachHead visits the heads of all partitions.
func (s *Store) eachHead(visit func(detector string, number int32, value []byte)) error {
	err := s.view(func(txn *badger.Txn) error {
		return each(txn, []byte{headKind}, func(item *badger.Item) error {
			detector, number, ok := headOf(item.Key())
			if !ok {
				return fmt.Errorf("%w: a head has the key %x", ErrCorrupt, item.Key())
			}
			return valueOf(item, func(value []byte) error {
				visit(detector, number, value)
				return nil
			})
		})
	})
	if err != nil {
		return fmt.Errorf("list partitions: %w", err)
	}
	return nil
}

// Numbers are the partitions of a detector that have a stored state.
func (s *Store) Numbers(detector string) (numbers []int32, err error) {
	err = s.eachHead(func(of string, number int32, _ []byte) {
		if of == detector {
			numbers = append(numbers, number)
		}
	})
	return numbers, err
}

// Summaries describe all stored partitions, by detector and partition.
func (s *Store) Summaries() ([]Summary, error) {
	var all []Summary
	err := s.eachHead(func(detector string, number int32, value []byte) {
		summary := Summary{Detector: detector, Partition: number}
		if len(value) > 0 {
			summary.Format = int(value[0] &^ tied)
		}
		all = append(all, summary)
	})
	if err != nil {
		return nil, err
	}
	for i := range all {
		_, all[i].Err = s.reading(all[i].Detector, all[i].Partition, all[i].count)
	}
	slices.SortFunc(all, func(a, b Summary) int {
		return cmp.Or(cmp.Compare(a.Detector, b.Detector), cmp.Compare(a.Partition, b.Partition))
	})
	return all, nil
}

// count reads all windows and sections, so that it also tells whether they can be read.
func (y *Summary) count(txn *badger.Txn, p *Partition) error {
	y.Head, y.Journaled = p.stored.Head, p.unsealed
	for _, kind := range slotKinds {
		err := each(txn, slotPrefix(kind, p.slot), func(item *badger.Item) error {
			y.Bytes += item.EstimatedSize()
			switch kind {
			case chunkKind:
				y.Chunks++
			case stateKind:
				y.States++
			}
			if kind != blockKind && kind != stateKind {
				return nil
			}
			return valueOf(item, func(value []byte) error {
				at, err := placeOf(value, longestState)
				y.Bytes += int64(at.length)
				return err
			})
		})
		if err != nil {
			return err
		}
	}
	if _, err := p.readState(txn); err != nil {
		return err
	}
	if p.stored.seen {
		if err := p.readSeen(txn); err != nil {
			return err
		}
	}
	return p.eachWindow(txn, func(e *storedEntity) error {
		y.Entities++
		y.Points += len(e.points)
		return nil
	})
}
