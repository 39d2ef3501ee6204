package persistence

import (
	"fmt"

	"github.com/dgraph-io/badger/v4"
)

// reading calls a function with what is stored of a partition at one moment. The
// partition may have an owner that writes to it meanwhile. The function is not called
// if nothing is stored.
func (s *Store) reading(detector string, number int32, use func(*badger.Txn, *Partition) error) (found bool, err error) {
	done, err := s.use()
	if err != nil {
		return false, err
	}
	defer done()
	defer s.keepFiles()()
	p := &Partition{store: s, head: headKey(detector, number)}
	err = s.view(func(txn *badger.Txn) error {
		if _, err := p.read(txn); err != nil || p.stored == nil {
			return err
		}
		return use(txn, p)
	})
	return p.stored != nil, err
}

// storedEntity is an entity as a snapshot has it.
type storedEntity struct {
	key    string
	state  State
	points []Point // its window in the order of arrival; with a state, the points after it
}

// eachWindow visits the entities in the order of their keys. State and points are valid until visit returns.
func (p *Partition) eachWindow(txn *badger.Txn, visit func(e *storedEntity) error) error {
	v := newView(p.store, txn, p.slot, p.stateful())
	defer v.close()
	var buffer []Point // for reuse
	return each(txn, slotPrefix(entityKind, p.slot), func(item *badger.Item) error {
		key := string(item.Key()[5:])
		id, found, err := p.lookUp(txn, key)
		if !found || err != nil {
			return err
		}
		e := p.byID[id]
		if e == nil {
			e = &Entity{id: id}
		}
		w, err := p.loadWindow(v, e, buffer[:0], allPoints)
		if err != nil {
			return fmt.Errorf("entity %s: %w", key, err)
		}
		buffer = w.points
		if w.empty() {
			return nil // of a checkpoint that was not finished
		}
		return visit(&storedEntity{key, w.state, p.live(w.points)})
	})
}

// window leaves out the points that later points have evicted. Each point evicts
// older ones from the front, until it meets one that is within the history. The
// stored state may have such points or not. The history is taken for a millisecond
// longer, because it may not be a whole number of them.
func window(points []Point, history int64) []Point {
	head := 0
	for i, p := range points {
		for head < i && points[head].At < p.At-history-1 {
			head++
		}
	}
	return points[head:]
}
