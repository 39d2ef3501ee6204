package persistence

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/dgraph-io/badger/v4"
)

// Summary is what there is to say of a partition's state.
type Summary struct {
	Detector  string
	Partition int32
	Head      Head
	Format    int   // of the head; 0 if it cannot be read
	Entities  int   // those with points
	Points    int   // of all windows
	Journaled int   // points in the journal
	Chunks    int   // stored ones
	Bytes     int64 // of keys and values, before compression
	Err       error // why the rest cannot be told, if so
}

// Summaries are those of all that is stored, by detector and partition.
func (s *Store) Summaries() ([]Summary, error) {
	var all []Summary
	err := s.view(func(txn *badger.Txn) error {
		return each(txn, []byte{headKind}, true, func(item *badger.Item) error {
			detector, partition, ok := headOf(item.Key())
			if !ok {
				return fmt.Errorf("%w: a head has the key %x", ErrCorrupt, item.Key())
			}
			summary := Summary{Detector: detector, Partition: partition}
			err := item.Value(func(value []byte) error {
				if len(value) > 0 {
					summary.Format = int(value[0])
				}
				return nil
			})
			all = append(all, summary)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list partitions: %w", err)
	}
	for i := range all {
		_, all[i].Err = s.reading(all[i].Detector, all[i].Partition, all[i].count)
	}
	slices.SortFunc(all, func(a, b Summary) int {
		return cmp.Or(cmp.Compare(a.Detector, b.Detector), cmp.Compare(a.Partition, b.Partition))
	})
	return all, nil
}

// count reads all windows, so that it also tells whether they can be read.
func (y *Summary) count(txn *badger.Txn, p *Partition) error {
	y.Head, y.Journaled = p.stored.Head, p.unsealed
	for _, kind := range []byte{entityKind, chunkKind, blockKind} {
		err := each(txn, slotPrefix(kind, p.slot), false, func(item *badger.Item) error {
			y.Bytes += item.EstimatedSize()
			if kind == chunkKind {
				y.Chunks++
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return p.eachWindow(txn, func(_ string, points []Point) error {
		y.Entities++
		y.Points += len(points)
		return nil
	})
}
