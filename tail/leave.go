package tail

import (
	"cmp"
	"math"
	"slices"
)

// position is the place of an anomaly in the list: the latest time first, then by output partition and
// offset. It is the same on every node.
type position struct {
	at        int64
	partition int32
	offset    int64
}

func (r *row) place() position { return position{r.at, r.outputPartition, r.outputOffset} }

func (p position) compare(other position) int {
	return cmp.Or(cmp.Compare(other.at, p.at), cmp.Compare(p.partition, other.partition), cmp.Compare(p.offset, other.offset))
}

func (p position) before(other position) bool {
	if p.at != other.at {
		return p.at > other.at
	}
	return p.compare(other) < 0
}

// since is the position after all anomalies of a time or later.
func since(at int64) position { return position{at, math.MaxInt32, math.MaxInt64} }

// expire removes anomalies that are older than the range.
func (t *Tail) expire() {
	if from := t.from(); from > t.floor.at {
		t.leave(since(from))
	}
}

// trim gives up the oldest anomalies, an eighth of all at a time, until the rest fits into the memory limit.
func (t *Tail) trim() {
	for t.bytes > t.config.MostBytes && t.rows.count > 0 {
		// The oldest anomalies: the end of the list, with the first of them on top.
		oldest := page[position]{most: t.rows.count/8 + 1, before: func(a, b position) bool { return b.before(a) }}
		for i := range t.rows.used {
			if r := t.rows.at(i); r.live {
				oldest.offer(r.place())
			}
		}
		t.leave(oldest.items[0])
	}
}

// leave removes all anomalies at or after a position in the list, and refuses such anomalies from now on.
func (t *Tail) leave(floor position) {
	if !floor.before(t.floor) {
		return
	}
	t.floor = floor
	if t.oldest > floor.at {
		return
	}
	t.oldest = math.MaxInt64
	t.log = slices.DeleteFunc(t.log, func(i uint32) bool {
		r := t.rows.at(i)
		if r.place().before(floor) {
			t.oldest = min(t.oldest, r.at)
			return false
		}
		t.lose(r)
		r.live = false
		t.touch(r.entity)
		return true
	})
	t.epoch++
	for _, id := range t.touched {
		one := &t.entities[id]
		one.rows = slices.DeleteFunc(one.rows, func(i uint32) bool {
			if t.rows.at(i).live {
				return false
			}
			t.bytes -= t.rows.at(i).bytes()
			t.rows.remove(i)
			return true
		})
		one.fresh = len(one.rows) // put all in order and fold them anew
		t.bytes -= runBytes * int64(len(one.runs))
		one.runs, one.multi = nil, false
	}
	t.fold()
}
