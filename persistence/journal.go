package persistence

import (
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"
)

// journaled is a point and the block it is in.
type journaled struct {
	Point
	seq uint64
}

// entry is a point to be stored. It has no pointer: there may be millions.
type entry struct {
	id uint32
	Point
}

// block is what a Partition knows of a journal block.
type block struct {
	seq    uint64
	file   uint64 // the number of the file that it is in; 0: it is in the database
	points int
	runs   runs
	newest uint32 // the second of its newest point, with Options.Seen
}

// readJournal reads all blocks twice: first to count each entity's points, then to
// put them together.
func (p *Partition) readJournal(txn *badger.Txn) (torn [][]byte, err error) {
	prefix := slotPrefix(blockKind, p.slot)
	reader := blockReader(p.store, p.slot)
	defer reader.close()
	counts := make([]uint32, p.nextID)
	blockOf, places := make([]uint32, p.nextID), make([]uint16, p.nextID) // where an entity was seen last
	total, number, next := 0, uint32(0), uint64(0)
	err = each(txn, prefix, func(item *badger.Item) error {
		seq, err := seqOf(item.Key())
		if err != nil {
			return err
		}
		if seq > p.stored.seq {
			torn = append(torn, item.KeyCopy(nil))
			return nil
		}
		if next > 0 && seq != next {
			return fmt.Errorf("%w: journal block %d is missing", ErrCorrupt, next)
		}
		next = seq + 1
		b := block{seq: seq}
		p.ids, p.counts = p.ids[:0], p.counts[:0]
		number++
		var foreign error
		b.file, err = reader.valueOf(item, func(value []byte) error {
			return eachOfBlock(value, func(id uint32, _ Point) {
				if int(id) >= len(counts) || b.points == blockPoints {
					foreign = fmt.Errorf("%w: journal block %d has more than %d points, or entity %d of %d", ErrCorrupt, seq, blockPoints, id, len(counts))
					return
				}
				counts[id]++
				b.points++
				if blockOf[id] != number {
					blockOf[id], places[id] = number, uint16(len(p.ids))
					p.ids, p.counts = append(p.ids, id), append(p.counts, 0)
				}
				p.counts[places[id]]++
			})
		})
		total += b.points
		b.runs, p.packed = newRuns(p.packed, p.ids, p.counts)
		p.blocks = append(p.blocks, b)
		return errors.Join(err, foreign)
	})
	if err != nil {
		return nil, err
	}
	if len(p.blocks) > 0 && next != p.stored.seq+1 {
		return nil, fmt.Errorf("%w: journal block %d is missing", ErrCorrupt, next)
	}
	p.unsealed = total
	all := make([]journaled, total)
	entities := make([]Entity, 0, p.nextID)
	for id, count := range counts {
		if count > 0 {
			entities = append(entities, Entity{id: uint32(id), named: true, tail: all[:0:count]})
			p.byID[id] = &entities[len(entities)-1]
			all = all[count:]
		}
	}
	for _, b := range p.blocks {
		item, err := txn.Get(blockKey(p.slot, b.seq))
		if err != nil {
			return nil, spoilt(err)
		}
		_, err = reader.valueOf(item, func(value []byte) error {
			return eachOfBlock(value, func(id uint32, point Point) {
				e := p.byID[id]
				e.tail = append(e.tail, journaled{point, b.seq})
			})
		})
		if err != nil {
			return nil, err
		}
	}
	return torn, nil
}

func seqOf(key []byte) (uint64, error) {
	if len(key) != 13 {
		return 0, fmt.Errorf("%w: a journal block has the key %x", ErrCorrupt, key)
	}
	return order.Uint64(key[5:]), nil
}
