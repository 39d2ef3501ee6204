package backtest

import (
	"cmp"
	"hash/maphash"
	"slices"

	"anomalydetector/backtest/source"
)

// task is the decoding of one block.
type task struct {
	block  *source.Block
	items  [][]item // by shard
	keys   []byte   // the memory of the items' keys
	rows   int64
	points int64
	bad    []fault
	span   span
}

// item is a datapoint on its way to its shard.
type item struct {
	at       int64
	value    float64
	line     int
	key, raw extent // in task.keys and block.Data
}

// extent is a part of some memory.
type extent struct{ from, until uint32 }

func (e extent) of(memory []byte) []byte { return memory[e.from:e.until] }

// span is the earliest and the latest time of some datapoints, in Unix milliseconds.
type span struct {
	any         bool
	first, last int64
}

func (s *span) take(at int64) {
	if !s.any {
		*s = span{true, at, at}
		return
	}
	s.first, s.last = min(s.first, at), max(s.last, at)
}

func (s *span) join(o span) {
	if o.any {
		s.take(o.first)
		s.take(o.last)
	}
}

// seed chooses a shard for each key. The result does not depend on it.
var seed = maphash.MakeSeed()

// decode hands the block's datapoints out to shards. With wanted, it leaves out those of other entities.
func (t *task) decode(d source.Decoder, shards int, wanted map[string]*traced) {
	*t = task{block: t.block, items: t.items, keys: t.keys[:0], bad: t.bad[:0]}
	if t.items == nil {
		t.items = make([][]item, shards)
	}
	for i := range t.items {
		t.items[i] = emptied(t.items[i])
	}
	data := t.block.Data
	row := func(r *source.Row) {
		t.rows++
		t.points++
		t.span.take(r.At)
		if wanted != nil && wanted[string(r.Key)] == nil {
			return
		}
		key := uint32(len(t.keys))
		t.keys = append(t.keys, r.Key...)
		raw := uint32(cap(data) - cap(r.Raw)) // r.Raw is a part of data
		shard := maphash.Bytes(seed, r.Key) % uint64(shards)
		t.items[shard] = append(t.items[shard], item{r.At, r.Value, r.Line, extent{key, uint32(len(t.keys))}, extent{raw, raw + uint32(len(r.Raw))}})
	}
	d.Decode(t.block, row, func(f *source.Fault) {
		t.rows++
		t.bad = append(t.bad, newFault(f))
	})
}

// emptied keeps the memory of items, unless they took little of it: a block with one entity fills one shard, and the next block another.
func emptied(items []item) []item {
	if cap(items) > 1024 && cap(items) > 8*len(items) {
		return nil
	}
	return items[:0]
}

// row is an item as its decoder handed it over.
func (t *task) row(it *item) *source.Row {
	return &source.Row{At: it.at, Value: it.value, Line: it.line, Key: it.key.of(t.keys), Raw: it.raw.of(t.block.Data)}
}

// datum is an item of a task, with its place in the input.
type datum struct {
	order
	task *task
	item *item
}

func (d *datum) place() Place { return Place{d.task.block.Input.Name, d.item.line} }

// order is where a row stands in the input. Rounds, the tasks of a round and the lines of a task are in its order.
type order struct{ round, task, line int }

func (o order) compare(other order) int {
	return cmp.Or(cmp.Compare(o.round, other.round), cmp.Compare(o.task, other.task), cmp.Compare(o.line, other.line))
}

// ordered is a thing that a row is an example of.
type ordered[T any] struct {
	order order
	thing T
}

// earliest are the first of the things by the order of the input.
func earliest[T any](all []ordered[T], most int) (things []T) {
	slices.SortFunc(all, func(a, b ordered[T]) int { return a.order.compare(b.order) })
	for _, one := range all[:min(len(all), most)] {
		things = append(things, one.thing)
	}
	return things
}

// fault is a bad row.
type fault struct {
	reason, explains string
	line             int
}

// unreadable is the reason of rows that no record can be made of. All other reasons are the detector's.
const unreadable = "unreadable"

func newFault(f *source.Fault) fault {
	if f.Bad != nil {
		return fault{f.Bad.Reason.String(), f.Bad.Error(), f.Line}
	}
	return fault{unreadable, f.Why, f.Line}
}

// firstFew is how many examples are kept.
const firstFew = 3

// faults counts bad rows by what is wrong with them. Rows come in the order of the input.
type faults []FaultCount

func (all *faults) add(input string, f fault) {
	i := slices.IndexFunc(*all, func(c FaultCount) bool { return c.Reason == f.reason && c.Explains == f.explains })
	if i < 0 {
		i = len(*all)
		*all = append(*all, FaultCount{Reason: f.reason, Explains: f.explains})
	}
	c := &(*all)[i]
	c.Count++
	if len(c.First) < firstFew {
		c.First = append(c.First, Place{input, f.line})
	}
}

// sorted has the most frequent fault first.
func (all faults) sorted() []FaultCount {
	slices.SortStableFunc(all, func(a, b FaultCount) int { return cmp.Compare(b.Count, a.Count) })
	return all
}
