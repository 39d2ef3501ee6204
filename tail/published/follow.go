package published

import "anomalydetector/tail"

// Reader gives the episodes that have changed, each in its latest state, in the order of their records. It serves one goroutine.
type Reader struct {
	of     *Episodes
	query  Query
	vector tail.Vector // the next offset to give of each partition
	change uint64      // the latest change that was given or passed over
	life   int
}

// Since is a Reader of what comes after a vector of the topic. It gives a partition that the vector does not name from its
// beginning. A nil vector stands for this moment.
func (e *Episodes) Since(vector tail.Vector, q Query) *Reader {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if vector == nil {
		return &Reader{of: e, query: q, vector: e.vector.Clone(), change: e.changes, life: e.life}
	}
	for partition, offset := range vector {
		if e.reading.Caught && offset > e.vector[partition] {
			vector = tail.Vector{} // it is of a topic that was made again since then
			break
		}
	}
	return &Reader{of: e, query: q, vector: vector.Clone(), life: e.life}
}

// Item is an episode that has changed, and the vector with which to go on after it.
type Item struct {
	Episode Episode
	After   tail.Vector
}

// Next returns at most limit episodes; none if there are no more for now.
func (r *Reader) Next(limit int) (changed []Item) {
	e := r.of
	e.mu.RLock()
	defer e.mu.RUnlock()
	if r.life != e.life { // the offsets are those of another topic
		r.life, r.change, r.vector = e.life, 0, make(tail.Vector)
	}
	from := e.last
	for from != nil && from.prev != nil && from.prev.change > r.change {
		from = from.prev
	}
	m := e.matcher(&r.query)
	for one := from; one != nil && len(changed) < limit; one = one.next {
		if one.change <= r.change {
			continue
		}
		r.change = one.change
		if one.offset < r.vector[one.Partition] {
			continue
		}
		r.vector[one.Partition] = one.offset + 1
		if m.takes(one) {
			changed = append(changed, Item{e.told(one), r.vector.Clone()})
		}
	}
	if len(changed) < limit {
		r.change = e.changes
		r.vector.Raise(e.vector)
	}
	return changed
}

// Vector is where the Reader is.
func (r *Reader) Vector() tail.Vector { return r.vector.Clone() }

// More returns a channel that is closed once Next may have something to give.
func (r *Reader) More() <-chan struct{} {
	e := r.of
	e.mu.RLock()
	defer e.mu.RUnlock()
	if r.life != e.life || r.change < e.changes {
		return closed
	}
	return e.whenMore
}

var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()
