package tail

// Reader gives the anomalies in the order of arrival. It serves one goroutine.
type Reader struct {
	tail   *Tail
	filter Filter
	topic  string // the topic of vector; empty: not known
	vector Vector // the next offset to give of each partition
	told   Vector // of each partition, the offset up to which the Reader was told of a gap
	epoch  int
	life   int
	next   int  // index in the log
	now    bool // it begins where the tail begins, once that is known
}

// Item is an anomaly, and the vector with which to go on after it.
type Item struct {
	Entry Entry
	After Vector
}

// Gap says what a Reader cannot be given any more.
type Gap struct {
	Missing int64 // how many offsets of the output topic; some of them may not have held an anomaly
	Remade  bool  // the topic is another one, so offsets begin anew
}

// Since is a Reader of what comes after a vector. It reads a partition that the vector does not name from its
// beginning. The vector may come from another node. A nil vector stands for this moment; if reading has not
// begun yet, it stands for the place where reading begins.
func (t *Tail) Since(vector Vector, f Filter) *Reader {
	t.mu.RLock()
	defer t.mu.RUnlock()
	r := &Reader{tail: t, filter: f, vector: vector.Clone(), told: make(Vector), life: t.life, epoch: -1}
	if vector == nil {
		r.vector, r.now = t.vector.Clone(), !t.begun
	}
	return r
}

// mostLooked limits how many anomalies one Next looks at, so that a filter that chooses few does not hold up
// the writer.
const mostLooked = 1 << 16

// Next returns at most limit anomalies. It returns none if there are no more for now, or if it has looked at
// mostLooked anomalies without finding one. A gap lies before all items that come with it.
func (r *Reader) Next(limit int) (items []Item, gap *Gap) {
	t := r.tail
	t.mu.RLock()
	defer t.mu.RUnlock()
	if !t.begun {
		return nil, nil
	}
	switch {
	case r.now:
		r.now, r.life, r.vector = false, t.life, t.start.Clone()
	case r.life != t.life || r.topic != "" && t.topic != "" && r.topic != t.topic:
		r.vector, r.told, r.life, r.epoch = t.start.Clone(), make(Vector), t.life, -1
		gap = &Gap{Remade: true}
	}
	if t.topic != "" || gap != nil {
		r.topic = t.topic
	}
	if r.epoch != t.epoch {
		r.epoch, r.next = t.epoch, 0
	}
	if missing := r.missing(); missing > 0 && gap == nil {
		gap = &Gap{Missing: missing}
	}
	m := t.matcher(r.filter)
	for looked := 0; r.next < len(t.log); r.next++ {
		if looked++; looked > mostLooked || len(items) == limit {
			return items, gap
		}
		row := t.rows.at(t.log[r.next])
		if row.outputOffset < r.vector[row.outputPartition] {
			continue
		}
		r.vector[row.outputPartition] = row.outputOffset + 1
		if m.row(row) {
			items = append(items, Item{t.entry(t.log[r.next]), r.vector.Clone()})
		}
	}
	r.vector.Raise(t.vector)
	return items, gap
}

// missing counts the offsets after the vector that are not held, except those of which the Reader was told.
func (r *Reader) missing() (missing int64) {
	t := r.tail
	var behind Vector
	for partition, lost := range t.lost {
		from := max(r.vector[partition], r.told[partition])
		if from >= lost {
			continue
		}
		if behind == nil {
			behind = make(Vector)
		}
		behind[partition] = from
		missing += lost - from
		r.told[partition] = lost
	}
	if behind == nil {
		return 0
	}
	for _, i := range t.log[r.next:] {
		row := t.rows.at(i)
		if from, is := behind[row.outputPartition]; is && row.outputOffset >= from && row.outputOffset < t.lost[row.outputPartition] {
			missing--
		}
	}
	return missing
}

// Vector is where the Reader is: after what Next gave and what it passed over.
func (r *Reader) Vector() Vector { return r.vector.Clone() }

// More returns a channel that is closed once Next may have something to give.
func (r *Reader) More() <-chan struct{} {
	t := r.tail
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.begun && (r.life != t.life || r.epoch != t.epoch || r.next < len(t.log)) {
		return closed
	}
	return t.whenMore
}

var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()
